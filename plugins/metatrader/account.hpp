// One trading account: the bodies that its terminal posts, and what is answered. A close is answered when the host
// has made it durable. The feed is ready while heartbeats come.
// Thread: one instance's. Lifetime: as Venue says.
#pragma once
#include <map>
#include <optional>
#include <string>

#include "anduin/plugin.hpp"
#include "quotes.hpp"
#include "settings.hpp"

namespace anduin::metatrader {

class Account : public Venue {
 public:
  explicit Account(const venue::Options& options) : settings_(options) {}

 private:
  struct Pending {
    std::uint32_t request;
    std::string id;
  };
  struct Funds {
    std::string currency;
    Decimal total, available;
  };

  void on_start() override;
  void on_inbound(const venue::Inbound& request) override;
  void on_close_result(const venue::CloseResult& result) override;
  void on_cursor() override;
  void on_balance_query() override;

  void take_close(const venue::Inbound& request, const json::View& body);
  void take_prices(const venue::Inbound& request, const json::View& body);
  void take_heartbeat(const venue::Inbound& request, const json::View& body);
  void take_balance(const venue::Inbound& request, const json::View& body);
  void check_login(const json::View& body) const;
  void bind_login(const json::View& body);
  void watch();

  AccountSettings settings_;
  Quotes quotes_;
  std::map<std::uint64_t, Pending> pending_;  ///< closes with the ledger, by the request's number
  std::optional<Funds> funds_;
  std::string bound_, anomaly_;
  TimerId silence_ = 0;
  bool alive_ = false, rescan_due_ = true;
};

}  // namespace anduin::metatrader
