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
#include "e2e/stage.hpp"

namespace {

using namespace anduin;
using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr int kClosesMin = 260;      // a minute shows at least 200, of every venue some
constexpr int kCutsPerVenue = 6;     // at least 5
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
}

/// Real exchange data over real sockets: a second host plays recorded sessions, prices only. Their symbols and days are
/// not those of the simulators, so they have a host, and a market, of their own.
class Recorded {
 public:
  struct Session {
    std::string venue, settings;  ///< what the pipeline file says besides the endpoints
    std::vector<std::string> files;
  };
  /// What is there of the recordings beside the sources.
  static std::vector<Session> found(const std::filesystem::path& captures) {
    std::vector<Session> all{
        {"kraken", "market: [futures], symbols: [PI_ETHUSD, PI_XRPUSD, PI_LTCUSD]", {"kraken/futures_v1_book_tickerlite_2021.jsonl.gz"}},
        {"okx", "market: [spot], price_channel: books, symbols: [BTCUSDT]", {"okx/okx_public_20220513.jsonl", "okx/okx_instruments_20220513.jsonl"}},
        {"htx", "market: [linear], price_channel: depth.step0, symbols: [GRTUSDT, SNXUSDT]", {"htx/linear-swap-ws.depth.jsonl.gz", "htx/contract-info.jsonl"}}};
    for (Session& s : all)
      for (std::string& file : s.files) file = (captures / file).string();
    std::erase_if(all, [](const Session& s) { return !std::filesystem::exists(s.files.front()); });
    return all;
  }

  Recorded(const std::filesystem::path& bin, const std::filesystem::path& dir, const std::vector<Session>& sessions) {
    const auto file = dir / "recorded.yaml";
    std::ofstream out(file);
    out << "version: 1\nplugins: { dirs: [\"" << (bin.parent_path() / "plugins").string() << "\"] }\nvenues:\n";
    for (const Session& s : sessions) {
      std::vector<std::string> more;
      for (const std::string& f : s.files) more.insert(more.end(), {"--playback", f});
      sims_.push_back(std::make_unique<e2e::Sim>(bin, s.venue, dir / ("recorded-" + s.venue), more));
      const e2e::Sim& sim = *sims_.back();
      out << "  " << s.venue << ": { " << s.settings << ", tls: { ca: \"" << sim.ca() << "\" }, endpoints: " << e2e::endpoints_of(sim)
          << " }\n";
    }
    out.close();
    host_ = std::make_unique<e2e::Process>(std::vector<std::string>{(bin / "anduin").string(), "run", file.string()},
                                           dir / "recorded.out", dir / "recorded.log");
    tail_ = std::make_unique<LogTail>(dir / "recorded.log");
  }
  void print() { tail_->print(); }

 private:
  std::vector<std::unique_ptr<e2e::Sim>> sims_;
  std::unique_ptr<e2e::Process> host_;
  std::unique_ptr<LogTail> tail_;
};

int demo(const std::filesystem::path& bin, int seconds, std::uint64_t seed) {
  const auto dir = std::filesystem::temp_directory_path() / ("anduin-demo-" + std::to_string(getpid()));
  std::printf("Anduin demo, seed %llu, files in %s\n", static_cast<unsigned long long>(seed), dir.c_str());
  std::printf("starting: the venues' simulators over TLS, an EVM node with the reference vault, the host\n");
  SeededRandom random(seed);
  e2e::StageOptions options;
  options.bin = bin;
  options.dir = dir;
  options.seed = seed;
  options.cast = e2e::all_venues();
  e2e::Stage stage(options);

  const char* named = std::getenv("ANDUIN_SHARED");
  const std::filesystem::path shared = named ? std::filesystem::path(named) : std::filesystem::path(ANDUIN_SOURCE_DIR).parent_path() / "shared";
  const auto sessions = Recorded::found(shared / "captures");
  std::unique_ptr<Recorded> recorded;
  std::string names;
  for (const Recorded::Session& session : sessions) names += (names.empty() ? "" : ", ") + session.venue;
  std::printf("prices: one market from the simulators%s%s\n", names.empty() ? " (no recordings found)" : ", and through a second host recorded sessions of ",
              names.c_str());
  if (!sessions.empty()) recorded = std::make_unique<Recorded>(bin, dir, sessions);

  stage.start_host();
  LogTail tail(stage.host_log());
  stage.wait_log("positions ready", stage.accounts(), 60'000);
  stage.wait_terminals(60'000);
  const auto begin = Clock::now();
  const bool endless = seconds == 0;
  const double length = endless ? 60.0 : std::max(10, seconds);
  int injected = 0, cuts = 0, kills = 0;
  double next_print = 0;
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
    if (t > next_print) {
      tail.print();
      if (recorded) recorded->print();
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
