// The ids seen last, in bounded memory: two halves, of which the older is forgotten when the newer is full. What is
// forgotten costs a request or a repeated record, never a wrong result: the host drops repeats for good.
// A plain value; one thread.
#pragma once
#include <string>
#include <unordered_set>
#include <utility>

namespace anduin {

class RecentIds {
 public:
  /// Remembers at least the last `half` ids.
  explicit RecentIds(std::size_t half = 8'192) : half_(half) {}
  /// False when it was known already.
  bool add(const std::string& id) {
    if (contains(id)) return false;
    if (newer_.size() >= half_) {
      older_ = std::move(newer_);
      newer_.clear();
    }
    newer_.insert(id);
    return true;
  }
  [[nodiscard]] bool contains(const std::string& id) const { return newer_.contains(id) || older_.contains(id); }
  void clear() {
    newer_.clear();
    older_.clear();
  }

 private:
  std::size_t half_;
  std::unordered_set<std::string> newer_, older_;
};

}  // namespace anduin
