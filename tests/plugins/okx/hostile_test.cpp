// Hostile input: real frames and answers with bytes changed, cut and doubled. The instance must stay alive.
#include "plugins/support/hostile.hpp"

#include "plugins/okx/bench.hpp"
#include "plugins/okx/rows.hpp"
#include "support/shared.hpp"

using namespace anduin::test;
using nlohmann::json;

constexpr int kRounds = 20'000;

TEST_CASE("mutated frames and answers never stop an instance") {
  ANDUIN_NEED_SHARED();
  Hostile hostile;
  INFO("seed " << hostile.seed);
  hostile.texts = {kLoggedIn, kSubscribed, failure(60018, "Wrong URL or channel:bbo-tbt,instId:X doesn't exist."),
                   R"({"event":"notice","code":"64008","msg":"soon"})"};
  for (const char* file : {"okx_fixtures_nautilus.jsonl", "okx_fixtures_okxnet.jsonl"})
    hostile.add_recording(*shared_dir() / "captures/okx" / file);
  const json rows = shared_json("vectors/okx.json");
  for (const json& row : rows.at("decode_positions")) {
    if (row.contains("text")) hostile.texts.push_back(row.at("text"));
    for (const json& t : row.value("texts", json::array())) hostile.texts.push_back(t);
  }
  for (const char* channel : {"bbo-tbt", "books", "books5", "tickers"}) {
    Bench b(false, {{"price_channel", channel}});
    b.start();
    b.connect();
    b.symbols({"BTC-USDT", "BTC-USDT-SWAP"});
    hostile.frames(b, kRounds);
  }
  Bench b(true);
  b.start();
  b.connect();
  hostile.frames_and_answers(b, kRounds);
}
