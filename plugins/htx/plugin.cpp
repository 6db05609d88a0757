#include "account.hpp"
#include "prices.hpp"

ANDUIN_PLUGIN(anduin::htx::Prices, anduin::htx::Account);
