// Hostile input: real frames and answers with bytes changed, cut and doubled. The instance must stay alive.
#include "plugins/support/hostile.hpp"

#include "plugins/bitget/bench.hpp"
#include "plugins/bitget/rows.hpp"
#include "support/shared.hpp"

using namespace anduin::test;
using nlohmann::json;

constexpr int kRounds = 10'000;

TEST_CASE("mutated frames and answers never stop an instance") {
  ANDUIN_NEED_SHARED();
  Hostile hostile;
  INFO("seed " << hostile.seed);
  hostile.add_recording(*shared_dir() / "captures/bitget/bitget_v2_v3_fixtures_bitgetnet.jsonl");
  const json all = shared_json("vectors/bitget.json");
  for (const char* section : {"decode_positions", "decode_balance", "decode_price"})
    for (const json& row : all.at(section))
      if (row.contains("text")) hostile.texts.push_back(row.at("text"));
  for (const char* channel : {"books1", "books", "ticker"}) {
    Bench b(false, {{"price_channel", channel}});
    b.start();
    b.connect();
    b.symbols({"BTCUSDT"});
    hostile.frames(b, kRounds, 3);
  }
  for (const char* dialect : {"uta", "classic", "auto"}) {
    Bench b(true, {{"private_dialect", dialect}});
    b.start();
    b.connect();
    hostile.frames_and_answers(b, kRounds);
  }
}
