// What may be sent on one socket: the manifest's `ws_egress` entry of an endpoint (docs/manifest.md).
// The reading is stricter than any venue's: one plain object, no repeated names, known members, listed
// topics. Immutable, any thread. Refusals are kBadRequest and name the entry that lacks the word.
#pragma once
#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace anduin::venue {

class FrameRules {
 public:
  /// `where` is the JSON pointer of the entry, for errors.
  static Result<FrameRules> parse(const nlohmann::json& entry, const std::string& where);
  [[nodiscard]] Result<void> allow(std::string_view endpoint, std::string_view text) const;

 private:
  std::string key_, topics_at_;
  std::vector<std::string> allow_, fields_, topic_ops_, topics_, raw_;
};

}  // namespace anduin::venue
