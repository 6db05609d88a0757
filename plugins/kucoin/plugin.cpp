#include "account.hpp"
#include "prices.hpp"

ANDUIN_PLUGIN(anduin::kucoin::Prices, anduin::kucoin::Account);
