// `anduin ledger export`: the whole book for auditors, as JSON lines or CSV.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/ledger_command.hpp"
#include "settle/ledger_export.hpp"

namespace anduin::cli {
namespace {

struct Options {
  std::string ledger = kDefaultLedger, format = "jsonl";
  unsigned decimals = 6;
};

int run(const Options& o) {
  auto reader = open_ledger(o.ledger);
  if (!reader) return ledger_failed(reader.error());
  const bool csv = o.format == "csv";
  if (csv) std::printf("%s\r\n", settle::csv_header().c_str());
  const auto done = settle::export_book(**reader, o.decimals, [csv](const nlohmann::json& row) {
    if (csv) std::printf("%s\r\n", settle::csv_line(row).c_str());
    else std::printf("%s\n", row.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
  });
  if (!done) return ledger_failed(done.error());
  // A full disk behind a redirection must not look like a whole book.
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
    return ledger_failed({ErrorKind::kFatal, "export", "the output could not be written whole"});
  return kGood;
}

}  // namespace

void add_ledger_export(CLI::App& cmd, Action& action) {
  auto o = std::make_shared<Options>();
  CLI::App* sub = cmd.add_subcommand("export", "the whole book for auditors: from frame to block, one row each");
  sub->add_option("--ledger", o->ledger, "sqlite:PATH; default sqlite:anduin.db");
  sub->add_option("--format", o->format, "jsonl or csv")->check(CLI::IsMember({"jsonl", "csv"}))->default_str("jsonl");
  sub->add_option("--token-decimals", o->decimals, "of the collateral token, for the dust; default 6")->check(CLI::Range(0, 36));
  sub->callback([o, &action] { action = [o] { return run(*o); }; });
}

}  // namespace anduin::cli
