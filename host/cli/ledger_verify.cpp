// `anduin ledger verify`: the book proved from its own file and, when a chain is given, against the vault's events.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "chain/http_transport.hpp"
#include "chain/json_rpc_node.hpp"
#include "cli/ledger_command.hpp"
#include "cli/settings_file.hpp"
#include "pipeline/vault_options.hpp"
#include "settle/reconcile.hpp"

namespace anduin::cli {
namespace {

using nlohmann::json;

struct Options {
  std::string ledger = kDefaultLedger, pipeline, since, at = "finalized";
  bool ledger_given = false;
  std::vector<std::string> rpc;
  std::uint64_t from_block = 0;
  bool json = false;
};

/// A vault to be looked at: where its chain is asked, and how it speaks.
struct Target {
  std::string name;
  std::uint64_t chain_id = 0;
  chain::Vault vault;
  std::vector<std::string> rpc;
  chain::BlockId settled = chain::Tag::kFinalized;
  std::uint64_t depth = 0;
  unsigned decimals = 6;
};

chain::Tag tag_of(const std::string& name) {
  return name == "latest" ? chain::Tag::kLatest : name == "safe" ? chain::Tag::kSafe : chain::Tag::kFinalized;
}

Result<Target> target_of(const pipeline::VaultSettings& v) {
  const auto address = chain::Address::parse(v.address.value);
  if (!address) return Error{ErrorKind::kBadRequest, "vault " + v.name, "its address is not an address"};
  auto abi = pipeline::vault_abi(v.abi, "vault " + v.name);
  if (!abi) return abi.error();
  auto vault = chain::Vault::create(*address, *abi);
  if (!vault) return vault.error();
  Target out{v.name, v.chain_id, std::move(*vault), {}, chain::Tag::kFinalized, 0, v.token_decimals};
  for (const auto& url : v.rpc) out.rpc.push_back(url.value);
  using At = pipeline::FinalityRuleSetting::At;
  if (v.settled_at.at == At::kSafe) out.settled = chain::Tag::kSafe;
  if (v.settled_at.at == At::kDepth) {
    out.settled = chain::Tag::kLatest;
    out.depth = v.settled_at.depth;
  }
  return out;
}

/// The first endpoint that answers with the right chain.
struct Chain {
  std::unique_ptr<chain::HttpTransport> transport;
  std::unique_ptr<chain::JsonRpcNode> node;
  std::uint64_t id = 0;
};

Result<Chain> connect(const std::vector<std::string>& urls, std::optional<std::uint64_t> chain_id) {
  Error last{ErrorKind::kBadRequest, "verify", "there is no rpc endpoint to ask"};
  for (const auto& url : urls) {
    auto transport = chain::HttpTransport::create(url);
    if (!transport) {
      last = transport.error();
      continue;
    }
    Chain out{std::move(*transport), nullptr, 0};
    out.node = std::make_unique<chain::JsonRpcNode>(*out.transport);
    const auto id = out.node->chain_id();
    if (!id) {
      last = id.error();
    } else if (chain_id && *id != *chain_id) {
      last = {ErrorKind::kBadRequest, "rpc", "its chain is " + std::to_string(*id) + ", not " + std::to_string(*chain_id)};
    } else {
      out.id = *id;
      return out;
    }
  }
  return last;
}

/// Without a pipeline file: every vault of that chain that the ledger knows, in the words of the reference vault.
Result<std::vector<Target>> targets_of_ledger(settle::LedgerReader& reader, const Options& o, std::uint64_t chain_id) {
  auto vaults = reader.vaults();
  if (!vaults) return vaults.error();
  std::vector<Target> out;
  for (const auto& v : *vaults) {
    if (v.chain_id != chain_id || v.address.is_zero()) continue;
    auto vault = chain::Vault::create(v.address);
    if (!vault) return vault.error();
    out.push_back({v.address.to_string(), chain_id, std::move(*vault), o.rpc, tag_of(o.at), 0, 6});
  }
  return out;
}

json users_json(const settle::Reconciliation& r) {
  json out = json::array();
  for (const auto& [who, u] : r.users)
    out.push_back({{"user", who.to_string()}, {"credited", u.credited.str()}, {"seized", u.seized.str()},
                   {"notSeized", u.not_seized.str()}, {"dust", u.dust.to_string()}, {"chainCredited", u.chain_credited.str()},
                   {"chainSeized", u.chain_seized.str()}, {"unbooked", u.unbooked.str()}});
  return out;
}

json problems_json(const std::vector<settle::ReconcileProblem>& problems) {
  json out = json::array();
  for (const auto& p : problems) out.push_back({{"ref", p.ref}, {"text", p.text}});
  return out;
}

struct Run {
  const Options& o;
  settle::LedgerReader& reader;
  json out = json::object();
  std::uint64_t problems = 0;

  Result<void> book() {
    std::optional<settle::Checkpoint> since;
    if (!o.since.empty()) {
      since = settle::Checkpoint::parse(o.since);
      if (!since) return Error{ErrorKind::kBadRequest, "--since", "is no checkpoint; it looks like 1234:0xabcd..."};
    }
    const auto r = reader.verify(since);
    if (!r) return r.error();
    problems += r->problem_count;
    json list = json::array();
    for (const auto& p : r->problems) list.push_back({{"ref", p.ref}, {"where", p.where}, {"text", p.text}});
    out["book"] = {{"checkpoint", r->checkpoint.to_string()}, {"auditRows", r->checkpoint.rows}, {"settlements", r->settlements},
                   {"slots", r->slots}, {"attempts", r->attempts}, {"reports", r->reports}, {"problems", r->problem_count},
                   {"list", list}};
    if (o.json) return {};
    std::printf("book: %llu settlements, %llu slots, %llu attempts, %llu reports, %llu audit rows\n",
                static_cast<unsigned long long>(r->settlements), static_cast<unsigned long long>(r->slots),
                static_cast<unsigned long long>(r->attempts), static_cast<unsigned long long>(r->reports),
                static_cast<unsigned long long>(r->checkpoint.rows));
    std::printf("checkpoint: %s\n", r->checkpoint.to_string().c_str());
    for (const auto& p : r->problems)
      std::printf("  WRONG %s%s%s: %s\n", p.where.c_str(), p.ref.empty() ? "" : " ", p.ref.c_str(), p.text.c_str());
    if (r->problem_count > r->problems.size())
      std::printf("  and %llu more\n", static_cast<unsigned long long>(r->problem_count - r->problems.size()));
    return {};
  }

  Result<void> vault(const Target& t, chain::Node& node) {
    const auto end = settled_height(t, node);
    if (!end) return end.error();
    const auto r = settle::reconcile(reader, t.vault, node, t.chain_id, o.from_block, *end, kWindow, t.decimals);
    if (!r) return r.error();
    problems += r->problems.size();
    out["vaults"].push_back({{"vault", t.name}, {"address", t.vault.address().to_string()}, {"chainId", t.chain_id},
                             {"fromBlock", o.from_block}, {"toBlock", *end}, {"events", r->onchain}, {"sum", r->onchain_sum},
                             {"matched", r->matched}, {"pending", r->pending}, {"foreign", r->foreign},
                             {"duplicate", r->duplicate}, {"users", users_json(*r)}, {"problems", problems_json(r->problems)}});
    if (o.json) return {};
    std::printf("vault %s on chain %llu, blocks %llu to %llu: events=%llu matched=%llu pending=%llu foreign=%llu duplicate=%llu sum=%s\n",
                t.name.c_str(), static_cast<unsigned long long>(t.chain_id), static_cast<unsigned long long>(o.from_block),
                static_cast<unsigned long long>(*end), static_cast<unsigned long long>(r->onchain),
                static_cast<unsigned long long>(r->matched), static_cast<unsigned long long>(r->pending),
                static_cast<unsigned long long>(r->foreign), static_cast<unsigned long long>(r->duplicate), r->onchain_sum.c_str());
    for (const auto& [who, u] : r->users)
      std::printf("  %s credited=%s seized=%s not_seized=%s dust=%s chain_credited=%s chain_seized=%s unbooked=%s\n",
                  who.to_string().c_str(), u.credited.str().c_str(), u.seized.str().c_str(), u.not_seized.str().c_str(),
                  u.dust.to_string().c_str(), u.chain_credited.str().c_str(), u.chain_seized.str().c_str(), u.unbooked.str().c_str());
    for (const auto& p : r->problems) std::printf("  WRONG %s\n", p.text.c_str());
    return {};
  }

  /// Asked after the snapshot of the book was taken: what is settled there is at or below it.
  static Result<std::uint64_t> settled_height(const Target& t, chain::Node& node) {
    const auto block = node.block(t.settled);
    if (!block) return block.error();
    if (!*block) return Error{ErrorKind::kRetryable, t.name, "the node does not know its settled block"};
    const std::uint64_t height = (*block)->number;
    return height > t.depth ? height - t.depth : 0;
  }

  Result<void> chains(const std::vector<Target>& targets) {
    out["vaults"] = json::array();
    for (const auto& t : targets) {
      auto chain = connect(t.rpc, t.chain_id);
      if (!chain) return chain.error();
      if (auto ok = vault(t, *chain->node); !ok) return ok;
    }
    return {};
  }

  static constexpr std::uint64_t kWindow = 2'000;  ///< what public endpoints answer in one request
};

Result<int> run(Options o) {
  std::vector<Target> targets;
  if (!o.pipeline.empty()) {
    auto loaded = load_settings_file(o.pipeline);
    if (!loaded.ok) return kWrongUse;
    if (!o.ledger_given) o.ledger = loaded.settings.ledger.sqlite.string();
    for (const auto& v : loaded.settings.vaults) {
      if (!v.address.present() || v.rpc.empty()) continue;
      auto t = target_of(v);
      if (!t) return t.error();
      targets.push_back(std::move(*t));
    }
  }
  auto reader = open_ledger(o.ledger);
  if (!reader) return reader.error();
  if (auto ok = (*reader)->hold(); !ok) return ok.error();
  Run run{o, **reader};
  if (auto ok = run.book(); !ok) return ok.error();
  if (!o.rpc.empty()) {
    auto chain = connect(o.rpc, {});
    if (!chain) return chain.error();
    if (targets.empty()) {
      auto known = targets_of_ledger(**reader, o, chain->id);
      if (!known) return known.error();
      targets = std::move(*known);
    }
    for (auto& t : targets) t.rpc = o.rpc;
  }
  if (auto ok = run.chains(targets); !ok) return ok.error();
  run.out["good"] = run.problems == 0;
  if (o.json) std::printf("%s\n", run.out.dump(2).c_str());
  else if (run.problems == 0) std::printf("good%s\n", targets.empty() ? "" : ": book and chain agree");
  else std::printf("BROKEN: %llu problems\n", static_cast<unsigned long long>(run.problems));
  return run.problems == 0 ? kGood : kFailed;
}

}  // namespace

void add_ledger_verify(CLI::App& cmd, Action& action) {
  auto o = std::make_shared<Options>();
  CLI::App* sub = cmd.add_subcommand("verify", "proves the book from its audit trail, and against the chain if one is given");
  CLI::Option* ledger = sub->add_option("--ledger", o->ledger, "sqlite:PATH; default: the pipeline's, else sqlite:anduin.db");
  sub->add_option("--pipeline", o->pipeline, "pipeline file: its ledger, vaults, endpoints and settled_at");
  sub->add_option("--rpc", o->rpc, "JSON-RPC endpoints of the chain; without a pipeline: every vault of the ledger on it");
  sub->add_option("--at", o->at, "with --rpc alone: up to this block")->check(CLI::IsMember({"finalized", "safe", "latest"}));
  sub->add_option("--from-block", o->from_block, "the vault's first block, to shorten the reading of its events");
  sub->add_option("--since", o->since, "a checkpoint kept from earlier, which the trail must still hold");
  sub->add_flag("--json", o->json, "as JSON");
  sub->callback([o, ledger, &action] {
    o->ledger_given = ledger->count() > 0;
    action = [o] {
      const auto done = run(*o);
      return done ? *done : ledger_failed(done.error());
    };
  });
}

}  // namespace anduin::cli
