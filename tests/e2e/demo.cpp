// `make demo`: the main job on loopback, with everything that goes wrong in a week pressed into a minute.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <thread>
#include <unistd.h>

#include "base/log.hpp"
#include "base/random.hpp"
#include "e2e/recorded_market.hpp"
#include "e2e/stage.hpp"

namespace {

using namespace anduin;
using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr int kClosesMin = 260;      // a minute shows at least 200, of every venue some
constexpr int kCutsPerVenue = 6;     // at least 5
constexpr double kLeadS = 0.3;       // a recorded market moves little within that
constexpr int kDrainMs = 120'000;    // finality of the last close, on a loaded machine
volatile std::sig_atomic_t g_stop = 0;

/// Prints the host's lines that a person wants to see, from where it was left.
class LogTail {
 public:
  explicit LogTail(std::filesystem::path file) : file_(std::move(file)) {}
  void print() {
    std::ifstream in(file_);
    in.seekg(at_);
    std::string line;
    while (std::getline(in, line)) {
      if (in.eof()) break;  // not whole yet
      at_ = in.tellg();
      const std::size_t prices = line.find("[prices]"), close = line.find("[close]"), bad = line.find(" error ");
      const std::size_t lost = line.find("disconnected");
      if (prices != std::string::npos) std::printf("%s\n", line.substr(prices).c_str());
      else if (close != std::string::npos && ++closes_ % 20 == 1) std::printf("%s\n", line.substr(close, 170).c_str());
      else if (bad != std::string::npos || lost != std::string::npos) std::printf("  host: %s\n", line.substr(0, 190).c_str());
    }
    std::fflush(stdout);
  }

 private:
  std::filesystem::path file_;
  std::streamoff at_ = 0;
  std::size_t closes_ = 0;
};

std::string cents(std::int64_t n) {
  const bool negative = n < 0;
  const std::int64_t a = negative ? -n : n;
  const std::string c = std::to_string(a % 100);
  return std::string(negative ? "-" : "") + std::to_string(a / 100) + "." + (c.size() < 2 ? "0" : "") + c;
}

/// One random close: mostly plain, sometimes a flip, a liquidation, part of a position, one side of a hedge, a zero, or
/// one that only history knows.
void inject(e2e::Stage& stage, Random& random) {
  e2e::Sim& sim = *stage.sims()[random.below(stage.sims().size())];
  const auto& accounts = sim.ready().at("accounts");
  const auto& account = accounts[random.below(accounts.size())];
  const bool derivative = !sim.posts() && account.at("market") != "spot";
  const std::size_t which = random.below(2);
  json close;
  close["account"] = account.at("name");
  close["symbol"] = stage.cast(sim.venue()).symbols[which];
  close["side"] = random.below(2) == 0 ? "long" : "short";
  close["size"] = which == 0 ? "0.05" : "0.5";
  const std::uint64_t kind = random.below(20);
  close["pnl"] = kind == 0 ? "0" : cents(static_cast<std::int64_t>(random.below(30'000)) - 14'000);
  close["fee"] = kind < 10 ? "0" : "0.25";
  static constexpr const char* kTwists[] = {nullptr, "flip", "liquidation", "partial", "hedge"};
  if (kind < std::size(kTwists) && kTwists[kind] && derivative) close[kTwists[kind]] = true;
  if (kind == 5) close["silent"] = true;
  if (kind == 6 && sim.venue() == "bybit") close["missingPnl"] = true;
  const json answer = sim.control("close", close);
  if (!answer.contains("id")) throw std::runtime_error("the simulator refused a close: " + answer.dump());
}

void cut_all(e2e::Stage& stage) {
  for (const auto& sim : stage.sims()) sim->control("drop", {{"count", 3}});  // terminals: so many requests find no network
  for (const auto& [venue, player] : stage.players()) player->control("drop");
}

int demo(const std::filesystem::path& bin, int seconds, std::uint64_t seed) {
  const auto dir = std::filesystem::temp_directory_path() / ("anduin-demo-" + std::to_string(getpid()));
  std::printf("Anduin demo, seed %llu, files in %s\n", static_cast<unsigned long long>(seed), dir.c_str());
  std::printf("starting: the venues' simulators over TLS, an EVM node with the reference vault, the host\n");
  SeededRandom random(seed);
  e2e::StageOptions options;
  options.bin = bin;
  options.dir = dir;
  options.seed = seed;
  const char* named = std::getenv("ANDUIN_SHARED");
  const std::filesystem::path shared = named ? std::filesystem::path(named) : std::filesystem::path(ANDUIN_SOURCE_DIR).parent_path() / "shared";
  options.cast = e2e::with_recordings(e2e::all_venues(), shared / "captures");
  std::string names;
  for (e2e::Cast& c : options.cast) {
    if (!c.recording) continue;
    names += (names.empty() ? "" : ", ") + c.venue;
    if (c.venue == "kraken") options.symbols = {{"ETHUSD", {{"kraken", "PI_ETHUSD"}}}, {"BTCUSD", {{"kraken", "XBT/USD"}}}};
    if (c.venue != "htx") continue;
    for (e2e::Cast* lists : {&c, &options.cast.front()})  // HTX is not alone with its recorded coins
      lists->symbols.insert(lists->symbols.end(), {"GRTUSDT", "SNXUSDT"});
  }
  e2e::Stage stage(options);
  std::printf("prices: %s\n", names.empty() ? "synthetic, one seeded market for all venues (no recordings found)"
                                           : ("recorded sessions of " + names + "; the other simulators follow their mids").c_str());
  e2e::RecordedMarket recorded(bin, dir, options.cast);
  recorded.lead(stage);

  stage.start_host();
  LogTail tail(stage.host_log());
  stage.wait_log("positions ready", stage.accounts(), 60'000);
  stage.wait_terminals(60'000);
  const auto begin = Clock::now();
  const bool endless = seconds == 0;
  const double length = endless ? 60.0 : std::max(10, seconds);
  int injected = 0, cuts = 0, kills = 0;
  double next_print = 0, next_lead = 0;
  while (g_stop == 0) {
    const double t = std::chrono::duration<double>(Clock::now() - begin).count();
    if (!endless && t >= length) break;
    const double round = t / length;  // 1.0 = one demo's worth
    const double part = round - static_cast<int>(round);
    if (injected < static_cast<int>(kClosesMin * round) + 1) {
      inject(stage, random);
      ++injected;
      continue;
    }
    if (cuts < static_cast<int>(kCutsPerVenue * round + 0.5)) {
      std::printf("-- cut: every socket of every venue is reset\n");
      cut_all(stage);
      ++cuts;
    }
    if (kills < static_cast<int>(round) * 2 + (part > 0.33 ? 1 : 0) + (part > 0.7 ? 1 : 0)) {
      std::printf("-- kill -9: the host dies and is started again\n");
      stage.kill_host();
      for (int i = 0; i < 5; ++i, ++injected) inject(stage, random);  // nobody is listening
      stage.start_host();
      ++kills;
    }
    if (!stage.host_running()) {
      std::printf("the host ended by itself:\n%s\n", e2e::read_file(stage.host_log()).c_str());
      return 1;
    }
    if (t > next_lead) {
      recorded.lead(stage);
      next_lead = t + kLeadS;
    }
    if (t > next_print) {
      tail.print();
      const auto r = stage.reconcile();
      std::printf("[book] %s\n", r.line().c_str());
      next_print = t + 5;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  // A close that a stream has lost is found by the next backfill: the slow sweep, or the one after a cut.
  cut_all(stage);
  ++cuts;
  std::printf("no more closes (%d given out, %d cuts a venue, %d kills); waiting until all are final\n", injected, cuts, kills);
  const bool drained = stage.drain(kDrainMs);
  const int status = stage.stop_host();
  tail.print();
  const auto r = stage.reconcile();
  for (const std::string& id : r.missing) std::printf("missing: %s\n", id.c_str());
  if (!drained) std::printf("not everything became final in time\n");
  if (status != 0) std::printf("the host ended with status %d\n", status);
  std::printf("%s\n", r.line().c_str());
  const bool good = r.good() && drained && status == 0;
  if (good) {
    std::filesystem::remove_all(dir);
  } else {
    std::printf("it does NOT reconcile; look into %s\n", dir.c_str());
  }
  return good ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  int seconds = 60;
  std::uint64_t seed = static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    if (name == "--seconds") seconds = std::atoi(argv[i + 1]);
    else if (name == "--seed") seed = std::strtoull(argv[i + 1], nullptr, 10);
    else {
      std::fprintf(stderr, "usage: anduin-demo [--seconds N] [--seed N]\n");
      return 2;
    }
  }
  std::signal(SIGINT, [](int) { g_stop = 1; });
  std::signal(SIGTERM, [](int) { g_stop = 1; });
  log::init("warn");
  try {
    return demo(std::filesystem::read_symlink("/proc/self/exe").parent_path(), seconds, seed);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "anduin-demo: %s\n", e.what());
    return 1;
  }
}
