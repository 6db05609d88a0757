// `anduin ledger backup FILE`: a checked copy of the book while the host writes it.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/clock.hpp"
#include "cli/ledger_command.hpp"
#include "settle/backup.hpp"

namespace anduin::cli {
namespace {

struct Options {
  std::string ledger = kDefaultLedger, target;
  bool json = false;
};

int run(const Options& o) {
  const auto path = ledger_path(o.ledger);
  if (!path) return ledger_failed(path.error());
  const auto made = settle::backup_ledger(*path, o.target, SystemClock().wall_ms());
  if (!made) return ledger_failed(made.error());
  if (o.json) {
    std::printf("%s\n", nlohmann::json{{"file", o.target}, {"bytes", made->bytes}, {"checkpoint", made->checkpoint.to_string()}}.dump().c_str());
  } else {
    std::printf("%s: %llu bytes\ncheckpoint: %s\n", o.target.c_str(), static_cast<unsigned long long>(made->bytes),
                made->checkpoint.to_string().c_str());
  }
  return kGood;
}

}  // namespace

void add_ledger_backup(CLI::App& cmd, Action& action) {
  auto o = std::make_shared<Options>();
  CLI::App* sub = cmd.add_subcommand("backup", "a checked copy while the host runs; never overwrites");
  sub->add_option("FILE", o->target, "the copy")->required();
  sub->add_option("--ledger", o->ledger, "sqlite:PATH; default sqlite:anduin.db");
  sub->add_flag("--json", o->json, "as JSON");
  sub->callback([o, &action] { action = [o] { return run(*o); }; });
}

}  // namespace anduin::cli
