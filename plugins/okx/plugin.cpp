#include "account.hpp"
#include "prices.hpp"

ANDUIN_PLUGIN(anduin::okx::Prices, anduin::okx::Account);
