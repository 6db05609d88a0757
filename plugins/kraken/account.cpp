#include "account.hpp"

#include "futures_account.hpp"
#include "spot_account.hpp"

namespace anduin::kraken {

Account::Account(const venue::Options& options) {
  const std::vector<Market> markets = markets_of(options);
  if (markets.size() > 1)
    throw BadOption("/market", "one key serves one market: set market: spot or market: futures on the account");
  if (markets.front() == Market::kFutures) {
    side_ = std::make_unique<FuturesAccount>(*this);
  } else {
    const Dialect dialect = dialect_of(options.text("private_dialect"));
    side_ = std::make_unique<SpotAccount>(*this, dialect, options.text("balance"));
  }
}

Account::~Account() = default;

}  // namespace anduin::kraken
