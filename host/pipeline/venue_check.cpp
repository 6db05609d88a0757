#include "pipeline/venue_check.hpp"


#include <algorithm>
#include <set>

#include "plugin/config_schema.hpp"
#include "plugin/manifest.hpp"
#include "pipeline/market_option.hpp"

namespace anduin::pipeline {
namespace {

/// Built and released with the host; any other plugin is a third party's and has to be pinned.
constexpr std::array kOwnPlugins{"bybit", "kraken", "okx", "bitget", "mexc", "kucoin", "htx", "metatrader"};

bool is_own(const std::string& plugin) {
  return std::find(kOwnPlugins.begin(), kOwnPlugins.end(), plugin) != kOwnPlugins.end();
}

bool is_loopback(const std::string& url) {
  const std::size_t host_at = url.find("://") + 3;
  const std::string host = url.substr(host_at, url.find_first_of("/?#", host_at) - host_at);
  return host.starts_with("127.") || host.starts_with("localhost") || host.starts_with("[::1]");
}

std::string lower(std::string text) {
  for (char& ch : text) ch = ch >= 'A' && ch <= 'F' ? static_cast<char>(ch - 'A' + 'a') : ch;
  return text;
}

bool contains(const std::vector<std::string>& list, const std::string& word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

std::vector<std::string> texts(const nlohmann::json& json) {
  std::vector<std::string> out;
  if (json.is_string()) out.push_back(json.get<std::string>());
  if (json.is_array()) {
    for (const auto& entry : json) {
      if (entry.is_string()) out.push_back(entry.get<std::string>());
    }
  }
  return out;
}

}  // namespace

VenueChecker::VenueChecker(Context& context, VenueCatalog* catalog, const PluginSettings& plugins)
    : c_(context), catalog_(catalog), plugins_(plugins) {}

const plugin::Manifest* VenueChecker::find_plugin(const RawVenue& venue, const std::string& at) {
  const std::string& name = venue.settings.plugin;
  if (name.empty()) return nullptr;
  const Place place = c_.has(at + ".plugin") ? c_.at(at + ".plugin") : venue.settings.place;
  const VenueCatalog::Found found = catalog_ == nullptr ? VenueCatalog::Found{} : catalog_->find(name);
  const auto pin = plugins_.pins.find(name);
  if (!is_own(name) && pin == plugins_.pins.end()) {
    const std::string hash = found.sha256.empty() ? "<hash of its file>" : found.sha256;
    c_.error(
        place,
        "plugin '" + name +
            "' is not one of ours and must be pinned; if you trust this file, add plugins: { pins: { " +
            name + ": \"sha256:" + hash + "\" } }");
  } else if (pin != plugins_.pins.end() && !found.sha256.empty() &&
             lower(pin->second) != "sha256:" + found.sha256) {
    c_.error(c_.at("plugins.pins." + name), "the file of plugin '" + name + "' has another hash: sha256:" +
                                                found.sha256 + "; find out why before you pin it anew");
  }
  if (catalog_ == nullptr || found.manifest != nullptr) return found.manifest;
  if (!found.problem.empty()) {
    c_.error(place, "plugin '" + name + "' cannot be used: " + found.problem);
    return nullptr;
  }
  std::vector<std::string> folders;
  for (const auto& dir : plugins_.dirs) folders.push_back(dir.string());
  c_.error(place, "no plugin '" + name + "' in " + listed(folders) + hint(name, catalog_->names()));
  return nullptr;
}

void VenueChecker::check_venue(RawVenue& venue) {
  VenueSettings& v = venue.settings;
  const std::string at = "venues." + v.name;
  const plugin::Manifest* manifest = find_plugin(venue, at);
  manifests_[v.name] = manifest;
  plugin_of_[v.name] = v.plugin;
  if (manifest != nullptr) v.display = manifest->venue_name;
  if (!venue.in_process) {
    c_.error(c_.at(at + ".isolation"),
             "running a plugin in a process of its own is not available in this version; write isolation: "
             "in-process");
  }
  check_options(venue, manifest, at);
  check_endpoints(v, manifest, at);
  std::error_code ignored;
  if (!v.tls.ca.empty() && !std::filesystem::is_regular_file(v.tls.ca, ignored)) {
    c_.error(c_.at(at + ".tls.ca"),
             "there is no file " + v.tls.ca.string() + "; name a PEM file with certificates");
  }
}

void VenueChecker::check_options(RawVenue& venue, const plugin::Manifest* manifest, const std::string& at) {
  VenueSettings& v = venue.settings;
  nlohmann::json options = nlohmann::json::parse(venue.options_json);
  std::map<std::string, std::string> place_of_option;  // option -> path in the file
  const auto put = [&](const char* key, const std::optional<std::string>& value) {
    if (!value || value->empty()) return;
    if (options.contains(key)) {
      c_.error(c_.at(at + "." + key), std::string(key) + " stands under options as well; keep one of them");
    }
    options[key] = *value;
    place_of_option[key] = at + "." + key;
  };
  put("dialect", venue.dialect);
  put("private_dialect", venue.private_dialect);
  put("price_channel", venue.price_channel);
  if (options.contains("market")) {
    c_.error(c_.at(at + ".options.market"),
             "market stands beside options, not in them; write it under '" + v.name + "'");
    options.erase("market");
  }
  if (!v.markets.empty()) {
    options["market"] = v.markets;
    place_of_option["market"] = at + ".market";
  }
  if (manifest == nullptr) {
    v.options_json = options.dump();
    return;
  }
  for (const plugin::OptionProblem& problem : plugin::check_options(*manifest, options)) {
    const auto beside = place_of_option.find(problem.name);
    const std::string path =
        beside != place_of_option.end() ? beside->second : at + ".options." + problem.name;
    c_.error(c_.at(path), problem.name + ": " + problem.text);
  }
  if (options.contains("market")) v.markets = texts(options["market"]);
  v.options_json = options.dump();
}

void VenueChecker::check_endpoints(const VenueSettings& v, const plugin::Manifest* manifest,
                                   const std::string& at) {
  for (const auto& [id, url] : v.endpoints) {
    if (url.empty()) continue;  // reported where it was read
    const Place place = c_.at(at + ".endpoints." + id);
    const bool ws = url.starts_with("ws");
    const bool secure = url.starts_with("wss:") || url.starts_with("https:");
    if (!secure && !is_loopback(url)) {
      c_.error(place, "credentials would cross the network in the clear; write " +
                          std::string(ws ? "wss" : "https") + "://");
    }
    if (manifest == nullptr) continue;
    const plugin::Endpoint* known = manifest->endpoint(id);
    if (known == nullptr) {
      std::vector<std::string> ids;
      for (const auto& endpoint : manifest->endpoints) ids.push_back(endpoint.id);
      c_.error(place, "plugin '" + v.plugin + "' has no endpoint '" + id + "'" + hint(id, ids));
    } else if (known->is_ws != ws) {
      c_.error(place, "endpoint '" + id + "' speaks " +
                          (known->is_ws ? "WebSocket; write wss://" : "HTTP; write https://"));
    }
  }
}

void VenueChecker::check_together(const Settings& settings) {
  std::set<std::string> used;
  for (const VenueSettings& v : settings.venues) used.insert(v.plugin);
  for (const auto& [pin, hash] : settings.plugins.pins) {
    if (!used.contains(pin)) c_.warning(c_.at("plugins.pins." + pin), "no venue uses plugin '" + pin + "'");
  }
  std::map<std::string, std::vector<const VenueSettings*>> by_symbol;
  for (const VenueSettings& v : settings.venues) {
    for (const std::string& symbol : v.symbols) by_symbol[symbol].push_back(&v);
  }
  for (const auto& [symbol, venues] : by_symbol) {
    const VenueSettings* spot = nullptr;
    const VenueSettings* derivative = nullptr;
    for (std::size_t i = 0; i < venues.size(); ++i) {
      const VenueSettings& v = *venues[i];
      const auto index = static_cast<std::size_t>(std::find(v.symbols.begin(), v.symbols.end(), symbol) -
                                                  v.symbols.begin());
      for (std::size_t k = 0; k < i; ++k) {
        if (venues[k]->plugin != v.plugin) continue;
        c_.error(c_.at("venues." + v.name + ".symbols[" + std::to_string(index) + "]"),
                 "'" + venues[k]->name + "' has " + symbol +
                     " too, of the same venue; keep it in one of the two");
      }
      if (v.markets == std::vector<std::string>{"spot"})
        spot = &v;
      else if (!v.markets.empty() && !contains(v.markets, "spot"))
        derivative = &v;
    }
    if (spot != nullptr && derivative != nullptr) {
      c_.warning(c_.at("venues." + derivative->name),
                 symbol + " comes from spot at " + spot->name +
                     " and from contracts here: prices of both kinds are aggregated");
    }
  }
}

void VenueChecker::check_account(std::size_t index, AccountSettings& a, bool live) {
  const std::string at = "accounts[" + std::to_string(index) + "]";
  const auto known = manifests_.find(a.venue);
  const plugin::Manifest* manifest = known == manifests_.end() ? nullptr : known->second;
  if (manifest != nullptr) {
    const std::vector<std::string>& markets =
        manifest->account_markets.empty() ? manifest->markets : manifest->account_markets;
    if (a.market.empty() && markets.size() > 1 && !one_key_serves_all(*manifest)) {
      c_.error(a.place, "venue '" + a.venue + "' has more than one product; add market: with one of " +
                            listed(markets));
    } else if (a.market.empty() && markets.size() == 1) {
      a.market = markets.front();
    } else if (!a.market.empty() && !markets.empty() && !contains(markets, a.market)) {
      c_.error(c_.at(at + ".market"), "'" + a.market + "' is not a market of an account of '" + a.venue +
                                          "'" + hint(a.market, markets));
    }
    check_account_options(at, a, *manifest);
    if (!manifest->has_feed("positions")) {
      c_.error(c_.at(at + ".venue"),
               "plugin '" + plugin_of_.at(a.venue) + "' reports no closes: it has no positions feed");
    }
  }
  check_credentials(at, a, manifest, live);
}

/// What identifies an account at its venue (`account_unique` of the manifest) may be claimed once.
void VenueChecker::check_account_options(const std::string& at, AccountSettings& a, const plugin::Manifest& manifest) {
  nlohmann::json options = nlohmann::json::parse(a.options_json);
  for (const plugin::OptionProblem& problem : plugin::check_account_options(manifest, options)) {
    const std::string path = at + ".options." + problem.name;
    c_.error(c_.has(path) ? c_.at(path) : a.place, "account '" + a.name + "': " + problem.name + ": " + problem.text);
  }
  a.options_json = options.dump();
  for (const auto& names : manifest.json.value("account_unique", nlohmann::json::array())) {
    std::string claim = manifest.id, what;
    for (const auto& name : names) {
      const std::string key = name.get<std::string>();
      const nlohmann::json value = options.value(key, nlohmann::json(""));
      claim += "\n" + key + "=" + value.dump();
      what += (what.empty() ? "" : " and ") + key;
    }
    const auto [owner, fresh] = claimed_.emplace(claim, a.name);
    if (!fresh)
      c_.error(c_.has(at + ".options") ? c_.at(at + ".options") : a.place,
               "accounts '" + owner->second + "' and '" + a.name + "' have the same " + what +
                   ": their closes would be reported twice; keep one of them");
  }
}

void VenueChecker::check_inbound(const Settings& settings) const {
  bool any = false;
  std::map<std::string, std::string> keys;  // venue and key -> account
  for (std::size_t i = 0; i < settings.accounts.size(); ++i) {
    const AccountSettings& a = settings.accounts[i];
    const auto known = manifests_.find(a.venue);
    if (known == manifests_.end() || known->second == nullptr) continue;
    const std::string at = "accounts[" + std::to_string(i) + "]";
    if (known->second->inbound.scheme.empty()) continue;
    any = true;
    if (!settings.webhook)
      c_.error(a.place, "closes of account '" + a.name + "' come in by webhook and there is none; add webhook: "
                                                         "{ listen: \"0.0.0.0:443\", tls: { certificate: FILE, key: FILE } }");
    const auto key = a.credentials.find("key"), secret = a.credentials.find("secret");
    if (key != a.credentials.end() && key->second.present()) {
      if (!matches(key->second.value, "[A-Za-z0-9_-]{1,64}"))
        c_.error(key->second.place, "the key of account '" + a.name + "' must be 1 to 64 letters, digits, '_' or '-'");
      const auto [owner, fresh] = keys.emplace(a.venue + "\n" + key->second.value, a.name);
      if (!fresh)
        c_.error(key->second.place, "accounts '" + owner->second + "' and '" + a.name + "' have one key; give each its own");
    }
    if (secret != a.credentials.end() && secret->second.present() && !matches(secret->second.value, "[0-9a-fA-F]{64}"))
      c_.error(secret->second.place,
               "the secret of account '" + a.name + "' must be 64 hex digits; make one with: openssl rand -hex 32");
  }
  if (!any && settings.webhook && catalog_ != nullptr)
    c_.warning(c_.at("webhook"), "no account's closes come in by webhook: nothing will be served there");
}

void VenueChecker::check_credentials(const std::string& at, const AccountSettings& a,
                                     const plugin::Manifest* manifest, bool live) const {
  if (manifest != nullptr) {
    for (const auto& [name, value] : a.credentials) {
      if (contains(manifest->credentials, name)) continue;
      c_.error(c_.at(at + ".credentials." + name), "venue '" + a.venue + "' has no credential '" + name +
                                                       "'" + hint(name, manifest->credentials));
    }
    for (const std::string& name : manifest->credentials) {
      if (a.credentials.contains(name)) continue;
      const std::string text =
          "account '" + a.name + "' lacks credential '" + name + "'; add " + name + ": \"${env:NAME}\"";
      if (live)
        c_.error(c_.at(at + ".credentials"), text);
      else
        c_.warning(c_.at(at + ".credentials"), text + " (dry-run: it has no private feed until then)");
    }
  }
  for (const auto& [name, value] : a.credentials) {
    if (value.present() || value.env.empty()) continue;
    if (live)
      c_.error(value.place,
               "environment variable " + value.env + " is not set, and account '" + a.name + "' is live");
    else
      c_.warning(value.place, "environment variable " + value.env + " is not set: account '" + a.name +
                                  "' has no private feed in this dry-run");
  }
}

void VenueChecker::warn_idle(const Settings& settings) const {
  for (const VenueSettings& v : settings.venues) {
    const bool has_account = std::any_of(settings.accounts.begin(), settings.accounts.end(),
                                         [&](const AccountSettings& a) { return a.venue == v.name; });
    if (v.symbols.empty() && !has_account) {
      c_.warning(v.place, "venue '" + v.name + "' has no symbols and no account: it would do nothing");
    }
  }
}

}  // namespace anduin::pipeline
