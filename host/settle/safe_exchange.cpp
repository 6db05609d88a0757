#include "settle/safe_exchange.hpp"

#include <sys/stat.h>

#include <fstream>
#include <nlohmann/json.hpp>

namespace anduin::settle {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
constexpr const char* kRequestKind = "anduin-safe-request-1";
constexpr const char* kSignatureKind = "anduin-safe-signature-1";

Error bad(const fs::path& file, const std::string& why) { return {ErrorKind::kBadRequest, file.string(), why}; }

Result<void> write_whole(const fs::path& file, const std::string& text) {
  const fs::path half = file.string() + ".part";
  {
    std::ofstream out(half, std::ios::binary | std::ios::trunc);
    out << text;
    out.flush();
    if (!out) return Error{ErrorKind::kRetryable, half.string(), "cannot be written"};
  }
  std::error_code failed;
  fs::rename(half, file, failed);
  if (failed) return Error{ErrorKind::kRetryable, file.string(), "cannot be written: " + failed.message()};
  return {};
}

/// Nothing when there is no file.
Result<std::optional<Json>> read_json(const fs::path& file, const char* kind) {
  std::error_code ignored;
  if (!fs::exists(file, ignored)) return std::optional<Json>();
  std::ifstream in(file, std::ios::binary);
  std::string text(kSafeFileBytesMax + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.empty() || text.size() > kSafeFileBytesMax) return bad(file, "is empty, unreadable or too large");
  Json doc = Json::parse(text, nullptr, false);
  if (!doc.is_object() || doc.value("kind", Json()) != Json(kind)) return bad(file, std::string("is no ") + kind);
  return std::optional<Json>(std::move(doc));
}

std::string text_of(const Json& doc, const char* key) {
  const auto it = doc.find(key);
  return it != doc.end() && it->is_string() ? it->get<std::string>() : std::string();
}

std::optional<std::uint64_t> number_of(const Json& doc, const char* key) {
  const auto it = doc.find(key);
  if (it == doc.end() || !it->is_number_unsigned()) return std::nullopt;
  return it->get<std::uint64_t>();
}

}  // namespace

fs::path safe_request_file(const fs::path& folder, const chain::Hash& hash) {
  return folder / (hash.to_string() + ".json");
}

fs::path safe_signature_file(const fs::path& folder, const chain::Hash& hash, const chain::Address& owner) {
  return folder / (hash.to_string() + "." + owner.to_string() + ".sig");
}

Result<void> write_safe_request(const fs::path& folder, const SafeRequest& r) {
  std::error_code failed;
  if (fs::create_directories(folder, failed)) ::chmod(folder.c_str(), S_IRWXU);
  if (failed) return Error{ErrorKind::kRetryable, folder.string(), "cannot be created: " + failed.message()};
  const Json doc{{"kind", kRequestKind},
                 {"safeTxHash", r.hash().to_string()},
                 {"chainId", r.chain_id},
                 {"safe", r.safe.to_string()},
                 {"nonce", r.tx.nonce},
                 {"to", r.tx.to.to_string()},
                 {"value", r.tx.value.str()},
                 {"data", to_hex(r.tx.data)},
                 {"operation", static_cast<unsigned>(r.tx.operation)},
                 {"safeTxGas", r.tx.safe_tx_gas}};
  return write_whole(safe_request_file(folder, r.hash()), doc.dump(2) + "\n");
}

Result<SafeRequest> read_safe_request(const fs::path& file) {
  const auto doc = read_json(file, kRequestKind);
  if (!doc) return doc.error();
  if (!*doc) return bad(file, "there is no such file");
  const Json& d = **doc;
  const auto chain_id = number_of(d, "chainId"), nonce = number_of(d, "nonce"), gas = number_of(d, "safeTxGas"),
             operation = number_of(d, "operation");
  const auto safe = chain::Address::parse(text_of(d, "safe")), to = chain::Address::parse(text_of(d, "to"));
  auto data = from_hex(text_of(d, "data"));
  // A settlement moves no ether; a request that does is not ours.
  if (!chain_id || !nonce || !gas || !operation || *operation > 1 || !safe || !to || !data ||
      text_of(d, "value") != "0")
    return bad(file, "is not a complete request");
  SafeRequest out{*chain_id, *safe, {}};
  out.tx.to = *to;
  out.tx.data = std::move(*data);
  out.tx.operation = *operation == 0 ? chain::SafeOperation::kCall : chain::SafeOperation::kDelegateCall;
  out.tx.safe_tx_gas = *gas;
  out.tx.nonce = *nonce;
  if (text_of(d, "safeTxHash") != out.hash().to_string())
    return bad(file, "its safeTxHash is not that of its fields: it was changed");
  return out;
}

Result<void> write_safe_signature(const fs::path& file, const chain::Hash& hash, const chain::Address& owner,
                                  const chain::SafeSignature& signature) {
  const Json doc{{"kind", kSignatureKind},
                 {"safeTxHash", hash.to_string()},
                 {"owner", owner.to_string()},
                 {"signature", to_hex(signature)}};
  return write_whole(file, doc.dump(2) + "\n");
}

Result<std::optional<chain::SafeSignature>> read_safe_signature(const fs::path& file) {
  const auto doc = read_json(file, kSignatureKind);
  if (!doc) return doc.error();
  if (!*doc) return std::optional<chain::SafeSignature>();
  const auto bytes = from_hex(text_of(**doc, "signature"));
  chain::SafeSignature out{};
  if (!bytes || bytes->size() != out.size()) return bad(file, "holds no signature of 65 bytes");
  std::copy(bytes->begin(), bytes->end(), out.begin());
  return std::optional(out);
}

}  // namespace anduin::settle
