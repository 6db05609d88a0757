// A text with placeholders as plugins and manifests write it (docs/manifest.md, "Templates"), parsed once.
// An immutable value: any thread. What a placeholder stands for is decided by whoever renders.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace anduin::venue {

/// Everything a placeholder may stand for; there is no other.
enum class Var : std::uint8_t {
  kKey,
  kPassphrase,
  kTimeMs,
  kTimeS,
  kTimeIso,
  kTimeIsoS,
  kNonce,
  kSig,
  kArg,
  kHost,
  kMethod,
  kPath,
  kQuery,
  kTarget,
  kBody,
};

struct Filter {
  enum class Kind : std::uint8_t { kJson, kPercent, kStrip };
  Kind kind = Kind::kJson;
  std::string prefix;  ///< of kStrip
};

struct Placeholder {
  Var var = Var::kKey;
  std::string name;             ///< of kArg the argument, of kSig the sign program ("" = the record's)
  std::int64_t offset_ms = 0;   ///< of the times
  std::vector<Filter> filters;  ///< applied left to right
  std::string text;             ///< as written, for messages
};

class Template {
 public:
  /// Gives the value of a placeholder before its filters; an error ends the rendering.
  using Resolve = std::function<Result<std::string>(const Placeholder&)>;

  /// kBadRequest naming the placeholder or filter that does not exist.
  static Result<Template> parse(std::string_view text);

  [[nodiscard]] Result<std::string> render(const Resolve& resolve) const;
  [[nodiscard]] bool uses(Var var) const;
  /// Calls `visit` for each placeholder in order.
  void each(const std::function<void(const Placeholder&)>& visit) const;
  /// The parts between the given characters of the literal text (not of values): parameters of a query.
  [[nodiscard]] std::vector<Template> split(char separator) const;
  /// Cut at the first such literal character; `rest` is empty when there is none.
  struct Halves;
  [[nodiscard]] Halves cut(char separator) const;
  /// The first character of the literal text, 0 when it begins with a placeholder or is empty.
  [[nodiscard]] char first_literal() const;
  [[nodiscard]] bool empty() const { return parts_.empty(); }

 private:
  struct Part {
    std::string literal;
    std::optional<Placeholder> value;
  };
  std::vector<Part> parts_;
};

struct Template::Halves {
  Template first, rest;
  bool found = false;
};

/// 2025-01-01T00:00:00.123Z of milliseconds since the Unix epoch; `milliseconds` false:
/// 2025-01-01T00:00:00.
[[nodiscard]] std::string iso_time(std::int64_t ms, bool milliseconds);

}  // namespace anduin::venue
