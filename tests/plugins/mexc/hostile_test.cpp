// Hostile input: real frames and answers with bytes changed, cut and doubled. The instance must stay alive.
#include "plugins/support/hostile.hpp"

#include "plugins/mexc/rows.hpp"
#include "support/shared.hpp"

using namespace anduin::test;
using nlohmann::json;

constexpr int kRounds = 20'000;

TEST_CASE("mutated frames and answers never stop an instance") {
  ANDUIN_NEED_SHARED();
  Hostile hostile;
  INFO("seed " << hostile.seed);
  hostile.texts = {kLoggedIn,
                   ok(json::array({row(1, Bench::kStartMs)})),
                   failure(602),
                   ok(contract("BTC_USDT", "USDT")),
                   R"({"uid":"209302839"})",
                   R"({"code":700007,"msg":"no"})"};
  hostile.add_recording(*shared_dir() / "captures/mexc/futures-samples.jsonl");
  const json rows = shared_json("vectors/mexc.json");
  for (const json& r : rows.at("decode")) hostile.texts.push_back(r.at("text"));
  for (const char* channel : {"depth.full", "ticker"}) {
    Bench b(false, {{"price_channel", channel}});
    b.start();
    b.connect();
    b.symbols({"BTC_USDT", "NOPE_USDT"});
    hostile.frames(b, kRounds);
  }
  Bench b(true);
  b.start();
  b.connect();
  hostile.frames_and_answers(b, kRounds);
}
