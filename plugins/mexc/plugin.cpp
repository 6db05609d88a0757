#include "account.hpp"
#include "prices.hpp"

ANDUIN_PLUGIN(anduin::mexc::Prices, anduin::mexc::Account);
