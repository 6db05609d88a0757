#include "settle/reconcile.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

namespace anduin::settle {
namespace {

using Events = std::map<Hash, std::vector<chain::VaultEvent>>;

Result<Events> read_events(const chain::Vault& vault, chain::Node& node, std::uint64_t from,
                           std::uint64_t to, std::uint64_t window) {
  Events out;
  for (std::uint64_t low = from; low <= to; low += window) {
    const auto part = vault.events(node, low, std::min(to, low + window - 1));
    if (!part) return part.error();
    for (const auto& e : *part) out[e.ref_id].push_back(e);
  }
  return out;
}

std::string text_of(const nlohmann::json& row, const char* name) {
  const auto it = row.find(name);
  return it != row.end() && it->is_string() ? it->get<std::string>() : std::string();
}

/// Empty when the event is what the settled row says.
std::string difference(const nlohmann::json& row, const chain::VaultEvent& e) {
  if (text_of(row, "user") != e.user.to_string()) return "the chain has user " + e.user.to_string();
  if ((text_of(row, "action") == "credit") != e.credit) return "the chain has the other direction";
  if (text_of(row, "units") != e.requested.str()) return "the chain has " + e.requested.str() + " units";
  const std::string moved = text_of(row, "onchainUnits");
  if (!moved.empty() && moved != e.moved.str()) return "the chain moved " + e.moved.str() + " units";
  return {};
}

struct Book {
  Reconciliation& out;
  Events& events;
  const std::string vault;
  std::uint64_t chain_id;

  void row(const nlohmann::json& r) const {
    const bool ours = text_of(r, "vault") == vault && r.value("chainId", std::uint64_t{0}) == chain_id;
    const auto ref = Hash::parse(text_of(r, "ref"));
    if (!ours || !ref || !r.contains("row")) return;
    const std::string state = text_of(r, "state");
    const bool settled = state == "SETTLED" || state == "ALREADY_SETTLED";
    const auto it = events.find(*ref);
    if (it == events.end()) {
      if (settled) problem(*ref, r, "is " + state + ", and the chain has no event of it");
      return;
    }
    if (it->second.size() > 1) {
      out.duplicate += it->second.size() - 1;
      problem(*ref, r, "took effect " + std::to_string(it->second.size()) + " times");
    } else if (const auto d = settled ? difference(r, it->second.front()) : std::string(); !d.empty()) {
      problem(*ref, r, d + ", the ledger " + text_of(r, "units") + " for " + text_of(r, "user"));
    } else if (settled) {
      ++out.matched;
    } else if (state == "QUEUED" || state == "ASSIGNED" || state == "INCLUDED" || state == "SAFE") {
      ++out.pending;
    } else if (state != "CONFLICT") {  // a conflict is known and waits for a person already
      problem(*ref, r, "is " + state + ", and the chain has an event of it");
    }
    events.erase(it);
  }

  void problem(const Hash& ref, const nlohmann::json& r, const std::string& text) const {
    out.problems.push_back(text_of(r, "venue") + " " + text_of(r, "id") + " (" + ref.to_string() + ") " +
                           text);
  }
};

}  // namespace

Result<Reconciliation> reconcile(LedgerReader& reader, const chain::Vault& vault, chain::Node& node,
                                 std::uint64_t chain_id, std::uint64_t from_block, std::uint64_t to_block,
                                 std::uint64_t window) {
  auto events = read_events(vault, node, from_block, to_block, std::max<std::uint64_t>(window, 1));
  if (!events) return events.error();
  Reconciliation out;
  boost::multiprecision::cpp_int sum = 0;
  for (const auto& [ref, list] : *events) {
    out.onchain += list.size();
    for (const auto& e : list) {
      const boost::multiprecision::cpp_int moved(e.moved);
      if (e.credit)
        sum += moved;
      else
        sum -= moved;
    }
  }
  out.onchain_sum = sum.str();
  const Book book{out, *events, vault.address().to_string(), chain_id};
  if (auto ok = reader.export_rows([&](const nlohmann::json& row) { book.row(row); }); !ok)
    return ok.error();
  for (const auto& [ref, list] : *events) {
    out.foreign += list.size();
    out.duplicate += list.size() - 1;
  }
  return out;
}

}  // namespace anduin::settle
