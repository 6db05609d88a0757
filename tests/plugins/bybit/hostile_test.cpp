// Hostile input: real frames and answers with bytes changed, cut and doubled. The instance must stay alive.
#include "plugins/support/hostile.hpp"

#include "plugins/bybit/bench.hpp"
#include "plugins/bybit/rows.hpp"
#include "support/shared.hpp"

using namespace anduin::test;
using nlohmann::json;

constexpr int kRounds = 20'000;

TEST_CASE("mutated frames and answers never stop an instance") {
  ANDUIN_NEED_SHARED();
  Hostile hostile;
  INFO("seed " << hostile.seed);
  hostile.add_recording(*shared_dir() / "captures/bybit/v5_sample_frames.jsonl");
  const json rows = shared_json("vectors/bybit.json");
  for (const json& row : rows.at("decode"))
    for (const json& f : row.at("frames")) hostile.texts.push_back(f.at("text"));
  for (const char* channel : {"orderbook.1", "orderbook.50", "tickers"}) {
    Bench b(false, {{"price_channel", channel}, {"market", json::array({"linear", "inverse"})}});
    b.start();
    b.connect();
    hostile.frames(b, kRounds, 2);
  }
  Bench b(true);
  b.start();
  b.connect();
  hostile.frames_and_answers(b, kRounds);
}
