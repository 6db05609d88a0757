// Hostile input: real frames and answers with bytes changed, cut and doubled. The instance must stay alive.
#include <catch2/catch.hpp>
#include <fstream>
#include <random>

#include "plugins/bitget/bench.hpp"
#include "plugins/bitget/rows.hpp"
#include "support/seed.hpp"
#include "support/shared.hpp"

using namespace anduin::test;
using nlohmann::json;

namespace {

constexpr int kRounds = 10'000;

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

std::vector<std::string> real_texts() {
  std::vector<std::string> texts;
  std::ifstream in(*shared_dir() / "captures/bitget/bitget_v2_v3_fixtures_bitgetnet.jsonl");
  for (std::string line; std::getline(in, line);) texts.push_back(json::parse(line).at("text"));
  const json all = shared_json("vectors/bitget.json");
  for (const char* section : {"decode_positions", "decode_balance", "decode_price"})
    for (const json& row : all.at(section))
      if (row.contains("text")) texts.push_back(row.at("text"));
  return texts;
}

}  // namespace

TEST_CASE("mutated frames and answers never stop an instance") {
  ANDUIN_NEED_SHARED();
  const std::vector<std::string> texts = real_texts();
  const std::uint64_t seed = fresh_seed();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  for (const char* channel : {"books1", "books", "ticker"}) {
    Bench b(false, {{"price_channel", channel}});
    b.start();
    b.connect();
    b.symbols({"BTCUSDT"});
    for (int i = 0; i < kRounds; ++i) {
      REQUIRE(lives(b.frame(1 + i % 3, mutated(texts[random() % texts.size()], random))));
      if (i % 100 == 0 && !b.open.empty())
        REQUIRE(lives(b.answer(SentRequest(b.open[0]), mutated(texts[random() % texts.size()], random))));
    }
  }
  for (const char* dialect : {"uta", "classic", "auto"}) {
    Bench b(true, {{"private_dialect", dialect}});
    b.start();
    b.connect();
    for (int i = 0; i < kRounds; ++i) {
      const std::string text = mutated(texts[random() % texts.size()], random);
      if (i % 2 == 0 || b.open.empty())
        REQUIRE(lives(b.frame(1, text)));
      else
        REQUIRE(lives(b.answer(SentRequest(b.open[random() % b.open.size()]), text)));
      if (i % 16 == 0) b.advance(10'000);
    }
  }
}
