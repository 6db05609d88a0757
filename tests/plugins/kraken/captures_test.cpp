// The recordings of the real venue, through the same code that the live host runs; tops as their README states them.
#include <catch2/catch.hpp>
#include <fstream>
#include <map>
#include <sstream>

#include "host_double.hpp"
#include "support/shared.hpp"
#include "venue/replay.hpp"

using namespace anduin;
using Json = nlohmann::json;

namespace {

struct Top {
  std::string symbol, bid, ask;
};

struct Played {
  std::map<std::string, Json> last;  ///< by symbol, numbers as text
  std::string lines;
  std::size_t prices = 0, resyncs = 0;
  Json stats;
};

std::string number_after(const std::string& line, const std::string& name) {
  const std::size_t at = line.find("\"" + name + "\":") + name.size() + 3;
  return line.substr(at, line.find_first_of(",}", at) - at);
}

Played play(const std::string& file, Json options, std::size_t batch = 64) {
  Played out;
  venue::ReplayOptions o;
  o.options = std::move(options);
  o.batch = batch;
  auto replay = venue::Replay::create(test::kraken_library(), o, [&](const std::string& line) {
    out.lines += line + "\n";
    if (line.find("\"type\":\"price\"") != std::string::npos) {
      ++out.prices;
      const std::size_t at = line.find("\"symbol\":\"") + 10;
      out.last[line.substr(at, line.find('"', at) - at)] = {{"bid", number_after(line, "bid")},
                                                            {"ask", number_after(line, "ask")}};
    }
    if (line.find("\"state\":\"resync\"") != std::string::npos) ++out.resyncs;
  });
  REQUIRE(replay.has_value());
  const auto path = *test::shared_dir() / "captures" / "kraken" / file;
  const auto read = venue::read_recording(path.string(), [&](venue::RecordingLine l) { return (*replay)->feed(l); });
  REQUIRE(read.has_value());
  (*replay)->finish();
  out.stats = (*replay)->stats();
  return out;
}

/// The rows of the README table that begins behind `title`: symbol, bid, -, ask.
std::vector<Top> tops_of(const std::string& title) {
  std::ifstream in(*test::shared_dir() / "captures" / "kraken" / "README.md");
  std::vector<Top> tops;
  bool found = false;
  for (std::string line; std::getline(in, line);) {
    if (line.rfind(title, 0) == 0)
      found = true;
    else if (found && line.rfind("| ", 0) == 0) {
      std::vector<std::string> cells;
      std::stringstream row(line.substr(1));
      for (std::string cell; std::getline(row, cell, '|');) {
        const auto a = cell.find_first_not_of(' '), b = cell.find_last_not_of(' ');
        cells.push_back(a == std::string::npos ? "" : cell.substr(a, b - a + 1));
      }
      if (cells.size() >= 5 && Decimal::parse(cells[1])) tops.push_back({cells[0], cells[1], cells[3]});
    } else if (found && !tops.empty()) {
      break;
    }
  }
  return tops;
}

std::string canonical(std::string pair) {
  for (const auto& [from, to] : {std::pair{"XBT", "BTC"}}) {
    for (std::size_t at; (at = pair.find(from)) != std::string::npos;) pair.replace(at, 3, to);
  }
  std::erase(pair, '/');
  return pair;
}

void check_tops(const Played& played, const std::string& title, std::size_t count, bool described) {
  const auto tops = tops_of(title);
  REQUIRE(tops.size() == count);
  REQUIRE(played.last.size() == count);
  for (const Top& t : tops) {
    INFO(t.symbol);
    const auto it = played.last.find(described ? canonical(t.symbol) : t.symbol);
    REQUIRE(it != played.last.end());
    CHECK(Decimal::of(it->second["bid"].get<std::string>()) == Decimal::of(t.bid));
    CHECK(Decimal::of(it->second["ask"].get<std::string>()) == Decimal::of(t.ask));
  }
}

Json options_of(const std::string& market, const std::string& dialect, const std::string& channel) {
  return {{"market", Json::array({market})},
          {"dialect", dialect},
          {"private_dialect", "v2"},
          {"price_channel", channel},
          {"balance", "auto"}};
}

}  // namespace

TEST_CASE("spot v1 book: 4269 checksums agree and the tops are the README's") {
  ANDUIN_NEED_SHARED();
  const Played p = play("spot_v1_book1000_2021.jsonl.gz", options_of("spot", "v1", "book.1000"));
  check_tops(p, "Spot v1 book", 10, false);
  CHECK(p.resyncs == 0);
  CHECK(p.stats["errors"] == 0);
}

TEST_CASE("spot v1 book: one wrong digit in one delta takes that pair out and no other") {
  ANDUIN_NEED_SHARED();
  // Method: replay in memory with one KSM/XBT delta near the top changed by one digit.
  std::string resyncs;
  std::map<std::string, int> after;
  bool broken = false;
  venue::ReplayOptions o;
  o.options = options_of("spot", "v1", "book.1000");
  o.batch = 1;
  auto replay = venue::Replay::create(test::kraken_library(), o, [&](const std::string& line) {
    if (line.find("\"resync\"") != std::string::npos) resyncs += line;
    if (broken && line.find("\"price\"") != std::string::npos) {
      const std::size_t at = line.find("\"symbol\":\"") + 10;
      ++after[line.substr(at, line.find('"', at) - at)];
    }
  });
  REQUIRE(replay.has_value());
  const auto path = *test::shared_dir() / "captures" / "kraken" / "spot_v1_book1000_2021.jsonl.gz";
  const auto read = venue::read_recording(path.string(), [&](venue::RecordingLine l) -> Result<void> {
    const std::size_t at = l.payload.find("\"4.54778714\"");  // near the top of the asks
    if (!broken && at != std::string::npos && l.payload.find("KSM/XBT") != std::string::npos) {
      l.payload[at + 10] = '5';
      auto fed = (*replay)->feed(l);
      broken = true;
      return fed;
    }
    return (*replay)->feed(l);
  });
  REQUIRE(read.has_value());
  (*replay)->finish();
  CHECK(resyncs.find("KSM/XBT: checksum mismatch") != std::string::npos);
  CHECK(resyncs.find("state", resyncs.find("state") + 5) == std::string::npos);
  CHECK(after.count("KSM/XBT") == 0);
  CHECK(after.count("ADA/XBT") == 1);
  CHECK(after.count("XMR/USD") == 1);
}

TEST_CASE("spot v1 ticker: the tops are the README's") {
  ANDUIN_NEED_SHARED();
  check_tops(play("spot_v1_ticker_2021.jsonl", options_of("spot", "v1", "ticker")), "Spot v1 ticker", 10, false);
}

TEST_CASE("futures book: the tops are the README's, seq without gaps") {
  ANDUIN_NEED_SHARED();
  const Played p = play("futures_v1_book_tickerlite_2021.jsonl.gz", options_of("futures", "v2", ""));
  check_tops(p, "Futures book", 10, false);
  CHECK(p.resyncs == 0);
  CHECK(p.stats["errors"] == 0);
}

TEST_CASE("futures ticker_lite: the last column of the README") {
  ANDUIN_NEED_SHARED();
  const Played p = play("futures_v1_book_tickerlite_2021.jsonl.gz", options_of("futures", "v2", "ticker_lite"));
  REQUIRE(p.last.size() == 10);
  CHECK(p.last.at("PI_ETHUSD")["bid"] == "2001.85");
  CHECK(p.last.at("PI_ETHUSD")["ask"] == "2003.05");
  CHECK(p.last.at("PI_LTCUSD")["ask"] == "119.51");
  CHECK(p.last.at("FI_ETHUSD_210730")["ask"] == "2002.15");
}

TEST_CASE("channels that were not chosen publish nothing and are no errors") {
  ANDUIN_NEED_SHARED();
  const Played trades = play("spot_v1_trade_2021.jsonl", options_of("spot", "v1", ""));
  CHECK(trades.prices == 0);
  CHECK(trades.stats["errors"] == 0);
  const Played book = play("spot_v1_book1000_2021.jsonl.gz", options_of("spot", "v1", "spread"));
  CHECK(book.prices == 0);
  CHECK(book.stats["errors"] == 0);
  const Played v1_to_v2 = play("spot_v1_ticker_2021.jsonl", options_of("spot", "v2", ""));
  CHECK(v1_to_v2.prices == 0);
}

TEST_CASE("twice gives identical bytes, so do batches of 1 and 64") {
  ANDUIN_NEED_SHARED();
  for (const auto& [file, options] :
       {std::pair{"futures_v1_book_tickerlite_2021.jsonl.gz", options_of("futures", "v2", "")},
        std::pair{"spot_v1_book1000_2021.jsonl.gz", options_of("spot", "v1", "book.1000")},
        std::pair{"spot_v1_ticker_2021.jsonl", options_of("spot", "v1", "ticker")}}) {
    INFO(file);
    const std::string once = play(file, options, 64).lines;
    CHECK(!once.empty());
    CHECK(play(file, options, 64).lines == once);
    CHECK(play(file, options, 1).lines == once);
  }
}

TEST_CASE("the sample frames: v2 ticker, v1 spread, v2 book with its real checksum") {
  ANDUIN_NEED_SHARED();
  const Played ticker = play("spot_sample_frames.jsonl", options_of("spot", "v2", ""));
  REQUIRE(ticker.last.count("BTC/USD") == 1);
  CHECK(ticker.last.at("BTC/USD")["bid"] == "105944.2");
  CHECK(ticker.last.at("BTC/USD")["ask"] == "105944.3");
  const Played spread = play("spot_sample_frames.jsonl", options_of("spot", "v1", ""));
  CHECK(spread.last.at("XBT/USD")["bid"] == "5698.4");
  // The first two book frames have normalised numbers (their checksum cannot hold), the third is byte for byte.
  const Played book = play("spot_sample_frames.jsonl", options_of("spot", "v2", "book.10"));
  CHECK(book.last.at("BTC/USD")["bid"] == "45283.5");
  CHECK(book.last.at("BTC/USD")["ask"] == "45285.2");
  CHECK(book.prices == 1);
  CHECK(book.resyncs == 1);
}

TEST_CASE("instruments in the recording make names canonical") {
  ANDUIN_NEED_SHARED();
  const Played p = play("futures_sample_frames.jsonl", options_of("futures", "v2", "ticker_lite"));
  CHECK(p.last.at("PF_XBTUSD")["bid"] == "34932");  // its list has no PF_XBTUSD row
  const Played list = play("spot_rest_assetpairs_2021.jsonl", options_of("spot", "v1", ""));
  CHECK(list.stats["errors"] == 0);
}
