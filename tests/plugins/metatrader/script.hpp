// A scripted terminal with the Expert Advisor on it: trades as a trader or a server makes them, and time that moves as
// the script says. Its disk outlives a kill. Thread: one.
#pragma once
#include <unistd.h>

#include <stdexcept>

#include "plugins/metatrader/ea.hpp"

namespace anduin::test {

/// Thrown by a script's WebRequest: the terminal is killed there, between two of its statements.
struct Killed {};

class Desk {
 public:
  using Web = mql::Terminal::Web;

  explicit Desk(std::filesystem::path files) : files_(std::move(files)) { std::filesystem::create_directories(files_); }

  /// A fresh start of the program on this disk; deals and account stay.
  int start() {
    ea = std::make_unique<mql::Ea>();
    ea->files = files_;
    ea->globals = std::make_shared<std::map<std::string, double>>();  // the terminal forgets them at its end
    ea->utc_ms = [this] { return now_ms; };
    ea->mono_ms = [this] { return now_ms - 1'700'000'000'000; };
    ea->web = [this](Web& w) { web(w); };
    ea->history = history;
    ea->symbols["XAUUSD.m"] = {2, 100, "USD", {}};
    ea->symbols["EURUSD.m"] = {5, 100'000, "USD", {}};
    ea->symbols["BTCUSDT"] = {2, 1, "USDT", {}};
    ea->symbols["ETHUSDT"] = {2, 1, "USDT", {}};
    ea->InpUrl = url;
    ea->InpKeyId = key;
    ea->InpSecret = secret;
    ea->InpAccountRef = ref;
    ea->InpExpectedLogin = login;
    ea->login = login;
    ea->InpSymbols = prices_of;
    return ea->OnInit();
  }
  /// Starts, and lets the first scan write its activation mark.
  void begin() {
    if (start() != mql::INIT_SUCCEEDED) throw std::runtime_error("the Expert Advisor refuses to start");
    run(7'000);
  }
  /// Time passes in ticks of the program's timer.
  void run(std::int64_t ms) {
    for (const std::int64_t until = now_ms + ms; now_ms < until;) {
      now_ms += 250;
      if (ea) ea->OnTimer();
    }
  }
  void kill() { ea.reset(); }

  /// The server's book takes a deal; a running terminal hears of it.
  void deal(mql::Terminal::Deal d) {
    if (d.ticket == 0) d.ticket = ++last_ticket;
    if (d.time_ms == 0) d.time_ms = now_ms + 7'200'000;
    history.push_back(d);
    if (!ea) return;
    ea->history = history;
    mql::MqlTradeTransaction t;
    t.type = mql::TRADE_TRANSACTION_DEAL_ADD;
    ea->OnTradeTransaction(t, {}, {});
  }
  /// A whole position: bought or sold, and closed. Returns the closing deal's ticket.
  mql::ulong round_trip(const std::string& symbol, bool is_long, double lots, double entry, double exit, double profit,
                        long reason = mql::DEAL_REASON_TP) {
    const long position = static_cast<long>(++last_ticket);
    deal({.ticket = static_cast<mql::ulong>(position), .position = position, .symbol = symbol,
          .type = is_long ? mql::DEAL_TYPE_BUY : mql::DEAL_TYPE_SELL, .volume = lots, .price = entry});
    deal({.position = position, .symbol = symbol, .type = is_long ? mql::DEAL_TYPE_SELL : mql::DEAL_TYPE_BUY,
          .entry = mql::DEAL_ENTRY_OUT, .reason = reason, .volume = lots, .price = exit, .profit = profit});
    return last_ticket;
  }
  [[nodiscard]] std::size_t files_in(const std::string& box) const {
    std::size_t n = 0;
    std::error_code absent;  // before the first start there is no folder
    for (const auto& entry : std::filesystem::directory_iterator(files_ / "Anduin" / ref / box, absent))
      n += entry.path().extension() == ".json" ? 1 : 0;
    return n;
  }
  [[nodiscard]] std::filesystem::path box(const std::string& name) const { return files_ / "Anduin" / ref / name; }

  std::int64_t now_ms = 1'708'032'000'000;
  std::function<void(Web&)> web;
  std::string url = "https://host.example", key = "ea_ic01", ref = "ic01", prices_of;
  std::string secret = "6b1f0c5d9e3a47b28c40d7715f92ae6330bd84f1c2e95a07d6481b3f7ca0e952";
  long login = 5012345;
  std::unique_ptr<mql::Ea> ea;
  std::vector<mql::Terminal::Deal> history;
  mql::ulong last_ticket = 1'000;

 private:
  std::filesystem::path files_;
};

}  // namespace anduin::test
