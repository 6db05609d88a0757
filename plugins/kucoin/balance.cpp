#include "balance.hpp"

namespace anduin::kucoin {
namespace {

WalletBalance balance_of(const json::View& currency, const json::View& total, const json::View& available) {
  if (currency.str().empty()) throw BadFrame("member 'currency' is missing");
  return {coin_name(currency.str()), total.dec(), available.dec()};
}

}  // namespace

std::string coin_name(std::string_view native) { return std::string(native == "XBT" ? "BTC" : native); }

WalletBalance overview_balance(const json::View& data) {
  const auto [currency, total, available] = data.get<"currency", "accountEquity", "availableBalance">();
  return balance_of(currency, total, available);
}

WalletBalance wallet_balance(const json::View& data) {
  const auto [currency, total, available] = data.get<"currency", "equity", "availableBalance">();
  return balance_of(currency, total, available);
}

}  // namespace anduin::kucoin
