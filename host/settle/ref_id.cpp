#include "settle/ref_id.hpp"

#include <openssl/sha.h>

#include <algorithm>

namespace anduin::settle {
namespace {

std::string_view id_defect(std::string_view id) {
  if (id.empty()) return "is empty";
  if (id.size() > kIdBytesMax) return "is longer than 200 bytes";
  if (std::any_of(id.begin(), id.end(), [](char c) {
        const auto u = static_cast<unsigned char>(c);
        return u < 0x20 || u == 0x7f;
      })) {
    return "has a control character";
  }
  if (id.front() == ' ' || id.back() == ' ') return "has blanks around it";
  return {};
}

}  // namespace

chain::Hash sha256(std::string_view data) {
  chain::Hash out;
  SHA256(reinterpret_cast<const unsigned char*>(data.data()), data.size(), out.bytes.data());
  return out;
}

Result<chain::Hash> ref_id(std::string_view venue, std::string_view id, RefIdHash hash) {
  if (venue.empty() || venue.find(':') != std::string_view::npos) {
    return Error{ErrorKind::kBadRequest, "venue name", "must be non-empty and without a colon"};
  }
  if (const auto defect = id_defect(id); !defect.empty()) {
    return Error{ErrorKind::kBadRequest, "close id", "the id " + std::string(defect), std::string(venue)};
  }
  std::string preimage;
  preimage.reserve(venue.size() + 1 + id.size());
  preimage.append(venue).append(1, ':').append(id);
  return hash == RefIdHash::kKeccak256 ? chain::keccak256(preimage) : sha256(preimage);
}

}  // namespace anduin::settle
