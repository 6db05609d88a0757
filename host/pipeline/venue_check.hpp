// Venues and accounts against the manifests of their plugins. Thread and lifetime: one load, as Context.
#pragma once
#include "pipeline/pipeline_definition.hpp"

namespace anduin::pipeline {

class VenueChecker {
 public:
  /// `catalog` may be null: then manifests are not asked for.
  VenueChecker(Context& context, VenueCatalog* catalog, const PluginSettings& plugins);

  /// Plugin, isolation, pin, markets, options, endpoints, TLS file; fills in what the manifest defaults.
  void check_venue(RawVenue& venue);
  /// Symbols that two entries of one plugin both claim; symbols whose venues differ in kind; pins of
  /// nobody.
  void check_together(const Settings& settings);
  /// Market and credentials; fills in the market.
  void check_account(std::size_t index, AccountSettings& account, bool live);
  /// Venues whose closes come in by webhook, and the webhook itself.
  void check_inbound(const Settings& settings) const;
  /// Venues that nobody wants anything of.
  void warn_idle(const Settings& settings) const;

 private:
  const plugin::Manifest* find_plugin(const RawVenue& venue, const std::string& at);
  void check_options(RawVenue& venue, const plugin::Manifest* manifest, const std::string& at);
  void check_endpoints(const VenueSettings& venue, const plugin::Manifest* manifest, const std::string& at);
  void check_account_options(const std::string& at, AccountSettings& account, const plugin::Manifest& manifest);
  void check_credentials(const std::string& at, const AccountSettings& account,
                         const plugin::Manifest* manifest, bool live) const;

  Context& c_;
  VenueCatalog* catalog_;
  const PluginSettings& plugins_;
  std::map<std::string, const plugin::Manifest*> manifests_;  ///< by venue
  std::map<std::string, std::string> plugin_of_;              ///< by venue
  std::map<std::string, std::string> claimed_;  ///< plugin, option names and values that only one account may have
};

}  // namespace anduin::pipeline
