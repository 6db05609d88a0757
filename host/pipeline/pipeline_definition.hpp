// The one table that defines the pipeline file: every key with its type, bounds, default and meaning.
// Reading, error messages and the JSON Schema all come from it. Immutable, any thread.
#pragma once
#include "pipeline/definition.hpp"

namespace anduin::pipeline {

/// What one venue's entry says before the plugin's manifest is known.
struct RawVenue {
  VenueSettings settings;
  std::string options_json = "{}";
  std::optional<std::string> dialect, private_dialect, price_channel;
  bool in_process = true;
};

/// The file as it is written; settings_check.cpp turns it into Settings.
struct RawPipeline {
  Settings settings;  ///< all but venues, symbols and ledger
  std::vector<RawVenue> venues;
  /// canonical -> venue -> venue's name
  std::map<std::string, std::map<std::string, std::string>> symbols;
  std::string ledger = "sqlite:anduin.db";
};

const Def<RawPipeline>& pipeline_definition();

}  // namespace anduin::pipeline
