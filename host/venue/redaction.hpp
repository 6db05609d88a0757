// Secrets that a venue issues (the manifest's `sensitive` paths) and signatures it may echo: learned from
// answers, blanked by value in logs and recordings. One instance, one thread at a time; forgets its values
// when it goes.
#pragma once
#include <nlohmann/json_fwd.hpp>

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace anduin::venue {

class Redaction {
 public:
  /// `sensitive` is the manifest's list of dotted paths (null for none); a list on the way means each of
  /// its items.
  static Result<Redaction> create(const nlohmann::json& sensitive);
  Redaction(Redaction&& other) noexcept;
  Redaction& operator=(Redaction&& other) noexcept;
  ~Redaction();

  /// Looks for the paths in an answer and remembers what it finds; returns how many values. Not JSON: none.
  std::size_t learn(std::string_view body);
  /// A value that must not be seen from now on: a signature (RenderedRequest::sensitive).
  void add(std::string value) { remember(signatures_, std::move(value)); }
  /// The text with every secret replaced: these, and all that the log knows.
  [[nodiscard]] std::string redact(std::string_view text) const;

 private:
  Redaction() = default;
  std::vector<std::vector<std::string>> paths_;
  static void remember(std::deque<std::string>& values, std::string value);
  std::deque<std::string> tokens_,
      signatures_;  ///< apart, so that many signatures do not push a living token out
};

}  // namespace anduin::venue
