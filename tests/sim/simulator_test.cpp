// Faults, control commands, playback: what all simulated venues share.
#include <filesystem>
#include <fstream>
#include <set>

#include "sim/sim_bench.hpp"
#include "support/shared.hpp"

namespace anduin::sim {
namespace {

SimBench bench() { return {"bybit", bench_options("k", "s")}; }

ConnId listener(SimBench& b, const std::string& topics = R"("orderbook.1.BTCUSDT")") {
  const ConnId conn = b.open("/v5/public/linear");
  b.say(conn, R"({"op":"subscribe","args":[)" + topics + "]}");
  b.take(conn);
  return conn;
}

}  // namespace

TEST_CASE("simulator: mute makes a socket half-open, a filter silences one symbol only") {
  SimBench b = bench();
  const ConnId conn = listener(b, R"("orderbook.1.BTCUSDT","orderbook.1.ETHUSDT")");
  b.control("mute", R"({"part":"public","ms":1000,"symbol":"ETHUSDT"})");
  b.advance(900);
  for (const std::string& frame : b.take(conn)) CHECK(frame.find("ETHUSDT") == std::string::npos);
  CHECK(b.say(conn, R"({"op":"ping"})").size() == 1);
  b.advance(500);
  const auto back = b.take(conn);
  CHECK(std::any_of(back.begin(), back.end(),
                    [](const std::string& f) { return f.find("ETHUSDT") != std::string::npos; }));
  b.control("mute", R"({"part":"public","ms":1000})");
  b.advance(500);
  CHECK(b.take(conn).empty());
  CHECK(b.say(conn, R"({"op":"ping"})").empty());
  CHECK(b.sink.frozen.empty());
  b.control("mute", R"({"part":"private"})");
  CHECK(b.sink.frozen.empty());
  b.control("mute", R"({"part":"public"})");
  CHECK(b.sink.frozen == std::vector<ConnId>{conn});
}

TEST_CASE("simulator: duplicate, reorder and delay change the order of frames and lose none") {
  const auto seqs = [](const std::vector<std::string>& frames) {
    std::vector<std::int64_t> list;
    for (const std::string& frame : frames) list.push_back(int_at(SimBench::json(frame)["data"], "seq", 0));
    return list;
  };
  SimBench b = bench();
  const ConnId conn = listener(b);
  b.control("duplicate", R"({"count":1})");
  b.advance(400);
  auto got = seqs(b.take(conn));
  REQUIRE(got.size() > 3);
  CHECK(got[0] == got[1]);
  CHECK(got[1] < got[2]);
  b.control("reorder", R"({"count":1})");
  b.advance(400);
  got = seqs(b.take(conn));
  REQUIRE(got.size() > 3);
  CHECK(got[0] > got[1]);
  CHECK(got[1] < got[2]);
  CHECK(std::set<std::int64_t>(got.begin(), got.end()).size() == got.size());
  b.control("delay", R"({"ms":300})");
  b.advance(290);
  CHECK(b.take(conn).empty());
  b.advance(300);
  CHECK_FALSE(b.take(conn).empty());
}

TEST_CASE("simulator: drop resets the sockets that match, and only those") {
  SimBench b = bench();
  const ConnId linear = listener(b), other = b.open("/v5/private");
  CHECK(int_at(b.control("drop", R"({"part":"public.linear"})"), "dropped", 0) == 1);
  CHECK(b.sink.closed.at(linear) == 0);
  CHECK(b.sink.closed.count(other) == 0);
  CHECK(int_at(b.control("drop", R"({"path":"/v5/private","code":1001})"), "dropped", 0) == 1);
  CHECK(b.sink.closed.at(other) == 1001);
}

TEST_CASE("simulator: a close that cannot be is refused with a reason") {
  SimBench b = bench();
  for (const char* wrong : {R"({"side":"up","size":1,"pnl":1})", R"({"side":"long","pnl":1})",
                            R"({"side":"long","size":-1,"pnl":1})", R"({"side":"long","size":1})",
                            R"({"side":"long","size":1,"pnl":1,"symbol":"NOPE"})",
                            R"({"side":"long","size":1,"pnl":1,"account":"nobody"})"}) {
    const Json answer = b.control("close", wrong);
    CHECK_FALSE(flag_at(answer, "ok"));
    CHECK_FALSE(text_at(answer, "error").empty());
  }
  CHECK(b.control("log")["closes"].empty());
  CHECK(b.simulator.http({"POST", "/sim/close", "", {}, "not json"}).status == 400);
  CHECK(b.simulator.http({"POST", "/sim/nonsense", "", {}, "{}"}).status == 400);
}

TEST_CASE("simulator: a given id is kept, told again it is one row, from another account it is another's") {
  SimBench b{"bybit", bench_options("k", "s", 2)};
  const std::string close = R"({"id":"order:fill","symbol":"BTCUSDT","side":"long","size":1,"pnl":)";
  CHECK(text_at(b.control("close", close + "1.10}"), "id") == "order:fill");
  CHECK(text_at(b.control("close", close + "2}"), "id") == "order:fill");
  CHECK(b.control("log")["closes"].size() == 1);
  CHECK(text_at(b.control("log")["closes"][0], "pnl") == "1.1");
  b.control("close", R"({"account":"bybit-2",)" + close.substr(1) + "1}");
  CHECK(b.control("log")["closes"].size() == 2);
}

TEST_CASE("simulator: equal seeds agree on prices across venues, others do not") {
  ManualClock clock;
  Market bybit(7, "bybit"), kraken(7, "kraken"), other(8, "bybit");
  std::int64_t worst_ppm = 0;
  bool differs = false;
  for (int i = 0; i < 500; ++i) {
    clock.advance_ms(333);
    const std::int64_t a = bybit.mid_e8("BTC", clock.wall_ms()), c = kraken.mid_e8("BTC", clock.wall_ms());
    worst_ppm = std::max(worst_ppm, std::abs(a - c) * 1000 / (a / 1000));
    differs = differs || other.mid_e8("BTC", clock.wall_ms()) != a;
  }
  CHECK(worst_ppm <= 30);
  CHECK(differs);
  bybit.set_mid("BTC", 5'000'000'000'000, clock.wall_ms());
  CHECK(std::abs(bybit.mid_e8("BTC", clock.wall_ms()) - 5'000'000'000'000) < 100'000);
}

TEST_CASE("simulator: the ready line names every endpoint and account") {
  SimBench b{"kraken", bench_options("", "", 3)};
  const Json line = b.simulator.ready_line("127.0.0.1:4711", true, "/tmp/ca.pem");
  CHECK(line["endpoints"]["spot.rest"] == "https://127.0.0.1:4711");
  CHECK(line["endpoints"]["futures.public"] == "wss://127.0.0.1:4711/ws/v1");
  REQUIRE(line["accounts"].size() == 3);
  CHECK(line["accounts"][0]["market"] == "futures");
  CHECK(line["accounts"][1]["market"] == "spot");
  CHECK(line["accounts"][0]["key"] != line["accounts"][2]["key"]);
  CHECK(line["accounts"][0]["uid"] != line["accounts"][2]["uid"]);
}

TEST_CASE("playback: every frame of the futures recording comes, at its pace, then the socket closes") {
  ANDUIN_NEED_SHARED();
  SimBench b{"kraken", bench_options("", "")};
  const auto file = *test::shared_dir() / "captures/kraken/futures_v1_book_tickerlite_2021.jsonl.gz";
  REQUIRE_FALSE(b.simulator.play({file.string()}, 10'000));
  const ConnId conn = b.open("/ws/v1"), mine = b.open("/ws/v1?auth=1");
  b.advance(500);
  const std::size_t early = b.sink.frames[conn].size();
  CHECK(early > 50);
  CHECK(early < 3'000);
  CHECK(b.sink.closed.empty());
  b.advance(4'000);
  CHECK(b.sink.frames[conn].size() == 7'175);  // 7,179 lines without 3 requests and one REST answer
  CHECK(b.sink.closed.at(conn) == 1000);
  CHECK(b.sink.closed.count(mine) == 0);
  CHECK(b.sink.frames[mine].size() == 1);  // the private endpoint is still the simulator's own
  const Response instruments = b.simulator.http({"GET", "/derivatives/api/v3/instruments", ""});
  CHECK(instruments.body.find("fi_xbtusd_210730") != std::string::npos);
}

TEST_CASE("playback: a broken line is named") {
  const auto file =
      std::filesystem::temp_directory_path() / ("anduin-playback-" + std::to_string(::getpid()) + ".jsonl");
  std::ofstream(file)
      << "{\"ts_ms\":1,\"kind\":\"ws\",\"url\":\"wss://x/y\",\"dir\":\"in\",\"text\":\"a\"}\nnonsense\n";
  SimBench b = bench();
  const auto problem = b.simulator.play({file.string()}, 1000);
  REQUIRE(problem);
  CHECK(problem->find(":2:") != std::string::npos);
  CHECK(b.simulator.play({"/nowhere/at/all"}, 1000));
  std::filesystem::remove(file);
}

}  // namespace anduin::sim
