// Hostile input: real frames and answers with bytes changed, cut and doubled. The instance must stay alive.
#include <catch2/catch.hpp>
#include <fstream>
#include <random>

#include "plugins/okx/bench.hpp"
#include "plugins/okx/rows.hpp"
#include "support/seed.hpp"
#include "support/shared.hpp"

using namespace anduin::test;
using nlohmann::json;

namespace {

constexpr int kRounds = 20'000;

std::string mutated(std::string text, std::mt19937_64& random) {
  static constexpr std::string_view kAlphabet = "{}[]\",:\\0123456789-+.eEtfn \n\x01\xff";
  for (std::uint64_t n = random() % 4 + 1; n > 0 && !text.empty(); --n) {
    const std::size_t at = random() % text.size();
    switch (random() % 5) {
      case 0:
        text[at] = kAlphabet[random() % kAlphabet.size()];
        break;
      case 1:
        text.erase(at, random() % 8 + 1);
        break;
      case 2:
        text.insert(at, 1, kAlphabet[random() % kAlphabet.size()]);
        break;
      case 3:
        text.insert(at, text.substr(random() % text.size(), random() % 40));
        break;
      default:
        text.resize(at);
        break;
    }
  }
  return text;
}

bool lives(int code) { return code == AND_OK || code == AND_E_PROTOCOL || code == AND_E_AUTH; }

}  // namespace

TEST_CASE("mutated frames and answers never stop an instance") {
  ANDUIN_NEED_SHARED();
  std::vector<std::string> texts{kLoggedIn, kSubscribed,
                                 failure(60018, "Wrong URL or channel:bbo-tbt,instId:X doesn't exist."),
                                 R"({"event":"notice","code":"64008","msg":"soon"})"};
  for (const char* file : {"okx_fixtures_nautilus.jsonl", "okx_fixtures_okxnet.jsonl"}) {
    std::ifstream in(*shared_dir() / "captures/okx" / file);
    for (std::string line; std::getline(in, line);) texts.push_back(json::parse(line).at("text"));
  }
  const json rows = shared_json("vectors/okx.json");
  for (const json& row : rows.at("decode_positions")) {
    if (row.contains("text")) texts.push_back(row.at("text"));
    for (const json& t : row.value("texts", json::array())) texts.push_back(t);
  }
  const std::uint64_t seed = fresh_seed();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  for (const char* channel : {"bbo-tbt", "books", "books5", "tickers"}) {
    Bench b(false, {{"price_channel", channel}});
    b.start();
    b.connect();
    b.symbols({"BTC-USDT", "BTC-USDT-SWAP"});
    for (int i = 0; i < kRounds; ++i) {
      REQUIRE(lives(b.frame(kConn, mutated(texts[random() % texts.size()], random))));
      if (i % 64 == 0) b.advance(10'000);
    }
  }
  Bench b(true);
  b.start();
  b.connect();
  for (int i = 0; i < kRounds; ++i) {
    const std::string text = mutated(texts[random() % texts.size()], random);
    if (i % 2 == 0 || b.open.empty())
      REQUIRE(lives(b.frame(kConn, text)));
    else
      REQUIRE(lives(b.answer(SentRequest(b.open[random() % b.open.size()]), text)));
    if (i % 16 == 0) b.advance(10'000);
  }
}
