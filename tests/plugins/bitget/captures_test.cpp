// The recordings of the real venue. They are of v1, retired in 2025, whose books have the form of v2: the code that
// reads v2 reads them, though nobody can dial it any more. The tops are those that the README states.
#include <catch2/catch.hpp>
#include <fstream>
#include <map>
#include <sstream>

#include "anduin/decimal.hpp"
#include "plugins/bitget/bench.hpp"
#include "plugins/bitget/rows.hpp"
#include "support/shared.hpp"
#include "venue/recording.hpp"

using anduin::Decimal;
using namespace anduin::test;
using nlohmann::json;

namespace {

/// The rows of the README's table: "| mix | DASHUSDT | 113.28 (174.25) | 113.33 (9.06) | ..."
std::map<std::string, std::pair<std::string, std::string>> readme_tops(const std::string& wanted) {
  std::ifstream in(*shared_dir() / "captures/bitget/README.md");
  std::map<std::string, std::pair<std::string, std::string>> out;
  for (std::string line; std::getline(in, line);) {
    std::stringstream row(line);
    std::string bar, file, name, bid, bid_size, ask;
    row >> bar >> file >> bar >> name >> bar >> bid >> bid_size >> bar >> ask;
    if (file == wanted && Decimal::parse(bid) && Decimal::parse(ask)) out[name] = {bid, ask};
  }
  return out;
}

}  // namespace

TEST_CASE("the recorded books end on the README's tops, never crossed (lessons 30, 31, 40)") {
  ANDUIN_NEED_SHARED();
  for (const auto& [file, market] : std::map<std::string, std::string>{{"mix", "linear"}, {"spot", "spot"}}) {
    DYNAMIC_SECTION(file) {
      Bench b(false, {{"dialect", "v2"}, {"price_channel", "books"}, {"market", json::array({market})}},
              1'649'290'077'000);
      b.start();
      b.connect();
      const auto path = *shared_dir() / "captures/bitget" / ("bitget_v1_" + file + "_20220407.jsonl.gz");
      std::size_t frames = 0;
      const auto read =
          anduin::venue::read_recording(path.string(), [&](anduin::venue::RecordingLine l) -> anduin::Result<void> {
            if (l.inbound && ++frames > 0) CHECK(b.frame(kConn, l.payload) == AND_OK);
            return {};
          });
      REQUIRE(read.has_value());
      CHECK(frames == (file == "mix" ? 473U : 684U));
      CHECK(b.errors.empty());
      const auto want = readme_tops(file);
      CHECK(want.size() == (file == "mix" ? 2U : 8U));
      std::map<std::string, SeenPrice> last;
      for (const SeenPrice& p : b.prices) {
        CHECK_FALSE(p.withdrawn);
        CHECK(Decimal::of(p.bid) < Decimal::of(p.ask));
        last.insert_or_assign(p.symbol, p);
      }
      CHECK(last.size() == want.size());
      for (const auto& [symbol, top] : want) {
        INFO(symbol);
        REQUIRE(last.contains(symbol));
        CHECK(Decimal::of(last.at(symbol).bid) == Decimal::of(top.first));
        CHECK(Decimal::of(last.at(symbol).ask) == Decimal::of(top.second));
      }
    }
  }
}

TEST_CASE("the documentation's frames of both live dialects are all understood") {
  ANDUIN_NEED_SHARED();
  std::ifstream in(*shared_dir() / "captures/bitget/bitget_v2_v3_fixtures_bitgetnet.jsonl");
  std::size_t seen = 0;
  for (std::string line; std::getline(in, line);) {
    const json l = json::parse(line);
    if (l.at("kind") != "ws" || l.at("dir") != "in") continue;
    const std::string url = l.at("url"), text = l.at("text");
    const bool v3 = url.find("/v3/") != std::string::npos, is_private = url.ends_with("private");
    INFO(text);
    ++seen;
    if (is_private) {
      Bench b(true, v3 ? kUnified : kClassic);
      b.start();
      b.connect();
      b.advance(6'000);
      CHECK(b.frame(kConn, text) == AND_OK);
      CHECK(b.errors.empty());
      continue;
    }
    for (const char* channel : {"books1", "books5", "ticker"}) {
      Bench b(false, {{"dialect", v3 ? "v3" : "v2"}, {"price_channel", channel}});
      b.start();
      b.connect();
      b.symbols({"BTCUSDT"});
      CHECK(b.frame(kConn, text) == AND_OK);
      CHECK(b.errors.empty());
      const bool ours = text.find("\"data\"") != std::string::npos &&
                        text.find(std::string("\"") + channel + "\"") != std::string::npos;
      CHECK(b.prices.size() == (ours ? 1U : 0U));
    }
  }
  CHECK(seen == 29);
}
