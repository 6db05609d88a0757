// One reading of a pipeline file: where we are, what was found wrong, what the environment says.
// Thread: one at a time. Lifetime: one load.
#pragma once
#include <yaml-cpp/yaml.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/settings_loader.hpp"

namespace anduin::pipeline {

Place place_of(const YAML::Node& node);

/// A scalar after `${env:NAME}` was filled in.
struct Scalar {
  std::string text;
  bool plain = false;  ///< written without quotes and without a variable: it may be a number or a boolean
  std::string env;     ///< first variable named; empty = none
  std::string missing_env;  ///< first variable that is not set; then `text` is not usable
  Place place;
};

class Context {
 public:
  Context(std::filesystem::path file, const Environment& environment);

  void error(Place place, std::string text);
  void warning(Place place, std::string text);

  /// The value as one scalar; an error and nothing for a list, a map or nothing. `what` says what was
  /// expected.
  std::optional<Scalar> scalar(const YAML::Node& node, std::string_view what);
  /// As above, and an error and nothing when a variable is not set.
  std::optional<Scalar> complete_scalar(const YAML::Node& node, std::string_view what);

  /// Calls `member` for each key of a map, with the path entered; reports keys that stand twice or are no
  /// plain words. False (and an error) when it is no map.
  bool each_member(
      const YAML::Node& node, std::string_view what,
      const std::function<void(const std::string& key, Place key_place, const YAML::Node&)>& member);
  /// The same for a list.
  bool each_item(const YAML::Node& node, std::string_view what,
                 const std::function<void(const YAML::Node&)>& item);

  /// Where the value at this path stands, for the checks that come after reading: "accounts[0].venue".
  [[nodiscard]] Place at(const std::string& path) const;
  [[nodiscard]] bool has(const std::string& path) const { return places_.contains(path); }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::filesystem::path absolute(const std::string& text) const;
  [[nodiscard]] bool failed() const { return failed_; }
  std::vector<Problem> take_problems();

 private:
  class Enter;
  std::filesystem::path file_;
  const Environment& environment_;
  std::vector<Problem> problems_;
  std::map<std::string, Place> places_;
  std::string path_;
  bool failed_ = false;
};

/// "a, b, c" with at most ten of them.
std::string listed(const std::vector<std::string>& words);
/// "; did you mean 'x'?" or "; known are a, b, c" or "".
std::string hint(std::string_view word, const std::vector<std::string>& known);

}  // namespace anduin::pipeline
