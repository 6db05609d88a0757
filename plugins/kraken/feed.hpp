// What the three price feeds share: the instrument list, the wanted symbols, and subscriptions that are acknowledged,
// refused by name, or asked for again. Thread and lifetime: those of the Prices instance it belongs to.
#pragma once
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "anduin/book.hpp"
#include "options.hpp"
#include "prices.hpp"

namespace anduin::kraken {

/// What a feed knows of one symbol.
struct Slot {
  InstrumentId id = 0;
  std::string native;
  bool muted = false;      ///< unsubscribed: late frames publish nothing
  bool priced = false;     ///< the host holds a quote of it
  bool book_live = false;  ///< a snapshot was applied and nothing broke since
  std::int64_t seq = 0;
  int crossed = 0;         ///< changes in a row that left the book crossed
  OrderBook book;
};

class Feed {
 public:
  Feed(Prices& host, ConnId connection, Market market, Channel channel, std::string_view endpoint)
      : host_(host), connection_(connection), market_(market), channel_(channel), endpoint_(endpoint) {}
  virtual ~Feed() = default;
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;

  void start();
  void symbols(const std::vector<std::string>& added, const std::vector<std::string>& removed);
  void opened();
  void closed();
  virtual void frame(const venue::Frame& frame) = 0;
  [[nodiscard]] std::string_view endpoint() const { return endpoint_; }

 protected:
  virtual void request_list() = 0;
  /// Sends the frames; every name is awaited until acknowledged() or refused().
  virtual void subscribe(const std::vector<std::string>& natives) = 0;
  virtual void unsubscribe(const std::vector<std::string>& natives) = 0;

  /// Asks for an instrument list until it is there; `describe_all` gets each good answer.
  void request_list(std::string_view rest_endpoint, std::string_view target, std::string_view rate);
  /// Describes the rows of an answer and returns how many; 0 = the answer is none.
  virtual std::size_t describe_all(const venue::Reply& reply) = 0;
  /// Describes one row; a bad one is reported and skipped.
  template <class Read>
  bool describe_row(std::string_view name, Read&& read);

  void acknowledged(std::string_view native);
  void refused(std::string_view native, std::string_view why);
  /// Subscribes one symbol anew: its book broke. The others are not touched.
  void resubscribe(const std::string& native, const std::string& why);

  /// The slot of a name as the socket spells it; made when it is new. Stable until the next new name.
  Slot& slot(std::string_view wire_name);
  /// How a new wire name is spelled natively.
  [[nodiscard]] virtual std::string native_of(std::string_view wire_name) const { return std::string(wire_name); }
  /// Quotes as they are; a missing, locked or crossed side is no price.
  void quote(Slot& s, const Decimal& bid, const Decimal& ask, const Decimal& bid_size, const Decimal& ask_size,
             std::int64_t venue_ms, std::uint32_t flags = 0);
  void quote_top(Slot& s, std::int64_t venue_ms);
  void no_quote(Slot& s);
  /// The book is wrong: withdrawn, and only this symbol is asked for again.
  void break_book(Slot& s, const std::string& why);

  /// A name of this feed's instrument list.
  void learn(const std::string& native) { listed_.insert(native); }

  Prices& host_;
  const ConnId connection_;
  const Market market_;
  const Channel channel_;
  bool open_ = false;

 private:
  void await(const std::vector<std::string>& natives);
  void check_acknowledged();
  [[nodiscard]] bool is_ours(const std::string& native) const;

  void forget_books();

  const std::string_view endpoint_;
  anduin::detail::NameTable wire_;  ///< ids are positions in slots_, from 1
  std::vector<Slot*> by_wire_;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::set<std::string> listed_;
  std::set<std::string> wanted_;
  std::map<std::string, int, std::less<>> unacknowledged_;  ///< with the number of tries
  struct Resyncs {
    int in_a_row = 0;
    std::int64_t last_ms = 0;
  };
  std::map<std::string, Resyncs, std::less<>> resyncs_;
  TimerId ack_timer_ = 0;
  std::uint64_t list_retry_ms_ = 0;
  bool list_done_ = false;
};

template <class Read>
bool Feed::describe_row(std::string_view name, Read&& read) {
  try {
    return read();
  } catch (const BadFrame& e) {
    host_.error(AND_E_PROTOCOL, "instrument " + std::string(name), e.what());
  } catch (const DecimalError& e) {
    host_.error(AND_E_PROTOCOL, "instrument " + std::string(name), e.what());
  }
  return false;
}

}  // namespace anduin::kraken
