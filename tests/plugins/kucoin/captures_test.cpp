// The recorded frames of the live dialect, through the plugin; tops as the README of the captures states them. The spot
// recording beside them is another product: nothing of it may become a price.
#include <catch2/catch.hpp>

#include <fstream>
#include <map>

#include "plugins/kucoin/bench.hpp"
#include "support/shared.hpp"

using anduin::test::Bench;
using nlohmann::json;
namespace t = anduin::test;

namespace {

std::vector<json> recorded() {
  std::vector<json> out;
  std::ifstream in(*t::shared_dir() / "captures" / "kucoin" / "futures-samples.jsonl");
  for (std::string line; std::getline(in, line);) out.push_back(json::parse(line));
  return out;
}

std::map<std::string, std::string> tops(const std::string& channel) {
  Bench b(false, {{"price_channel", channel}});
  b.start();
  b.go();
  std::map<std::string, std::string> out;
  for (const json& line : recorded()) {
    if (line.at("kind") != "ws") continue;
    b.prices.clear();
    b.frame(1, line.at("text"));
    for (const auto& p : b.prices) out[p.symbol] = p.bid + "/" + p.ask;
  }
  return out;
}

}  // namespace

TEST_CASE("the recorded futures frames end on the tops of the README") {
  ANDUIN_NEED_SHARED();
  REQUIRE(recorded().size() == 39);
  const auto ticker = tops("tickerV2");
  CHECK(ticker == std::map<std::string, std::string>{
                      {"XBTMM22", "31741/31776"}, {"XBTUSDM", "31741/31742"}, {"XBTUSDTM", "88987.4/88987.5"}});
  const auto depth = tops("level2Depth5");
  CHECK(depth == std::map<std::string, std::string>{
                     {"XBTUSDM", "31528/31529"}, {"XBTMM22", "31626/31648"}, {"XBTUSDTM", "89720.9/89721"}});
}

TEST_CASE("the recorded answers: contracts, a token, and private frames that are no closes") {
  ANDUIN_NEED_SHARED();
  for (const json& line : recorded()) {
    const std::string url = line.at("url"), text = line.at("text");
    if (url.ends_with(t::kContracts)) {
      Bench b(false);
      b.start();
      b.answer(t::kContracts, text);
      REQUIRE(b.instruments.size() == 2);
      CHECK(b.instruments[0].native == "XBTUSDTM");
      CHECK(b.instruments[0].contract_size == "0.001");
      CHECK(b.instruments[1].contract_size == "1");
      CHECK(b.errors.empty());
    } else if (url.ends_with(t::kPublicToken)) {
      Bench b(false, {{"market", {"linear"}}});
      b.start();
      b.connect();
      b.answer(t::kPublicToken, text);
      REQUIRE(b.opens.size() == 1);
      CHECK(b.opens[0].url == "wss://ws-api-futures.kucoin.com/?token=TOKEN&connectId=anduin-1-1");
    }
  }
  Bench b(true);
  b.live();
  for (const json& line : recorded())
    if (line.at("kind") == "ws") b.frame(1, line.at("text"));
  CHECK(b.closes.empty());
  CHECK(b.balances.size() == 1);
}
