// One account of Kraken: spot margin or futures, chosen by the option `market`.
// Thread: one call at a time. Lifetime: the sub-adapter lives as long as the instance.
#pragma once
#include <memory>

#include "anduin/plugin.hpp"
#include "options.hpp"

namespace anduin::kraken {

class Account;

/// What the two sub-adapters answer to.
class AccountSide {
 public:
  explicit AccountSide(Account& host) : host_(host) {}
  virtual ~AccountSide() = default;
  AccountSide(const AccountSide&) = delete;
  AccountSide& operator=(const AccountSide&) = delete;

  virtual void start() = 0;
  virtual void dial_due() = 0;
  virtual void opened() = 0;
  virtual void closed() = 0;
  virtual void frame(const venue::Frame& frame) = 0;
  virtual void balance_query() = 0;
  /// A commit failed: everything after resume().watermark is reported again.
  virtual void cursor() = 0;

 protected:
  Account& host_;
};

/// The one connection of an account.
inline constexpr ConnId kPrivate = 1;

class Account final : public Venue {
 public:
  explicit Account(const venue::Options& options);
  ~Account() override;

  void on_start() override { side_->start(); }
  void on_dial(ConnId) override { side_->dial_due(); }
  void on_open(ConnId) override { side_->opened(); }
  void on_close(ConnId, int, std::string_view) override { side_->closed(); }
  void on_frame(const venue::Frame& frame) override { side_->frame(frame); }
  void on_balance_query() override { side_->balance_query(); }
  void on_cursor() override { side_->cursor(); }

  // What a sub-adapter may do.
  using Venue::account;
  using Venue::after;
  using Venue::balance;
  using Venue::cancel;
  using Venue::clock;
  using Venue::closed;
  using Venue::coverage;
  using Venue::dial;
  using Venue::error;
  using Venue::failed;
  using Venue::http;
  using Venue::log;
  using Venue::now_ms;
  using Venue::open;
  using Venue::rate_limit;
  using Venue::ready;
  using Venue::redial;
  using Venue::resume;
  using Venue::resync;
  using Venue::send;
  using Venue::warn;
  using Venue::watermark;

 private:
  std::unique_ptr<AccountSide> side_;
};

}  // namespace anduin::kraken
