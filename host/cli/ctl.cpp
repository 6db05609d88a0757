#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>

#include "cli/command.hpp"
#include "ops/control.hpp"

namespace anduin::cli {
namespace {

using nlohmann::json;

struct Options {
  std::string socket = "anduin.sock", reason, id;
  std::vector<std::string> refs;
  std::string verdict, who;
  int valid_hours = 24;
  bool json = false, all = false;
};

int fail(const Error& e) {
  std::fprintf(stderr, "anduin ctl: %s\n", e.to_string().c_str());
  return e.kind == ErrorKind::kBadRequest ? kWrongUse : kFailed;
}

/// Asks, and shows the answer: as it came with --json, else by `show`.
int run(const Options& o, const std::string& command, const json& args, const std::function<void(const json&)>& show) {
  const auto answer = ops::ask(o.socket, command, args);
  if (!answer) return fail(answer.error());
  if (o.json) std::printf("%s\n", answer->dump(2).c_str());
  else show(*answer);
  return kGood;
}

std::string text(const json& row, const char* name) {
  const auto it = row.find(name);
  if (it == row.end() || it->is_null()) return "-";
  return it->is_string() ? it->get<std::string>() : it->dump();
}

/// The worst of several: a script must see that one of them failed.
int decide(const Options& o, const char* command) {
  int worst = kGood;
  for (const std::string& ref : o.refs)
    worst = std::max(worst, run(o, command, {{"ref", ref}, {"reason", o.reason}}, [](const json& d) {
      std::printf("%s %s %s: %s -> %s\n", text(d, "ref").c_str(), text(d, "venue").c_str(), text(d, "id").c_str(),
                  text(d, "from").c_str(), text(d, "to").c_str());
    }));
  return worst;
}

int decide_by_file(const Options& o) {
  std::ifstream opened;
  if (o.id != "-") {
    opened.open(o.id, std::ios::binary);
    if (!opened) return fail({ErrorKind::kBadRequest, o.id, "cannot be read"});
  }
  const std::string file{std::istreambuf_iterator<char>(o.id == "-" ? std::cin : opened), {}};
  return run(o, "decide", {{"file", file}}, [](const json& d) {
    std::printf("%s %s %s: %s -> %s, %s of %s signatures\n", text(d, "ref").c_str(), text(d, "venue").c_str(), text(d, "id").c_str(),
                text(d, "from").c_str(), text(d, "to").c_str(), text(d, "signatures").c_str(), text(d, "needed").c_str());
  });
}

void show_status(const json& s) {
  for (const char* group : {"venues", "accounts", "vaults", "endpoints"})
    for (const json& line : s.value(group, json::array()))
      std::printf("%-9s %-20s %-10s%s%s\n", group, text(line, "name").c_str(),
                  line.value("good", false) ? "good" : "not ready",
                  line.value("waiting", 0) > 0 ? (" waiting " + text(line, "waiting")).c_str() : "",
                  line.value("problem", "").empty() ? "" : (" " + text(line, "problem")).c_str());
  for (const json& b : s.value("breakers", json::array())) std::printf("breaker   %s\n", b.get<std::string>().c_str());
  std::printf("unproven ranges: %s\n", text(s, "unproven").c_str());
}

void show_breakers(const json& rows) {
  for (const json& b : rows)
    std::printf("%-7s %s (%s): %s\n", b.at("closedAt").is_null() ? "open" : "closed", text(b, "scope").c_str(),
                text(b, "openedBy").c_str(), text(b, "reason").c_str());
  if (rows.empty()) std::printf("no breaker is open\n");
}

}  // namespace

void add_ctl(CLI::App& app, Action& action) {
  CLI::App* cmd = app.add_subcommand("ctl", "asks or tells the running host, over its control socket");
  cmd->require_subcommand(1);
  auto o = std::make_shared<Options>();
  cmd->add_option("--socket", o->socket, "the path under control: in the pipeline file; default anduin.sock");
  const auto add = [&](const char* name, const char* what, std::function<int(const Options&)> run) {
    CLI::App* sub = cmd->add_subcommand(name, what);
    sub->fallthrough();  // --socket may also stand behind
    sub->add_flag("--json", o->json, "as JSON");
    sub->callback([o, run, &action] { action = [o, run] { return run(*o); }; });
    return sub;
  };
  const auto reason = [o](CLI::App* sub) {
    sub->add_option("--reason", o->reason, "why; it stands in the audit trail with your user name")->required();
  };
  add("status", "venues, accounts, vaults, and what waits for a person",
      [](const Options& x) { return run(x, "status", json::object(), show_status); });
  CLI::App* approve = add("approve", "releases held settlements: they are sent",
                          [](const Options& x) { return decide(x, "approve"); });
  CLI::App* reject = add("reject", "refuses held settlements for good: they are never sent",
                         [](const Options& x) { return decide(x, "reject"); });
  for (CLI::App* sub : {approve, reject}) {
    sub->add_option("REF", o->refs, "refId (0x...) or the venue's close id; several are decided one by one")->required();
    reason(sub);
  }
  CLI::App* draft = add("draft", "prints the decision to be signed by an approver (EIP-191, of its member text)", [](const Options& x) {
    return run(x, "draft", {{"ref", x.id}, {"decision", x.verdict}, {"who", x.who}, {"reason", x.reason},
                            {"valid_ms", std::to_string(x.valid_hours * 3'600'000)}},
               [](const json& d) { std::printf("%s\n", text(d, "file").c_str()); });
  });
  draft->add_option("DECISION", o->verdict, "approve or reject")->required()->check(CLI::IsMember({"approve", "reject"}));
  draft->add_option("REF", o->id, "refId (0x...) or the venue's close id")->required();
  draft->add_option("--who", o->who, "the approver, as the trail shall name him")->required();
  draft->add_option("--valid-hours", o->valid_hours, "the decision counts for so long; default 24")->check(CLI::Range(1, 720));
  reason(draft);
  CLI::App* decide_file = add("decide", "hands in a signed decision: the draft with a member signature", decide_by_file);
  decide_file->add_option("FILE", o->id, "JSON; - reads standard input")->required();
  CLI::App* breakers = add("breakers", "breakers that are open: what they stand for is held", [](const Options& x) {
    return run(x, "breakers", {{"all", x.all}}, show_breakers);
  });
  breakers->add_flag("--all", o->all, "also those that were closed again");
  const auto breaker = [&](const char* name, const char* what, const char* done) {
    CLI::App* sub = add(name, what, [name, done](const Options& x) {
      return run(x, name, {{"scope", x.id}, {"reason", x.reason}},
                 [done](const json& d) { std::printf("%s %s\n", text(d, "scope").c_str(), done); });
    });
    sub->add_option("SCOPE", o->id, "global, venue:NAME, account:NAME or user:0x...")->required();
    reason(sub);
  };
  breaker("close-breaker", "lets new closes of this scope through again; held ones still want a decision each", "is closed");
  breaker("open-breaker", "holds every new close of this scope from now on", "is open");
  CLI::App* gap = add("accept-gap", "lives with a range of history that a venue cannot prove", [](const Options& x) {
    return run(x, "accept-gap", {{"id", x.id}, {"reason", x.reason}},
               [](const json& d) { std::printf("range %s is accepted\n", text(d, "id").c_str()); });
  });
  gap->add_option("ID", o->id, "as anduin ledger unproven shows it")->required();
  reason(gap);
  CLI::App* reopen = add("reopen", "after a reorganization below the settled block: lets the chain decide again", [](const Options& x) {
    return run(x, "reopen", {{"vault", x.id}, {"reason", x.reason}}, [](const json& d) {
      std::printf("%s: %s slots are tracked again\n", text(d, "vault").c_str(), text(d, "slots").c_str());
    });
  });
  reopen->add_option("VAULT", o->id, "the vault's name in the pipeline file")->required();
  reason(reopen);
}

}  // namespace anduin::cli
