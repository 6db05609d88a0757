// Signatures as the manifest describes them (docs/manifest.md, "Sign programs"): fixed texts that a plugin
// can name but not compose. Parsed once, immutable, any thread; nothing of a secret is kept.
#pragma once
#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "venue/secret.hpp"
#include "venue/template.hpp"

namespace anduin::venue {

/// What an argument of a record may look like: narrow, so that no other message can be smuggled into a
/// signature.
enum class ArgType : std::uint8_t {
  kUuid,     ///< 8-4-4-4-12 hexadecimal digits
  kInteger,  ///< up to 19 digits, perhaps a minus before them
  kToken,    ///< up to 256 of A-Z a-z 0-9 . _ -
};

class SignProgram {
 public:
  /// `where` is the JSON pointer of the program; errors add the member and say what to write.
  static Result<SignProgram> parse(const nlohmann::json& program, const std::string& where);

  /// The signature, encoded as the manifest says. `resolve` gives the values of the record.
  [[nodiscard]] Result<std::string> run(const Secret& secret, const Template::Resolve& resolve) const;
  /// The bytes that run() would sign.
  [[nodiscard]] Result<std::string> message(const Template::Resolve& resolve) const;
  [[nodiscard]] bool uses(Var var) const;
  [[nodiscard]] const std::map<std::string, ArgType, std::less<>>& args() const { return args_; }

 private:
  enum class Hash : std::uint8_t { kSha256, kSha384, kSha512 };
  enum class Coding : std::uint8_t { kRaw, kHex, kUpperHex, kBase64, kBase64Percent };
  struct Part;
  using Parts = std::vector<Part>;
  struct Part {
    Template text;
    std::shared_ptr<const Parts> hashed;  ///< set: the hash of these, coded; else the text
    Hash hash = Hash::kSha256;
    Coding out = Coding::kRaw;
  };
  static Result<Parts> parse_parts(const nlohmann::json& list, const std::string& where, int depth);
  static Result<Part> parse_part(const nlohmann::json& part, const std::string& where, int depth);
  static Result<Hash> parse_hash(const nlohmann::json& name, std::string_view prefix,
                                 const std::string& where);
  static Result<Coding> parse_out(const nlohmann::json& name, bool raw, const std::string& where);
  static Result<std::string> join(const Parts& parts, const Template::Resolve& resolve);
  static std::string code(std::string_view bytes, Coding coding);
  static std::string digest(Hash hash, std::string_view bytes);
  static void visit(const Parts& parts, const std::function<void(const Placeholder&)>& each);
  Result<void> check(const std::string& where) const;

  Hash hash_ = Hash::kSha256;
  Coding secret_ = Coding::kRaw, out_ = Coding::kHex;
  Parts message_;
  std::map<std::string, ArgType, std::less<>> args_;
};

using SignPrograms = std::map<std::string, SignProgram, std::less<>>;
/// The manifest's `sign` (an object, or null for none).
[[nodiscard]] Result<SignPrograms> parse_sign_programs(const nlohmann::json& sign);
/// Whether the text is one of that type.
[[nodiscard]] bool fits(ArgType type, std::string_view text);

}  // namespace anduin::venue
