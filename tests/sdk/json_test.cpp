#include "anduin/json_reader.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <functional>
#include <nlohmann/json.hpp>
#include <random>

using namespace anduin;

namespace {

/// Text with the padding that the host guarantees.
struct Padded {
  explicit Padded(std::string t) : size(t.size()), text(std::move(t) + std::string(json::kPadding, '\0')) {}
  [[nodiscard]] json::View view() const { return json::View::parse(text.data(), size); }
  [[nodiscard]] json::Reader reader() const { return {text.data(), size}; }
  std::size_t size;
  std::string text;
};

}  // namespace

TEST_CASE("json: members in one pass, absent ones are absent, the first of a repeated one counts") {
  const Padded p(R"( {"b": [1, "x", null], "a":"v", "a":"w", "n": -1.50, "t":true, "e":""} )");
  const auto [a, b, c, n, t, e] = p.view().get<"a", "b", "c", "n", "t", "e">();
  CHECK(a.str() == "v");
  CHECK(b.size() == 3);
  CHECK(b[1] == "x");
  CHECK_FALSE(b[2]);
  CHECK(b[9].absent());
  CHECK(c.absent());
  CHECK_FALSE(c);
  CHECK(n.dec() == Decimal::of("-1.5"));
  CHECK(t.truthy());
  CHECK_FALSE(e.dec_or_none());
  CHECK_THROWS_AS(c.dec(), BadFrame);
  CHECK_THROWS_AS(a.dec(), BadFrame);
  CHECK_THROWS_AS(n.i64(), BadFrame);
}

TEST_CASE("json: strings are decoded when asked, integers hold 64 bits") {
  const Padded p(R"({"s":"a\"\\\/\n\u00e9\ud83d\ude00","i":9223372036854775807,"o":9223372036854775808})");
  CHECK(p.view()["s"].text() == "a\"\\/\n\xC3\xA9\xF0\x9F\x98\x80");
  CHECK(p.view()["i"].i64() == INT64_MAX);
  CHECK_THROWS_AS(p.view()["o"].i64(), BadFrame);
}

TEST_CASE("json: malformed text throws, it never reads outside") {
  const auto* text = GENERATE("", "{", "[1,2", R"({"a":1)", R"({"a")", R"({"a":})", R"({"a":1,})", R"({"a":"x)", "[1 2]", R"({a:1})", R"([{]})",
                              R"({"a":1} x)", R"({"a":"\)", "{\"a\":\"\\u12\"}");
  INFO(text);
  const Padded p(text);
  const auto walk = [&] {
    const std::function<void(json::View)> visit = [&](json::View v) {
      if (v.is_string()) static_cast<void>(v.text());
      v.members([&](std::string_view, json::View m) { visit(m); });
      for (const json::View e : v) visit(e);
    };
    visit(p.view());
  };
  CHECK_THROWS_AS(walk(), BadFrame);
}

TEST_CASE("json: the reader sees what the view sees, in one pass") {
  const Padded p(R"({"topic":"orderbook.1.BTCUSDT","ts":1699764797519,"data":{"s":"BTCUSDT","b":[["32499.10","0.5"]],"a":[["32499.27","0.011534"]],"u":8},"x":[{"deep":[1,{"k":"}]"}]}],"cts":1699764797510})");
  auto r = p.reader();
  std::string_view topic, symbol;
  std::int64_t cts = 0;
  Decimal bid, ask;
  const auto top = [&](Decimal& to) {
    bool first = true;
    r.array([&] {
      bool price = true;
      r.array([&] {
        if (first && price) to = r.dec();
        price = false;
      });
      first = false;
    });
  };
  r.object([&](std::string_view key) {
    if (key == "topic") topic = r.str();
    else if (key == "cts") cts = r.i64();
    else if (key == "data")
      r.object([&](std::string_view k) {
        if (k == "s") symbol = r.str();
        else if (k == "b") top(bid);
        else if (k == "a") top(ask);
      });
  });
  CHECK(topic == "orderbook.1.BTCUSDT");
  CHECK(symbol == "BTCUSDT");
  CHECK(cts == 1699764797510);
  CHECK(bid == Decimal::of("32499.1"));
  CHECK(ask == Decimal::of("32499.27"));
}

TEST_CASE("json: random documents read like another reader's tree, random damage is an error or another document") {
  const char* named = std::getenv("ANDUIN_SEED");
  const std::uint64_t seed = named ? std::strtoull(named, nullptr, 10) : std::random_device{}();
  INFO("ANDUIN_SEED=" << seed);
  std::mt19937_64 rng(seed);
  using nlohmann::json;
  const std::function<json(int)> make = [&](int depth) -> json {
    switch (depth == 0 ? rng() % 4 : rng() % 6) {
      case 0: return static_cast<std::int64_t>(rng() % 1'000'000) - 500'000;
      case 1: return std::string(rng() % 40, static_cast<char>('a' + rng() % 26)) + (rng() % 8 == 0 ? "\"\\{[]},:" : "");
      case 2: return nullptr;
      case 3: return rng() % 2 == 0;
      case 4: {
        json a = json::array();
        for (std::uint64_t n = rng() % 5; n > 0; --n) a.push_back(make(depth - 1));
        return a;
      }
      default: {
        json o = json::object();
        for (std::uint64_t n = rng() % 5; n > 0; --n) o["k" + std::to_string(rng() % 50)] = make(depth - 1);
        return o;
      }
    }
  };
  const std::function<json(anduin::json::View)> tree = [&](anduin::json::View v) -> json {
    if (v.is_object()) {
      json o = json::object();
      v.members([&](std::string_view name, anduin::json::View m) { o[std::string(name)] = tree(m); });
      return o;
    }
    if (v.is_array()) {
      json a = json::array();
      for (const anduin::json::View e : v) a.push_back(tree(e));
      return a;
    }
    if (v.is_string()) return v.text();
    return json::parse(v.raw());
  };
  for (int i = 0; i < 3'000; ++i) {
    const json want = make(4);
    const Padded p(want.dump(rng() % 3 == 0 ? 2 : -1));
    REQUIRE(tree(p.view()) == want);
    // One byte of damage: never a crash, never a read outside (the sanitizers watch).
    std::string hurt = p.text.substr(0, p.size);
    if (!hurt.empty()) hurt[rng() % hurt.size()] = static_cast<char>(rng());
    const Padded damaged(hurt.substr(0, rng() % 2 == 0 ? hurt.size() : rng() % (hurt.size() + 1)));
    try {
      static_cast<void>(tree(damaged.view()));
    } catch (const BadFrame&) {
    } catch (const json::exception&) {  // a scalar that is no JSON scalar: our readers check it when it is asked for
    }
  }
}
