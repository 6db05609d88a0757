// A value that must never be seen: kept in locked, undumpable memory, wiped when it goes, impossible to
// print. An immutable, movable value: any thread may read it. Views end with the Secret.
#pragma once
#include <cstddef>
#include <iosfwd>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace anduin::venue {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string_view value);
  ~Secret() { wipe(); }
  Secret(Secret&& other) noexcept
      : bytes_(std::exchange(other.bytes_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Secret& operator=(Secret&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    std::swap(size_, other.size_);
    return *this;
  }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;

  /// The value itself, for the one place that computes with it. Do not keep what you make of it.
  [[nodiscard]] std::string_view reveal() const { return {bytes_, size_}; }
  [[nodiscard]] bool empty() const { return size_ == 0; }

  friend std::ostream& operator<<(std::ostream&, const Secret&) = delete;

 private:
  void wipe() noexcept;
  char* bytes_ = nullptr;
  std::size_t size_ = 0;
};

/// The credentials of one account by the manifest's names (key, secret, passphrase).
class Credentials {
 public:
  Credentials() = default;
  /// Registers every value with the log's redaction. The caller wipes its own copies.
  explicit Credentials(const std::map<std::string, std::string>& values);
  /// Null when the account has none of that name.
  [[nodiscard]] const Secret* find(std::string_view name) const;
  [[nodiscard]] bool empty() const { return values_.empty(); }

 private:
  std::map<std::string, Secret, std::less<>> values_;
};

}  // namespace anduin::venue
