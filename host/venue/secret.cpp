#include "venue/secret.hpp"

#include <openssl/crypto.h>

#include <cstring>
#include <mutex>
#include <new>

#include "base/log.hpp"

namespace anduin::venue {
namespace {

// Room for 16,000 values of 64 bytes: thousands of accounts with three credentials each. Power of two.
constexpr std::size_t kHeapBytes = 1U << 20U;
constexpr std::size_t kSmallestBytes = 32;

/// OpenSSL's secure heap: locked, excluded from core dumps, guard pages on both sides. Where the system
/// does not let us lock that much, it still is wiped and undumpable.
void open_heap() {
  static std::once_flag once;
  std::call_once(once, [] {
    if (CRYPTO_secure_malloc_initialized() == 0) CRYPTO_secure_malloc_init(kHeapBytes, kSmallestBytes);
  });
}

}  // namespace

Secret::Secret(std::string_view value) : size_(value.size()) {
  if (value.empty()) return;
  open_heap();
  bytes_ = static_cast<char*>(OPENSSL_secure_malloc(size_));
  if (bytes_ == nullptr) bytes_ = static_cast<char*>(OPENSSL_malloc(size_));  // the secure heap is full
  if (bytes_ == nullptr) throw std::bad_alloc();
  std::memcpy(bytes_, value.data(), size_);
}

void Secret::wipe() noexcept {
  if (bytes_ != nullptr) OPENSSL_secure_clear_free(bytes_, size_);  // wipes either kind
  bytes_ = nullptr;
  size_ = 0;
}

Credentials::Credentials(const std::map<std::string, std::string>& values) {
  for (const auto& [name, value] : values) {
    if (value.empty()) continue;
    values_.emplace(name, Secret(value));
    log::add_secret(value);
  }
}

const Secret* Credentials::find(std::string_view name) const {
  const auto it = values_.find(name);
  return it == values_.end() ? nullptr : &it->second;
}

}  // namespace anduin::venue
