// One Bitget account, classic (v2) or unified (v3): which of the two is asked of Bitget, and followed when it changes.
// A close is announced by the stream and recorded by history-position; it is settled with the record's figures. Where
// the record stays away, a classic push has figures of its own; a unified one has none.
// Thread: one instance's. Lifetime: as Venue says.
#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "anduin/account_venue.hpp"
#include "closes.hpp"
#include "errors.hpp"
#include "lifetimes.hpp"

namespace anduin::bitget {

class Account : public AccountVenue {
 public:
  explicit Account(const venue::Options& options);

 private:
  enum class Generation : std::uint8_t { kUnknown, kClassic, kUnified };
  /// A close that the stream has told of and history has not shown yet.
  struct Awaited {
    const Product* product = nullptr;
    std::int64_t since_ms = 0;     ///< when the stream said so
    std::optional<CloseRow> told;  ///< what it said: of classic accounts only
  };
  struct Look {
    bool running = false, again = false;
  };

  [[nodiscard]] Answer judge(const venue::Reply& reply) override;
  [[nodiscard]] SignedGet signed_get(std::string_view path, const std::string& query) override;
  [[nodiscard]] std::string advice(std::int64_t code, std::string_view venue_text, std::string_view path) override;
  [[nodiscard]] std::int64_t clock_of(const Answer& answer) override;
  [[nodiscard]] bool is_optional(std::string_view path) const override;
  [[nodiscard]] bool is_missing_right(std::int64_t code) const override;
  void dial_session(Session& s) override;
  void log_in(Session& s) override;
  void subscribe(Session& s) override;
  void take_private(Session& s, const venue::Frame& frame) override;
  void ask_key() override;
  void ask_balance() override;
  void read_window(HistorySweep& sweep, std::int64_t from_ms, std::int64_t to_ms, HistorySweep::Done done) override;
  [[nodiscard]] std::int64_t oldest_waiting_ms(const HistorySweep& sweep) const override;
  void forget_waiting() override;

  // account.cpp: the generation
  [[nodiscard]] bool is_unified() const { return generation_ == Generation::kUnified; }
  [[nodiscard]] bool is_of_generation(std::string_view path) const;
  void when_known(std::function<void()> fn);
  void detect();
  void learn(Generation generation);
  Answer other_generation(Answer answer);
  void switch_to(Generation generation, const std::string& why);
  void ask_balance_of(std::size_t which);
  // account.cpp: the socket
  void take_acknowledgement(Session& s, const json::View& arg);
  void take_error(Session& s, const json::View& arg, std::int64_t code, const std::string& text);
  void topic_settled(Session& s, const std::string& topic);
  void take_balances(const json::View& data);
  // account_closes.cpp
  void take_closed(const json::View& data, const Product& product);
  void take_positions(const json::View& data);
  void await(const std::string& key, const Product& product, std::optional<CloseRow> told);
  void settle_as_told(const std::string& key);
  void look(const Product& product);
  void looked(const Product& product);
  [[nodiscard]] std::string_view history_path() const;
  [[nodiscard]] std::string newest(const Product& product) const;
  std::string take_page(const Answer& answer, const Product& product, std::vector<CloseRow>& found,
                        std::int64_t& newest_ms, HistorySweep* sweep);
  void emit_all(std::vector<CloseRow>& found);
  void emit_row(const CloseRow& row);
  [[nodiscard]] const Product& product_of_sweep(const HistorySweep& sweep) const;

  std::vector<const Product*> products_;
  std::string headers_;
  Generation generation_;
  bool pinned_;                                ///< by the option: no change is followed
  bool detecting_ = false, switched_ = false;  ///< switched_: and nothing has agreed since
  std::vector<std::function<void()>> when_known_;
  std::set<ConnId> dial_when_known_;
  std::map<ConnId, std::set<std::string>> unanswered_;  ///< topics of closes, by connection
  Strikes strikes_;
  Lifetimes lifetimes_;
  std::map<std::string, Awaited> awaited_;  ///< by id (classic) or lifetime (unified)
  std::map<const Product*, Look> looks_;
  std::map<const Product*, std::pair<std::int64_t, std::int64_t>> read_;  ///< what one classic reading has covered
  std::map<std::string, CloseRow> as_told_;  ///< settled with a push's figures, until its row shows
  RecentIds recorded_;                       ///< lifetimes whose row was seen
  RecentIds figures_;                        ///< id, result and time of the rows seen
  bool other_product_noted_ = false;
};

}  // namespace anduin::bitget
