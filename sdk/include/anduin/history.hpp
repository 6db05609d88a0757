// Proves a stretch of history, window by window, up to now: where it may begin, how far it got, what it could not see,
// and when to look again. It asks a Reader for windows and never looks into rows. Pure state and callbacks.
// Thread: one instance's. Lifetime: the Reader outlives it.
#pragma once
#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

namespace anduin {

class HistorySweep {
 public:
  struct Policy {
    std::int64_t window_ms = 0;  ///< the longest range of one question; 0 = any
    std::int64_t kept_ms = 0;    ///< how far back the venue shows closes; 0 = without limit
    std::string_view kept_text = "the venue shows no older history";
    std::int64_t overlap_ms = 10 * 60'000;  ///< REST may show a row late: so much is read again
  };
  /// Ends the reading of a window: empty, or why it must be read again; kTooMany: in halves.
  using Done = std::function<void(const std::string& failure)>;
  static constexpr std::string_view kTooMany = "more rows than the venue shows at once";

  /// What a sweep needs from its account.
  class Reader {
   public:
    /// Reads all closes of [from, to] and hands them on; `done` when the last page is in.
    virtual void read_window(HistorySweep& sweep, std::int64_t from_ms, std::int64_t to_ms, Done done) = 0;
    /// The oldest close of this sweep that still waits for something; the cursor does not pass it. 0 = none waits.
    [[nodiscard]] virtual std::int64_t oldest_waiting_ms(const HistorySweep&) const { return 0; }
    virtual void sweep_later(std::uint64_t delay_ms, std::function<void()> fn) = 0;
    [[nodiscard]] virtual std::int64_t sweep_now() const = 0;
    virtual void sweep_failed(const HistorySweep& sweep, const std::string& why) = 0;
    virtual void sweep_covered(std::int64_t from_ms, std::int64_t to_ms, bool proven, const std::string& why_not) = 0;
    /// The cursor has moved.
    virtual void sweep_moved() = 0;

   protected:
    ~Reader() = default;
  };

  HistorySweep(Reader& reader, std::string name, Policy policy)
      : reader_(reader), name_(std::move(name)), policy_(policy), window_ms_(policy.window_ms) {}

  /// `proven_ms`: everything up to then is known and durable; 0 = nothing yet, begin at `from_ms`.
  void resume(std::int64_t proven_ms, std::int64_t from_ms) {
    ++generation_;
    proven_ms_ = reached_ms_ = proven_ms;
    from_ms_ = begin(proven_ms, from_ms);
    running_ = again_ = false;
    failures_ = 0;
    unreadable_.clear();
  }

  /// Looks from the cursor to now; during a look another one is noted and follows.
  void sweep() {
    if (running_) {
      again_ = true;
      return;
    }
    running_ = true;
    again_ = false;
    const std::int64_t now = reader_.sweep_now();
    std::int64_t from = begin(proven_ms_, from_ms_);
    const std::int64_t oldest = policy_.kept_ms == 0 ? std::numeric_limits<std::int64_t>::min() : now - policy_.kept_ms;
    if (from < oldest) {
      // Asked once only: the cursor moves on, the host remembers the range.
      if (proven_ms_ < oldest)
        reader_.sweep_covered(std::max(from, proven_ms_), oldest, false, std::string(policy_.kept_text));
      from = oldest;
    }
    if (proven_ms_ < from) proven_ms_ = reached_ms_ = from;
    to_ms_ = std::max(now, from + 1);
    window_from_ms_ = from;
    window_ms_ = policy_.window_ms;
    open_window();
  }

  /// A row that could not be read: what it says is not proven. Rows of the overlap were judged when they were new;
  /// time_ms 0 = not known.
  void unreadable(const std::string& why, std::int64_t time_ms = 0) {
    if (time_ms == 0 || time_ms > reached_ms_) unreadable_ = why;
  }
  /// Moves the cursor to what is proven: the windows read, but not beyond a close that still waits.
  void advance() {
    const std::int64_t oldest = reader_.oldest_waiting_ms(*this);
    const std::int64_t limit = oldest == 0 ? reached_ms_ : std::min(reached_ms_, oldest - 1);
    if (limit <= proven_ms_) return;
    reader_.sweep_covered(proven_ms_, limit, unreadable_.empty(), unreadable_);
    unreadable_.clear();
    proven_ms_ = limit;
    reader_.sweep_moved();
  }

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::int64_t proven_ms() const { return proven_ms_; }
  [[nodiscard]] std::int64_t reached_ms() const { return reached_ms_; }
  [[nodiscard]] bool busy() const { return running_; }

 private:
  static constexpr std::int64_t kWindowMinMs = 60'000;
  static constexpr std::uint64_t kRetryMs = 5'000, kRetryMaxMs = 600'000;

  [[nodiscard]] std::int64_t begin(std::int64_t proven_ms, std::int64_t from_ms) const {
    return proven_ms > 0 ? std::max(proven_ms - policy_.overlap_ms, from_ms) : from_ms;
  }
  void open_window() {
    window_to_ms_ = window_ms_ == 0 ? to_ms_ : std::min(window_from_ms_ + window_ms_, to_ms_);
    reader_.read_window(*this, window_from_ms_, window_to_ms_,
                        [this, ticket = ++generation_](const std::string& failure) {
                          if (ticket != generation_) return;  // of a window that was given up
                          if (failure.empty()) close_window();
                          else if (failure == kTooMany && window_to_ms_ - window_from_ms_ > kWindowMinMs) halve();
                          else window_failed(failure);
                        });
  }
  void halve() {
    window_ms_ = std::max((window_to_ms_ - window_from_ms_) / 2, kWindowMinMs);
    open_window();
  }
  void close_window() {
    failures_ = 0;
    reached_ms_ = std::max(reached_ms_, window_to_ms_);
    advance();
    if (window_to_ms_ < to_ms_) {
      window_from_ms_ = window_to_ms_;
      return open_window();
    }
    running_ = false;
    if (again_) sweep();
  }
  /// A failed page is never "no rows": the whole window is read again.
  void window_failed(const std::string& why) {
    reader_.sweep_failed(*this, why);
    const std::uint64_t delay = std::min(kRetryMs << std::min(failures_, 7U), kRetryMaxMs);
    ++failures_;
    reader_.sweep_later(delay, [this, generation = generation_] {
      if (generation == generation_) open_window();
    });
  }

  Reader& reader_;
  std::string name_;
  Policy policy_;
  std::uint64_t generation_ = 0;  ///< of the window under way: answers to another one are void
  std::int64_t proven_ms_ = 0, from_ms_ = 0, reached_ms_ = 0;
  std::int64_t to_ms_ = 0, window_from_ms_ = 0, window_to_ms_ = 0, window_ms_ = 0;
  std::string unreadable_;        ///< what could not be read since the cursor last moved
  unsigned failures_ = 0;
  bool running_ = false, again_ = false;
};

}  // namespace anduin
