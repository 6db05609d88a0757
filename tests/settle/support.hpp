// What the tests of the settle room share: a throw-away ledger, an account, a close. One thread each.
#pragma once
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "settle/ledger.hpp"
#include "settle/ledger_query.hpp"

namespace Catch {
/// Catch would look for a stream operator of the error type.
template <class T>
struct StringMaker<anduin::Result<T>> {
  static std::string convert(const anduin::Result<T>& r) { return r ? "a value" : r.error().to_string(); }
};
}  // namespace Catch

namespace anduin::settle::test {

/// A folder of this process that goes away with the object.
class TempDir {
 public:
  TempDir() {
    static int counter = 0;
    path_ = std::filesystem::temp_directory_path() /
            ("anduin-settle-" + std::to_string(::getpid()) + "-" + std::to_string(counter++));
    std::filesystem::remove_all(path_);  // of a test that was killed, and had this process id before us
    std::filesystem::create_directories(path_);
  }
  ~TempDir() { std::filesystem::remove_all(path_); }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  [[nodiscard]] std::filesystem::path ledger() const { return path_ / "anduin.db"; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline Address address_of(std::uint8_t fill) {
  Address a;
  a.bytes.fill(fill);
  return a;
}

inline AccountTerms terms(const std::string& name, const std::string& venue = "Bybit") {
  AccountTerms t;
  t.name = name;
  t.venue = venue;
  t.uid = "uid-" + name;
  t.user = address_of(0xa1);
  t.vault = {"main", 31337, address_of(0x5e), true};
  return t;
}

inline constexpr std::int64_t kNow = 1'700'000'000'000;

inline ClosedPosition close_of(const std::string& id, const std::string& pnl,
                               const std::string& account = "alice") {
  ClosedPosition c;
  c.venue = "Bybit";
  c.account = account;
  c.id = id;
  c.symbol = c.native_symbol = "BTCUSDT";
  c.market = "linear";
  c.pnl = Decimal::of(pnl);
  c.pnl_text = pnl;
  c.currency = c.fee_currency = "USDT";
  c.closed_ms = kNow + 1'000;
  return c;
}

/// Prices by currency; nothing else.
class FixedRates final : public RateSource {
 public:
  std::map<std::string, Rate, std::less<>> prices;
  std::optional<Rate> usd_price(std::string_view currency, std::int64_t) const override {
    const auto it = prices.find(currency);
    return it == prices.end() ? std::nullopt : std::optional(it->second);
  }
};

inline std::unique_ptr<Ledger> open_ledger(const TempDir& dir, Clock& clock, LedgerOptions options = {}) {
  options.path = dir.ledger();
  auto opened = Ledger::open(options, clock);
  if (!opened) FAIL(opened.error().to_string());
  return std::move(*opened);
}

inline Outcome commit(Ledger& ledger, const ClosedPosition& close) {
  auto out = ledger.commit_batch({close.account, {close}, {}, {}});
  if (!out) FAIL(out.error().to_string());
  REQUIRE(out->size() == 1);
  return out->front().outcome;
}

inline std::unique_ptr<LedgerReader> reader(const TempDir& dir) {
  auto opened = LedgerReader::open(dir.ledger());
  if (!opened) FAIL(opened.error().to_string());
  return std::move(*opened);
}

}  // namespace anduin::settle::test
