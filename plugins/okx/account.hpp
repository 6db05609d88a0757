// One OKX account: login, the channel `positions` as the trigger, positions-history as the record of every close, the
// balance, and whose key it is. Nothing is read off a push but that a lifetime has ended; the row comes by REST.
// Thread: one instance's. Lifetime: as Venue says.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "anduin/account_venue.hpp"
#include "closes.hpp"
#include "lifetimes.hpp"
#include "markets.hpp"

namespace anduin::okx {

class Account : public AccountVenue {
 public:
  explicit Account(const venue::Options& options);

 private:
  /// A lifetime that the stream has ended and no final row has shown yet.
  struct Awaited {
    std::string position;
    std::int64_t since_ms = 0;  ///< when the stream said so
  };

  [[nodiscard]] Answer judge(const venue::Reply& reply) override;
  [[nodiscard]] SignedGet signed_get(std::string_view path, const std::string& query) override;
  [[nodiscard]] std::string advice(std::int64_t code, std::string_view venue_text, std::string_view path) override;
  [[nodiscard]] std::int64_t clock_of(const Answer& answer) override;
  [[nodiscard]] bool is_optional(std::string_view path) const override;
  [[nodiscard]] bool is_missing_right(std::int64_t code) const override;
  void log_in(Session& s) override;
  void subscribe(Session& s) override;
  void take_private(Session& s, const venue::Frame& frame) override;
  void ask_key() override;
  void ask_balance() override;
  void read_window(HistorySweep& sweep, std::int64_t from_ms, std::int64_t to_ms, HistorySweep::Done done) override;
  [[nodiscard]] std::int64_t oldest_waiting_ms(const HistorySweep& sweep) const override;
  void forget_waiting() override;

  void check_owner(std::string_view uid);
  void take_error(Session& s, std::int64_t code, const std::string& text, std::string_view id);
  void take_positions(const json::View& data);
  void take_balances(const json::View& data);
  void watch_silence(const Session& s);

  void ended(const Lifetimes::Ended& lifetime);
  void look();
  void looked();
  /// Emits the final rows of one page. The query of the next one, or "" when `from_ms` is reached.
  std::string take_page(const json::View& data, std::string_view query, std::int64_t from_ms, HistorySweep* sweep);
  void emit_all(std::vector<CloseRow>& found);
  void note_other_market(const CloseRow& row);

  Markets markets_;
  std::string headers_;
  Lifetimes lifetimes_;
  std::map<std::string, Awaited> awaited_;  ///< by id
  bool looking_ = false, look_again_ = false;
  std::string uid_;  ///< whose key it is; empty = not known yet
  bool other_market_noted_ = false, other_owner_noted_ = false;
  unsigned vague_refusals_ = 0;  ///< logins refused without a reason, in a row
};

}  // namespace anduin::okx
