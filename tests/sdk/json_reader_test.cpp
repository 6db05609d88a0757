#include "anduin/json_reader.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <random>

#include "support/seed.hpp"

using namespace anduin;
using anduin::json::on;

namespace {

/// Text with the padding that the host guarantees.
struct Padded {
  explicit Padded(std::string t) : size(t.size()), text(std::move(t) + std::string(json::kPadding, '\0')) {}
  [[nodiscard]] json::Reader reader() const { return {text.data(), size}; }
  std::size_t size;
  std::string text;
};

/// What a plugin takes out of a frame.
struct Taken {
  std::string topic;
  std::int64_t ts = 0;
  std::vector<std::pair<Decimal, Decimal>> levels;
  Decimal last;
  bool operator==(const Taken&) const = default;
};

Taken by_names(json::Reader r) {
  Taken t;
  r.object(on<"topic">([&] { t.topic = r.str(); }),
           on<"ts">([&] { t.ts = r.i64_or_zero(); }),
           json::ignore<"note">(),
           on<"data">([&] {
             r.object(on<"b">([&] {
                        r.array([&] {
                          std::pair<Decimal, Decimal> level;
                          const auto n = r.tuple([&] { level.first = r.dec(); }, [&] { level.second = r.dec(); });
                          if (n < 2) throw BadFrame("not a level");
                          t.levels.push_back(level);
                        });
                      }),
                      on<"last">([&] { t.last = r.dec_or_zero(); }));
           }));
  return t;
}

/// The same, member by member through a callback.
Taken by_callback(json::Reader r) {
  Taken t;
  r.object([&](std::string_view key) {
    if (key == "topic") t.topic = r.str();
    else if (key == "ts") t.ts = r.i64_or_zero();
    else if (key == "data")
      r.object([&](std::string_view inner) {
        if (inner == "last") t.last = r.dec_or_zero();
        if (inner != "b") return;
        r.array([&] {
          std::pair<Decimal, Decimal> level;
          std::size_t n = 0;
          r.array([&] {
            if (n == 0) level.first = r.dec();
            else if (n == 1) level.second = r.dec();
            ++n;
          });
          if (n < 2) throw BadFrame("not a level");
          t.levels.push_back(level);
        });
      });
  });
  return t;
}

/// Another reader's tree in which every number is the text that stood there.
struct Lexemes : nlohmann::json_sax<nlohmann::json> {
  nlohmann::json root;
  std::vector<nlohmann::json*> open;
  std::string name;
  bool put(nlohmann::json v) {
    if (open.empty()) root = std::move(v);
    else if (open.back()->is_array()) open.back()->push_back(std::move(v));
    else (*open.back())[name] = std::move(v);
    return true;
  }
  bool enter(nlohmann::json v) {
    put(std::move(v));
    open.push_back(open.empty() ? &root : open.back()->is_array() ? &open.back()->back() : &(*open.back())[name]);
    return true;
  }
  bool leave() { return open.pop_back(), true; }
  bool null() override { return put(nullptr); }
  bool boolean(bool v) override { return put(v); }
  bool number_integer(number_integer_t v) override { return put(std::to_string(v)); }
  bool number_unsigned(number_unsigned_t v) override { return put(std::to_string(v)); }
  bool number_float(number_float_t, const string_t& text) override { return put(text); }
  bool string(string_t& v) override { return put(v); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return enter(nlohmann::json::object()); }
  bool start_array(std::size_t) override { return enter(nlohmann::json::array()); }
  bool key(string_t& v) override { return name = v, true; }
  bool end_object() override { return leave(); }
  bool end_array() override { return leave(); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception&) override { return false; }
};

/// The same from that tree; nothing where the text is no such frame.
std::optional<Taken> by_tree(const std::string& text) {
  Lexemes sax;
  if (!nlohmann::json::sax_parse(text, &sax) || !sax.root.is_object()) return std::nullopt;
  const auto blank = [](const nlohmann::json& v) { return v.is_null() || v == ""; };
  const auto number = [](const nlohmann::json& v) { return Decimal::of(v.get<std::string>()); };
  try {
    Taken t;
    const nlohmann::json& root = sax.root;
    if (root.contains("topic") && !root["topic"].is_null()) t.topic = root["topic"].get<std::string>();
    if (root.contains("ts") && !blank(root["ts"])) {
      const Decimal ts = number(root["ts"]);
      t.ts = std::stoll(ts.to_string());
      if (Decimal(Decimal::Mantissa(t.ts), 0) != ts) return std::nullopt;
    }
    if (!root.contains("data")) return t;
    const nlohmann::json& data = root["data"];
    if (!data.is_object()) return std::nullopt;
    if (data.contains("last") && !blank(data["last"])) t.last = number(data["last"]);
    if (!data.contains("b")) return t;
    if (!data["b"].is_array()) return std::nullopt;
    for (const auto& level : data["b"]) t.levels.emplace_back(number(level.at(0)), number(level.at(1)));
    return t;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

std::optional<Taken> tried(Taken (*read)(json::Reader), const Padded& p) {
  try {
    return read(p.reader());
  } catch (const BadFrame&) {
    return std::nullopt;
  }
}

std::string digits(std::mt19937_64& rng, int at_most) {
  std::string s(1, static_cast<char>('1' + rng() % 9));
  for (std::uint64_t n = rng() % static_cast<unsigned>(at_most); n > 0; --n) s += static_cast<char>('0' + rng() % 10);
  return s;
}

/// Members in random order, with blanks, unknown members and both spellings of numbers.
std::string random_frame(std::mt19937_64& rng) {
  const auto blank = [&] { return std::string(rng() % 9 == 0 ? rng() % 3 : 0, ' '); };
  const auto number = [&] {
    std::string s = digits(rng, 14);
    if (rng() % 3 != 0) s += "." + std::string(rng() % 3, '0') + digits(rng, 11);
    if (rng() % 30 == 0) s += "e-2";
    return rng() % 2 == 0 ? "\"" + s + "\"" : s;
  };
  std::string levels;
  for (std::uint64_t n = rng() % 4; n > 0; --n)
    levels += (levels.empty() ? "" : ",") + ("[" + number()) + "," + blank() + number() + (rng() % 4 == 0 ? ",7]" : "]");
  std::vector<std::string> inner{"\"b\":" + blank() + "[" + levels + "]", "\"last\":" + (rng() % 8 == 0 ? "null" : number()),
                                 "\"vwap\":" + number(), "\"deep\":[1,{\"b\":\"]}\"},[]]"};
  std::vector<std::string> outer{"\"topic\":\"book.1\"", "\"ts\":" + blank() + digits(rng, 17), rng() % 4 == 0 ? "\"note\":{\"ts\":[\"\\\"\"]}" : "\"note\":[{\"ts\":\"}\"}]",
                                 "\"unknown member of some length\":true"};
  const auto joined = [&](std::vector<std::string>& parts) {
    std::shuffle(parts.begin(), parts.end(), rng);
    parts.resize(parts.size() - rng() % 2);
    std::string s = "{";
    for (const std::string& part : parts) s += (s.size() > 1 ? "," + blank() : blank()) + part;
    return s + blank() + "}";
  };
  outer.push_back("\"data\":" + joined(inner));
  return blank() + joined(outer);
}

}  // namespace

TEST_CASE("reader: random frames read alike by names, by callback and from another reader's tree") {
  const std::uint64_t seed = test::fresh_seed();
  INFO("ANDUIN_SEED=" << seed);
  std::mt19937_64 rng(seed);
  for (int i = 0; i < 20'000; ++i) {
    const Padded p(random_frame(rng));
    INFO(p.text.substr(0, p.size));
    const auto names = tried(&by_names, p), callback = tried(&by_callback, p), tree = by_tree(p.text.substr(0, p.size));
    REQUIRE(names);
    REQUIRE(names == callback);
    REQUIRE(names == tree);
  }
}

TEST_CASE("reader: mutated frames are refused by names and by callback alike, and a sound one is never refused") {
  const std::uint64_t seed = test::fresh_seed();
  INFO("ANDUIN_SEED=" << seed);
  std::mt19937_64 rng(seed);
  static constexpr std::string_view kSpice = "\"\\{}[],:0179.-+eEn \t\x01";
  int refused = 0, accepted = 0, agreed = 0;
  for (int i = 0; i < 40'000; ++i) {
    std::string hurt = random_frame(rng);
    for (std::uint64_t n = 1 + rng() % 3; n > 0; --n) {
      const std::size_t at = rng() % hurt.size();
      switch (rng() % 4) {
        case 0: hurt[at] = kSpice[rng() % kSpice.size()]; break;
        case 1: hurt.erase(at, 1 + rng() % 4); break;
        case 2: hurt.insert(at, 1, kSpice[rng() % kSpice.size()]); break;
        default: hurt.resize(std::max<std::size_t>(at, 1)); break;
      }
      if (hurt.empty()) hurt = "{";
    }
    const Padded p(hurt);
    INFO(hurt);
    const auto names = tried(&by_names, p), callback = tried(&by_callback, p);
    REQUIRE(names == callback);
    (names ? accepted : refused) += 1;
    // What another reader takes for such a frame is taken here with the same values (escapes are left as they stand).
    if (const auto tree = by_tree(hurt); tree && hurt.find('\\') == std::string::npos) {
      ++agreed;
      REQUIRE(names == tree);
    }
  }
  CHECK(refused > 1'000);
  CHECK(accepted > 1'000);
  CHECK(agreed > 500);
}

TEST_CASE("reader: numbers of every length are what the decimal parser makes of them") {
  std::mt19937_64 rng(5);
  for (int i = 0; i < 50'000; ++i) {
    std::string s(rng() % 12, '0');
    s += rng() % 20 == 0 ? "" : digits(rng, 24);
    if (rng() % 3 != 0) s += "." + std::string(rng() % 12, '0') + (rng() % 5 == 0 ? "" : digits(rng, 16));
    if (rng() % 10 == 0) s.insert(0, "-");
    INFO(s);
    const auto want = Decimal::parse(s);
    for (const bool quoted : {false, true}) {
      const Padded p("[" + (quoted ? "\"" + s + "\"" : s) + "]");
      json::Reader r = p.reader();
      std::optional<Decimal> got;
      try {
        r.array([&] { got = r.dec(); });
      } catch (const BadFrame&) {
        got = std::nullopt;
      }
      REQUIRE(got == want);
    }
    const bool integer = want && s.find('.') == std::string::npos && want->abs() <= Decimal(Decimal::Mantissa(INT64_MAX), 0);
    const Padded p("[" + s + "]");
    json::Reader r = p.reader();
    if (integer) r.array([&] { REQUIRE(Decimal(Decimal::Mantissa(r.i64()), 0) == *want); });
  }
}

TEST_CASE("reader: nesting, brackets and control characters are checked on what is skipped and on what is read") {
  const std::string deep(json::kDepthMax + 1, '[');
  const auto* text = GENERATE("", "{", "{\"x\"", "{\"x\":", "{\"x\":1", "{\"x\":1,}", "{\"x\":[1}", "{\"x\":\"y}", "{\"x\" 1}",
                              "{\"x\":1 2}", "{\"x\":\x01 1}", "{x:1}", "[1]", "{\"topic\"}", "{\"topic\":}", "{\"ts\":1",
                              "{\"ts\":12x}", "{\"ts\":\"12}", "{\"data\":[]}", "{\"data\":{\"b\":[[1]]}}",
                              "{\"data\":{\"b\":[[\"1\",\"\"]]}}", "{\"data\":{\"b\":[[1,2]}}");
  INFO(text);
  const Padded p(text);
  CHECK_FALSE(tried(&by_names, p));
  CHECK_FALSE(tried(&by_callback, p));
  CHECK_FALSE(tried(&by_names, Padded("{\"x\":" + deep + "}")));
}
