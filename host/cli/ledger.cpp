#include <CLI/CLI.hpp>
#include <cstdio>
#include <ctime>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/ledger_command.hpp"

namespace anduin::cli {
namespace {

struct Options {
  std::string ledger = kDefaultLedger, ref;
  settle::ListFilter filter;
  bool json = false;
};

int fail(const Error& e) { return ledger_failed(e); }

Result<std::unique_ptr<settle::LedgerReader>> open(const Options& o) { return open_ledger(o.ledger); }

std::string text(const nlohmann::json& row, const char* name) {
  if (!row.contains(name) || row.at(name).is_null()) return "-";
  return row.at(name).is_string() ? row.at(name).get<std::string>() : row.at(name).dump();
}

/// 2026-11-22T20:15:03Z of milliseconds since the epoch.
std::string utc(const nlohmann::json& row, const char* name) {
  if (!row.contains(name) || !row.at(name).is_number_integer()) return "-";
  const auto seconds = static_cast<std::time_t>(row.at(name).get<std::int64_t>() / 1'000);
  std::tm parts{};
  char out[32];
  gmtime_r(&seconds, &parts);
  return {out, std::strftime(out, sizeof(out), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

/// What a person can do about a row that waits for one, ready to be pasted.
void print_way_out(const nlohmann::json& row) {
  const std::string state = text(row, "state"), ref = text(row, "ref");
  const bool approvable = (state == "QUARANTINED" || state == "BLOCKED") && row.value("units", nlohmann::json()).is_string();
  if (row.contains("report")) {
    if (state == "CONFLICT" && row.at("resolvedAt").is_null())
      std::printf("    nothing is sent for it; when it was seen to: anduin ctl reject report:%s --reason \"...\"\n", text(row, "report").c_str());
    return;
  }
  if (!approvable && state != "QUARANTINED" && state != "CONFLICT") return;
  std::printf("    %s since %s: %s\n", state.c_str(), utc(row, "since").c_str(), text(row, "reason").c_str());
  if (approvable) std::printf("    anduin ctl approve %s --reason \"...\"\n", ref.c_str());
  std::printf("    anduin ctl reject %s --reason \"...\"\n", ref.c_str());
}

int list(const Options& o) {
  auto reader = open(o);
  if (!reader) return fail(reader.error());
  auto rows = (*reader)->list(o.filter);
  if (!rows) return fail(rows.error());
  if (o.json) {
    std::printf("%s\n", nlohmann::json(*rows).dump(2).c_str());
    return kGood;
  }
  std::printf("%-16s %-10s %-14s %-8s %18s  %-12s %s\n", "STATE", "VENUE", "ACCOUNT", "ACTION", "UNITS", "SYMBOL", "ID");
  for (const auto& r : *rows) {
    std::printf("%-16s %-10s %-14s %-8s %18s  %-12s %s%s\n", text(r, "state").c_str(), text(r, "venue").c_str(), text(r, "account").c_str(),
                text(r, "action").c_str(), text(r, "units").c_str(), text(r, "symbol").c_str(), text(r, "id").c_str(),
                text(r, "reason") == "-" || text(r, "reason").empty() ? "" : ("  (" + text(r, "reason") + ")").c_str());
    print_way_out(r);
  }
  return kGood;
}

int show(const Options& o) {
  auto reader = open(o);
  if (!reader) return fail(reader.error());
  auto row = (*reader)->show(o.ref);
  if (!row) return fail(row.error());
  std::printf("%s\n", row->dump(2).c_str());
  return kGood;
}

int sums(const Options& o) {
  auto reader = open(o);
  if (!reader) return fail(reader.error());
  auto s = (*reader)->sums();
  if (!s) return fail(s.error());
  const nlohmann::json out{{"settled", s->settled}, {"held", s->held}, {"noaction", s->no_action}, {"waiting", s->waiting},
                           {"ledger_sum", s->ledger_sum}, {"conflict_reports", s->conflict_reports}};
  if (o.json) std::printf("%s\n", out.dump().c_str());
  else
    std::printf("settled=%llu held=%llu (waiting %llu) noaction=%llu ledger_sum=%s conflict_reports=%llu\n", static_cast<unsigned long long>(s->settled),
                static_cast<unsigned long long>(s->held), static_cast<unsigned long long>(s->waiting),
                static_cast<unsigned long long>(s->no_action), s->ledger_sum.c_str(),
                static_cast<unsigned long long>(s->conflict_reports));
  return kGood;
}

int unproven(const Options& o) {
  auto reader = open(o);
  if (!reader) return fail(reader.error());
  auto ranges = (*reader)->unproven(false);
  if (!ranges) return fail(ranges.error());
  nlohmann::json out = nlohmann::json::array();
  for (const auto& r : *ranges)
    out.push_back({{"id", r.id}, {"account", r.account}, {"from", r.from_ms}, {"to", r.to_ms}, {"state", r.state}, {"reason", r.reason}});
  if (o.json) {
    std::printf("%s\n", out.dump(2).c_str());
    return kGood;
  }
  std::printf("%-6s %-16s %-15s %-15s %-9s %s\n", "ID", "ACCOUNT", "FROM", "TO", "STATE", "REASON");
  for (const auto& r : *ranges)
    std::printf("%-6lld %-16s %-15lld %-15lld %-9s %s\n", static_cast<long long>(r.id), r.account.c_str(), static_cast<long long>(r.from_ms),
                static_cast<long long>(r.to_ms), r.state.c_str(), r.reason.c_str());
  return kGood;
}

}  // namespace

void add_ledger(CLI::App& app, Action& action) {
  CLI::App* cmd = app.add_subcommand("ledger", "the settlement book; readable while the host runs");
  cmd->require_subcommand(1);
  auto o = std::make_shared<Options>();
  const auto add = [&](const char* name, const char* what, int (*run)(const Options&)) {
    CLI::App* sub = cmd->add_subcommand(name, what);
    sub->add_option("--ledger", o->ledger, "sqlite:PATH; default sqlite:anduin.db");
    sub->callback([o, run, &action] { action = [o, run] { return run(*o); }; });
    return sub;
  };
  CLI::App* lister = add("list", "settlements, oldest first", &list);
  lister->add_option("--state", o->filter.state, "only this state, as the list shows it");
  lister->add_option("--venue", o->filter.venue, "only this venue");
  lister->add_option("--account", o->filter.account, "only this account");
  lister->add_option("--user", o->filter.user, "only this address");
  lister->add_option("--limit", o->filter.limit, "at most so many rows")->check(CLI::Range(1, 1'000'000));
  lister->add_flag("--json", o->json, "as JSON");
  add("show", "one settlement with its whole trail", &show)->add_option("REF", o->ref, "refId (0x...) or the venue's close id")->required();
  add("sums", "the sums of the reconciliation line", &sums)->add_flag("--json", o->json, "as JSON");
  add("unproven", "ranges of history that a venue could not prove complete", &unproven)->add_flag("--json", o->json, "as JSON");
  add_ledger_verify(*cmd, action);
  add_ledger_backup(*cmd, action);
  add_ledger_export(*cmd, action);
}

}  // namespace anduin::cli
