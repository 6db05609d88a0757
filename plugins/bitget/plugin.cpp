#include "account.hpp"
#include "prices.hpp"

ANDUIN_PLUGIN(anduin::bitget::Prices, anduin::bitget::Account);
