#include "account.hpp"
#include "prices.hpp"

ANDUIN_PLUGIN(anduin::bybit::Prices, anduin::bybit::Account);
