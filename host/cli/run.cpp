#include <pthread.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <memory>

#include "base/log.hpp"
#include "cli/command.hpp"
#include "cli/service.hpp"
#include "cli/settings_file.hpp"
#include "pipeline/host.hpp"

namespace anduin::cli {
namespace {

constexpr int kStatusEverySeconds = 5;

std::string price_text(const market::AggregatedPrice& p) {
  if (!p.best_bid || !p.best_ask) return p.symbol + " " + market::to_string(p.standing);
  const auto in = std::count_if(p.venues.begin(), p.venues.end(), [](const auto& v) { return v.out == market::Out::kIn; });
  return p.symbol + " " + p.best_bid->to_string() + "/" + p.best_ask->to_string() + " (" + std::to_string(in) + "/" +
         std::to_string(p.venues.size()) + " venues)";
}

void report(pipeline::Host& host) {
  const auto s = host.status();
  std::string prices;
  for (const auto& p : s.prices) prices += (prices.empty() ? "" : ", ") + price_text(p);
  if (!prices.empty()) spdlog::info("[prices] {}", prices);
  for (const auto* lines : {&s.venues, &s.accounts, &s.vaults, &s.endpoints})
    for (const auto& l : *lines)
      if (!l.good || l.waiting > 0)
        spdlog::info("[health] {}: {}{}{}", l.name, l.good ? "good" : "not ready", l.waiting > 0 ? ", waiting " + std::to_string(l.waiting) : "",
                     l.problem.empty() ? "" : ", " + l.problem);
  for (const std::string& b : s.breakers) spdlog::error("[health] the breaker is open, new closes are held: {}: see anduin ctl breakers", b);
  if (s.unproven > 0) spdlog::error("[health] {} unproven ranges of history: see anduin ledger unproven", s.unproven);
}

int run(const std::string& file) {
  // Blocked before any thread starts, so that only sigtimedwait below sees them.
  sigset_t signals;
  sigemptyset(&signals);
  for (const int s : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, s);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  auto loaded = load_settings_file(file);
  if (!loaded.ok) return kWrongUse;
  auto host = pipeline::Host::start(std::move(loaded.settings));
  if (!host) {
    std::fprintf(stderr, "anduin run: %s\n", log::redact(host.error().to_string()).c_str());
    return host.error().kind == ErrorKind::kBadRequest ? kWrongUse : kFailed;
  }
  notify_service("READY=1");
  spdlog::info("running; stop with SIGTERM or Ctrl-C");
  for (;;) {
    const timespec wait{kStatusEverySeconds, 0};
    const int signal = sigtimedwait(&signals, nullptr, &wait);
    if (signal == SIGTERM || signal == SIGINT) break;
    if (signal == SIGHUP) spdlog::warn("reload on SIGHUP is not there yet: restart to apply a changed pipeline file");
    report(**host);
    notify_service("WATCHDOG=1");
  }
  notify_service("STOPPING=1");
  spdlog::info("stopping: taking nothing new, committing what is there");
  host->reset();
  spdlog::info("stopped");
  return kGood;
}

}  // namespace

void add_run(CLI::App& app, Action& action) {
  auto file = std::make_shared<std::string>();
  CLI::App* cmd = app.add_subcommand("run", "runs a pipeline until SIGTERM or Ctrl-C");
  cmd->add_option("PIPELINE", *file, "the pipeline file")->required();
  cmd->callback([file, &action] { action = [file] { return run(*file); }; });
}

}  // namespace anduin::cli
