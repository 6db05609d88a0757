#include "venue/sign_program.hpp"

#include <nlohmann/json.hpp>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <vector>

namespace anduin::venue {
namespace {

using nlohmann::json;

constexpr int kNestingMax = 4;  // no venue hashes deeper than once; a bound against absurd manifests
constexpr std::size_t kTokenBytesMax = 256, kIntegerDigitsMax = 19;

Error bad(const std::string& where, std::string text) {
  return {ErrorKind::kBadRequest, where, std::move(text)};
}

bool is_hex_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

unsigned hex_value(char c) {
  if (c <= '9') return static_cast<unsigned>(c - '0');
  return static_cast<unsigned>((c | 0x20) - 'a') + 10U;
}

std::string base64(std::string_view bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int n =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(n));
  return out;
}

/// Wipes its bytes when it goes: decoded keys.
struct Scratch {
  std::vector<unsigned char> bytes;
  Scratch() = default;
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
};

bool decode_hex(std::string_view text, Scratch& out) {
  if (text.size() % 2 != 0) return false;
  for (const char c : text)
    if (!is_hex_digit(c)) return false;
  out.bytes.resize(text.size() / 2);
  for (std::size_t i = 0; i < out.bytes.size(); ++i)
    out.bytes[i] = static_cast<unsigned char>(hex_value(text[2 * i]) * 16 + hex_value(text[2 * i + 1]));
  return true;
}

bool decode_base64(std::string_view text, Scratch& out) {
  if (text.empty() || text.size() % 4 != 0) return false;
  out.bytes.resize(text.size() / 4 * 3);
  const int n = EVP_DecodeBlock(out.bytes.data(), reinterpret_cast<const unsigned char*>(text.data()),
                                static_cast<int>(text.size()));
  if (n < 0) return false;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  out.bytes.resize(static_cast<std::size_t>(n) - padding);
  return true;
}

const EVP_MD* md_of(int bits) {
  return bits == 256 ? EVP_sha256() : bits == 384 ? EVP_sha384() : EVP_sha512();
}

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !is_hex_digit(text[i])) return false;
  }
  return true;
}

bool is_integer(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return !text.empty() && text.size() <= kIntegerDigitsMax &&
         text.find_first_not_of("0123456789") == text.npos;
}

bool is_token(std::string_view text) {
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '.' || c == '_' || c == '-';
    if (!plain) return false;
  }
  return !text.empty() && text.size() <= kTokenBytesMax;
}

Result<std::map<std::string, ArgType, std::less<>>> parse_args(const json& args, const std::string& where) {
  std::map<std::string, ArgType, std::less<>> out;
  if (args.is_null()) return out;
  if (!args.is_object()) return bad(where, "write an object such as {\"challenge\":\"uuid\"}");
  for (const auto& [name, type] : args.items()) {
    const std::string text = type.is_string() ? type.get<std::string>() : std::string();
    if (text == "uuid") out[name] = ArgType::kUuid;
    else if (text == "integer") out[name] = ArgType::kInteger;
    else if (text == "token") out[name] = ArgType::kToken;
    else return bad(where + "/" + name, "write \"uuid\", \"integer\" or \"token\"");
  }
  return out;
}

}  // namespace

bool fits(ArgType type, std::string_view text) {
  switch (type) {
    case ArgType::kUuid: return is_uuid(text);
    case ArgType::kInteger: return is_integer(text);
    case ArgType::kToken: return is_token(text);
  }
  return false;
}

Result<SignProgram::Hash> SignProgram::parse_hash(const json& name, std::string_view prefix,
                                                  const std::string& where) {
  const std::string text = name.is_string() ? name.get<std::string>() : std::string();
  const std::string p(prefix);
  if (text == p + "SHA256") return Hash::kSha256;
  if (text == p + "SHA384") return Hash::kSha384;
  if (text == p + "SHA512") return Hash::kSha512;
  return bad(where, "write \"" + p + "SHA256\", \"" + p + "SHA384\" or \"" + p + "SHA512\"");
}

Result<SignProgram::Coding> SignProgram::parse_out(const json& name, bool raw, const std::string& where) {
  const std::string text = name.is_string() ? name.get<std::string>() : std::string();
  if (raw && text == "raw") return Coding::kRaw;
  if (text == "hex") return Coding::kHex;
  if (text == "HEX") return Coding::kUpperHex;
  if (text == "base64") return Coding::kBase64;
  if (text == "base64-pct") return Coding::kBase64Percent;
  return bad(where, std::string("write ") + (raw ? "\"raw\", " : "") +
                        "\"hex\", \"HEX\", \"base64\" or \"base64-pct\"");
}

Result<SignProgram::Part> SignProgram::parse_part(const json& part, const std::string& where, int depth) {
  Part out;
  if (part.is_string()) {
    auto text = Template::parse(part.get_ref<const std::string&>());
    if (!text) return bad(where, text.error().to_string());
    out.text = std::move(*text);
    return out;
  }
  if (!part.is_object()) return bad(where, "write a text, or {\"hash\":\"SHA256\",\"message\":[..]}");
  for (const auto& [name, value] : part.items())
    if (name != "hash" && name != "message" && name != "out")
      return bad(where + "/" + name, "a hash has \"hash\", \"message\" and perhaps \"out\", nothing else");
  auto hash = parse_hash(part.value("hash", json()), "", where + "/hash");
  if (!hash) return hash.error();
  auto coding = parse_out(part.value("out", json("raw")), true, where + "/out");
  if (!coding) return coding.error();
  auto inner = parse_parts(part.value("message", json()), where + "/message", depth + 1);
  if (!inner) return inner.error();
  out.hash = *hash;
  out.out = *coding;
  out.hashed = std::make_shared<const Parts>(std::move(*inner));
  return out;
}

Result<SignProgram::Parts> SignProgram::parse_parts(const json& list, const std::string& where, int depth) {
  if (depth > kNestingMax) return bad(where, "hashes are nested too deep");
  if (!list.is_array() || list.empty())
    return bad(where, "write a list of texts and hashes, in the order they are joined");
  Parts out;
  for (std::size_t i = 0; i < list.size(); ++i) {
    auto part = parse_part(list[i], where + "/" + std::to_string(i), depth);
    if (!part) return part.error();
    out.push_back(std::move(*part));
  }
  return out;
}

Result<SignProgram> SignProgram::parse(const json& program, const std::string& where) {
  if (!program.is_object()) return bad(where, "write an object with alg, secret, out and message");
  for (const auto& [name, value] : program.items())
    if (name != "alg" && name != "secret" && name != "out" && name != "args" && name != "message")
      return bad(where + "/" + name,
                 "unknown member; a sign program has alg, secret, out, args and message");
  SignProgram out;
  auto hash = parse_hash(program.value("alg", json()), "HMAC-", where + "/alg");
  if (!hash) return hash.error();
  const json secret = program.value("secret", json("raw"));
  if (secret == "raw") out.secret_ = Coding::kRaw;
  else if (secret == "base64") out.secret_ = Coding::kBase64;
  else if (secret == "hex") out.secret_ = Coding::kHex;
  else
    return bad(where + "/secret",
               "write \"raw\", \"base64\" or \"hex\": how the configured secret is decoded");
  auto coding = parse_out(program.value("out", json("hex")), false, where + "/out");
  if (!coding) return coding.error();
  auto args = parse_args(program.value("args", json()), where + "/args");
  if (!args) return args.error();
  auto message = parse_parts(program.value("message", json()), where + "/message", 0);
  if (!message) return message.error();
  out.hash_ = *hash;
  out.out_ = *coding;
  out.args_ = std::move(*args);
  out.message_ = std::move(*message);
  if (auto ok = out.check(where); !ok) return ok.error();
  return out;
}

Result<void> SignProgram::check(const std::string& where) const {
  Result<void> out;
  visit(message_, [&](const Placeholder& p) {
    if (p.var == Var::kSig) out = bad(where + "/message", p.text + " cannot be part of what is signed");
    if (p.var == Var::kArg && !args_.contains(p.name))
      out = bad(where + "/args",
                p.text + " needs its type here: \"" + p.name + "\":\"uuid\", \"integer\" or \"token\"");
  });
  return out;
}

void SignProgram::visit(const Parts& parts, const std::function<void(const Placeholder&)>& each) {
  for (const Part& part : parts) {
    part.text.each(each);
    if (part.hashed) visit(*part.hashed, each);
  }
}

bool SignProgram::uses(Var var) const {
  bool found = false;
  visit(message_, [&](const Placeholder& p) {
    found = found || p.var == var;
    // The target is made of path and query.
    if (p.var == Var::kTarget) found = found || var == Var::kPath || var == Var::kQuery;
  });
  return found;
}

std::string SignProgram::digest(Hash hash, std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  const int bits = hash == Hash::kSha256 ? 256 : hash == Hash::kSha384 ? 384 : 512;
  EVP_Digest(bytes.data(), bytes.size(), out.data(), &size, md_of(bits), nullptr);
  return {reinterpret_cast<const char*>(out.data()), size};
}

std::string SignProgram::code(std::string_view bytes, Coding coding) {
  switch (coding) {
    case Coding::kRaw: return std::string(bytes);
    case Coding::kBase64: return base64(bytes);
    case Coding::kBase64Percent: {
      std::string out;
      for (const char c : base64(bytes)) {
        if (c == '+') out += "%2B";
        else if (c == '/') out += "%2F";
        else if (c == '=') out += "%3D";
        else out += c;
      }
      return out;
    }
    case Coding::kHex:
    case Coding::kUpperHex: break;
  }
  const std::string_view digits = coding == Coding::kHex ? "0123456789abcdef" : "0123456789ABCDEF";
  std::string out;
  for (const char c : bytes) {
    out += digits[static_cast<unsigned char>(c) >> 4U];
    out += digits[static_cast<unsigned char>(c) & 15U];
  }
  return out;
}

Result<std::string> SignProgram::join(const Parts& parts, const Template::Resolve& resolve) {
  std::string out;
  for (const Part& part : parts) {
    auto text = part.hashed ? join(*part.hashed, resolve) : part.text.render(resolve);
    if (!text) return text.error();
    out += part.hashed ? code(digest(part.hash, *text), part.out) : *text;
  }
  return out;
}

Result<std::string> SignProgram::message(const Template::Resolve& resolve) const {
  return join(message_, resolve);
}

Result<std::string> SignProgram::run(const Secret& secret, const Template::Resolve& resolve) const {
  auto text = message(resolve);
  if (!text) return text.error();
  Scratch key;
  const std::string_view plain = secret.reveal();
  if (secret_ == Coding::kRaw) key.bytes.assign(plain.begin(), plain.end());
  else if (secret_ == Coding::kHex ? !decode_hex(plain, key) : !decode_base64(plain, key))
    return Error{ErrorKind::kAuth, "secret",
                 std::string("the configured secret is not ") +
                     (secret_ == Coding::kHex ? "hexadecimal" : "base64") +
                     ": copy it again from the venue's key page"};
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  const int bits = hash_ == Hash::kSha256 ? 256 : hash_ == Hash::kSha384 ? 384 : 512;
  const void* made =
      HMAC(md_of(bits), key.bytes.data(), static_cast<int>(key.bytes.size()),
           reinterpret_cast<const unsigned char*>(text->data()), text->size(), out.data(), &size);
  if (made == nullptr) return Error{ErrorKind::kFatal, "sign", "the signature could not be computed"};
  return code({reinterpret_cast<const char*>(out.data()), size}, out_);
}

Result<SignPrograms> parse_sign_programs(const json& sign) {
  SignPrograms out;
  if (sign.is_null()) return out;
  if (!sign.is_object()) return bad("/sign", "write an object of named sign programs");
  for (const auto& [name, program] : sign.items()) {
    auto parsed = SignProgram::parse(program, "/sign/" + name);
    if (!parsed) return parsed.error();
    out.emplace(name, std::move(*parsed));
  }
  return out;
}

}  // namespace anduin::venue
