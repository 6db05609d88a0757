#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "base/log.hpp"
#include "cli/command.hpp"
#include "cli/settings_file.hpp"
#include "pipeline/balance_query.hpp"
#include "venue/event_line.hpp"

namespace anduin::cli {
namespace {

struct Options {
  std::string venue, account, file;
  bool json = false;
};

int run(const Options& o) {
  auto loaded = load_settings_file(o.file);
  if (!loaded.ok) return kWrongUse;
  auto balances = pipeline::query_balance(loaded.settings, o.venue, o.account);
  if (!balances) {
    std::fprintf(stderr, "anduin balance: %s\n", log::redact(balances.error().to_string()).c_str());
    return balances.error().kind == ErrorKind::kBadRequest ? kWrongUse : kFailed;
  }
  for (const Balance& b : *balances) {
    if (o.json) std::printf("%s\n", venue::balance_line(b).c_str());
    else
      std::printf("%s %s: total %s %s, available %s\n", b.venue.c_str(), b.account.c_str(), b.total.to_string().c_str(),
                  b.currency.c_str(), b.available.to_string().c_str());
  }
  return kGood;
}

}  // namespace

void add_balance(CLI::App& app, Action& action) {
  auto o = std::make_shared<Options>();
  CLI::App* cmd = app.add_subcommand("balance", "one account's balance, asked of the venue");
  cmd->add_option("VENUE", o->venue, "the venue's key in the pipeline file")->required();
  cmd->add_option("PIPELINE", o->file, "the pipeline file")->required();
  cmd->add_option("--account", o->account, "the account's name; needed when the venue has several");
  cmd->add_flag("--json", o->json, "as JSON");
  cmd->callback([o, &action] { action = [o] { return run(*o); }; });
}

}  // namespace anduin::cli
