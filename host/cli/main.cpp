#include <sys/prctl.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <exception>

#include "base/log.hpp"
#include "cli/command.hpp"

namespace {

/// Secrets live in this process: no core file, no debugger, whatever the shell allows.
void harden() {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  std::signal(SIGPIPE, SIG_IGN);
}

}  // namespace

int main(int argc, char** argv) {
  harden();
  CLI::App app{"Anduin: from a venue's position close to one settlement on a chain", "anduin"};
  app.require_subcommand(1);
  app.set_version_flag("--version", ANDUIN_VERSION);
  std::string level = "info";
  app.add_option("--log-level", level, "trace, debug, info, warn, error or off")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error", "off"}))
      ->default_str("info");

  anduin::cli::Action action;
  anduin::cli::add_run(app, action);
  anduin::cli::add_check(app, action);
  anduin::cli::add_schema(app, action);
  anduin::cli::add_replay(app, action);
  anduin::cli::add_plugin(app, action);
  anduin::cli::add_ledger(app, action);
  anduin::cli::add_ctl(app, action);
  anduin::cli::add_balance(app, action);
  anduin::cli::add_safe(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? anduin::cli::kGood : anduin::cli::kWrongUse;
  }
  anduin::log::init(level);
  try {
    return action();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "anduin: %s\n", anduin::log::redact(e.what()).c_str());
    return anduin::cli::kFailed;
  }
}
