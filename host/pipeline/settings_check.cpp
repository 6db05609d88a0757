#include "pipeline/settings_check.hpp"

#include <algorithm>
#include <set>

#include "pipeline/venue_check.hpp"

namespace anduin::pipeline {
namespace {

std::vector<std::string> names_of(const auto& items) {
  std::vector<std::string> out;
  for (const auto& item : items) out.push_back(item.name);
  return out;
}

std::string item(const char* list, std::size_t i, const char* key) {
  return std::string(list) + "[" + std::to_string(i) + "]." + key;
}

void check_ledger(Context& c, const std::string& ledger, Settings& out) {
  out.ledger.place = c.at("ledger");
  if (ledger.starts_with("sqlite:")) {
    out.ledger.sqlite = c.absolute(ledger.substr(7));
  } else if (ledger.starts_with("postgres")) {
    c.error(out.ledger.place, "PostgreSQL is not available in this version; write ledger: \"sqlite:FILE\"");
  }
}

/// A Safe that can never execute is found here and not at the first close.
void check_executor(Context& c, const VaultSettings& v) {
  if (!v.executor) return;
  const auto need = [&](const Secret* s, const std::string& what) {
    if (s == nullptr) return;
    c.error(s->env.empty() ? v.place : s->place, "vault '" + v.name + "' is live and needs " + what +
                                                     (s->env.empty() ? "" : ": environment variable " + s->env +
                                                                                " is not set"));
  };
  need(v.executor->safe.present() ? nullptr : &v.executor->safe, "executor.safe");
  for (const SignerSettings& owner : v.executor->owners) need(owner.missing(), "all of executor.owners");
}

/// Two vaults on one Safe would take each other's nonce for ever.
void share_no_safe(Context& c, const VaultSettings& v,
                   std::map<std::pair<std::uint64_t, std::string>, std::string>& safes) {
  if (!v.executor || !v.executor->safe.present()) return;
  const auto [before, fresh] = safes.emplace(std::pair(v.chain_id, v.executor->safe.value), v.name);
  if (!fresh)
    c.error(v.executor->safe.place, "vaults '" + before->second + "' and '" + v.name +
                                        "' have the same Safe on one chain; give each a Safe of its own");
}

/// Live needs all of it; dry-run whatever is there.
void check_vaults(Context& c, Settings& out) {
  std::map<std::pair<std::uint64_t, std::string>, std::string> safes;
  for (VaultSettings& v : out.vaults) {
    // Amounts become token units in one place, with one number of decimals: another one there would be another amount.
    if (v.token_decimals != out.vaults.front().token_decimals) {
      c.error(v.place, "vault '" + v.name + "' has " + std::to_string(v.token_decimals) + " token decimals and '" +
                           out.vaults.front().name + "' has " + std::to_string(out.vaults.front().token_decimals) +
                           ": vaults of one file share them; run the other vault from a file of its own");
    }
    std::erase_if(v.rpc, [](const Secret& s) { return !s.present() && s.env.empty(); });
    if (v.executor && v.executor->exchange.empty()) v.executor->exchange = c.absolute("safe-exchange");
    share_no_safe(c, v, safes);
    if (v.mode == VaultMode::kDryRun) continue;
    const std::string at = "vaults." + v.name;
    const auto need = [&](bool there, const char* key, const Secret* s, const std::string& write) {
      if (there) return;
      const std::string what = "vault '" + v.name + "' is live and needs " + key;
      if (s != nullptr && !s->env.empty()) {
        c.error(s->place,
                what + ": environment variable " + s->env + " is not set; set it, or write mode: dry-run");
      } else if (!c.has(at + "." + key)) {
        c.error(v.place, what + "; add " + write + ", or write mode: dry-run");
      }
    };
    const bool any_rpc =
        std::any_of(v.rpc.begin(), v.rpc.end(), [](const Secret& s) { return s.present(); });
    need(v.chain_id != 0, "chain_id", nullptr, "chain_id: 8453");
    need(any_rpc, "rpc", v.rpc.empty() ? nullptr : &v.rpc.front(), "rpc: [\"${env:RPC_URL}\"]");
    need(v.address.present(), "address", &v.address, "address: \"${env:VAULT_ADDRESS}\"");
    need(v.signer.complete(), "signer", v.signer.missing(),
         "signer: { key: \"${env:SETTLEMENT_PRIVATE_KEY}\" }");
    check_executor(c, v);
  }
  for (VaultSettings& v : out.vaults) {
    for (const Secret& s : v.rpc) {
      const bool any =
          std::any_of(v.rpc.begin(), v.rpc.end(), [](const Secret& other) { return other.present(); });
      if (!s.present() && !s.env.empty() && (any || v.mode == VaultMode::kDryRun)) {
        c.warning(s.place, "environment variable " + s.env + " is not set: vault '" + v.name +
                               "' goes without this endpoint");
      }
    }
    std::erase_if(v.rpc, [](const Secret& s) { return !s.present(); });
  }
}

void check_references(Context& c, std::size_t i, AccountSettings& a, const Settings& out) {
  const VenueSettings* venue = out.venue(a.venue);
  if (!a.venue.empty() && venue == nullptr) {
    c.error(c.at(item("accounts", i, "venue")),
            "no venue '" + a.venue + "' under venues" + hint(a.venue, names_of(out.venues)));
  }
  if (a.vault.empty() && !c.has(item("accounts", i, "vault"))) {
    if (out.vaults.size() == 1) {
      a.vault = out.vaults.front().name;
    } else if (out.vaults.empty()) {
      c.error(a.place,
              "an account needs a vault and there is none; add vaults: { main: { mode: dry-run } }");
    } else {
      c.error(a.place,
              "there is more than one vault; add vault: with one of " + listed(names_of(out.vaults)));
    }
  } else if (!a.vault.empty() && out.vault(a.vault) == nullptr) {
    c.error(c.at(item("accounts", i, "vault")),
            "no vault '" + a.vault + "' under vaults" + hint(a.vault, names_of(out.vaults)));
  }
}

void check_accounts(Context& c, Settings& out, VenueChecker& venues) {
  std::map<std::string, Place> names;
  for (std::size_t i = 0; i < out.accounts.size(); ++i) {
    AccountSettings& a = out.accounts[i];
    const Place name_place = c.at(item("accounts", i, "name"));
    const auto [before, fresh] = names.emplace(a.name, name_place);
    if (!a.name.empty() && !fresh) {
      c.error(name_place, "another account is called '" + a.name + "' (line " +
                              std::to_string(before->second.line) + "); give each its own name");
    }
    check_references(c, i, a, out);
    const VaultSettings* vault = out.vault(a.vault);
    venues.check_account(i, a, vault != nullptr && vault->mode == VaultMode::kLive);
  }
}

void check_symbols(Context& c, const RawPipeline& raw, Settings& out) {
  for (const auto& [canonical, by_venue] : raw.symbols) {
    for (const auto& [venue, name] : by_venue) {
      const Place place = c.at("symbols." + canonical + "." + venue);
      if (out.venue(venue) == nullptr) {
        c.error(place, "no venue '" + venue + "' under venues" + hint(venue, names_of(out.venues)));
      }
      out.symbols.push_back({canonical, venue, name, place});
    }
  }
}

/// Checked already, served by a later version.
void check_not_yet(Context& c, const Settings& out) {
  const auto not_yet = [&](const char* key, const char* what) {
    c.warning(c.at(key),
              std::string(key) + ": is checked, but this version has no " + what + " yet and ignores it");
  };
  if (out.http) not_yet("http", "HTTP API");
  if (out.webhook && !c.has("webhook.tls"))
    c.error(c.at("webhook"), "webhook lacks 'tls'; add tls: { certificate: FILE, key: FILE }");
}

void check_folders(Context& c, const Settings& out) {
  for (std::size_t i = 0; i < out.plugins.dirs.size(); ++i) {
    std::error_code ignored;
    if (std::filesystem::is_directory(out.plugins.dirs[i], ignored)) continue;
    c.warning(c.at("plugins.dirs[" + std::to_string(i) + "]"),
              "there is no folder " + out.plugins.dirs[i].string());
  }
}

bool has_dollar_coin(const Settings& out) {
  for (const VenueSettings& v : out.venues) {
    for (const std::string& s : v.symbols) {
      if (s == "USDTUSD" || s == "USDCUSD" || s == "USDCUSDT" || s == "USDTUSDC") return true;
    }
  }
  return false;
}

/// Limits are the operator's to choose, so none is a default; money without any is said.
void warn_unlimited(Context& c, const Settings& out) {
  for (const VaultSettings& v : out.vaults) {
    if (v.mode == VaultMode::kLive)
      c.warning(v.place, "vault '" + v.name + "' is live and no limit bounds its credits: a venue that runs wild is "
                         "paid until somebody looks; set policy.credits (docs/policy.md)");
  }
}

}  // namespace

Settings check_pipeline(Context& c, RawPipeline raw, VenueCatalog* catalog) {
  Settings out = std::move(raw.settings);
  check_folders(c, out);
  if (catalog != nullptr) out.plugins.dirs = catalog->use_dirs(out.plugins.dirs);
  VenueChecker venues(c, catalog, out.plugins);
  for (RawVenue& v : raw.venues) {
    venues.check_venue(v);
    out.venues.push_back(std::move(v.settings));
  }
  venues.check_together(out);
  check_symbols(c, raw, out);
  check_vaults(c, out);
  check_accounts(c, out, venues);
  venues.check_inbound(out);
  if (!c.failed()) venues.warn_idle(out);  // a value that could not be read is no idleness
  check_ledger(c, raw.ledger, out);
  if (!c.failed() && !out.policy.credits.any()) warn_unlimited(c, out);
  if (!c.failed() && !out.accounts.empty() && !has_dollar_coin(out)) {
    c.warning(c.at("venues"),
              "no venue has USDTUSD or USDCUSD among its symbols: without such a price the depeg guard "
              "cannot hold "
              "settlements when a dollar coin leaves its peg");
  }
  check_not_yet(c, out);
  return out;
}

}  // namespace anduin::pipeline
