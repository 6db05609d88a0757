// Money from a binary float must not compile. Built by ctest with and without ANDUIN_WRONG.
#include "settle/bridge.hpp"

int main() {
#if ANDUIN_WRONG == 1
  return anduin::settle::amount_of(500.0, 6) ? 0 : 1;
#elif ANDUIN_WRONG == 2
  anduin::ClosedPosition close;
  close.pnl = 500.25;
  return static_cast<int>(close.pnl.sign());
#elif ANDUIN_WRONG == 3
  anduin::settle::SettlementAction action;
  action.units = 0.1;
  return action.units == 0 ? 0 : 1;
#elif ANDUIN_WRONG == 4
  anduin::settle::Rate rate;
  rate.usd = 1.0f;
  return static_cast<int>(rate.usd.sign());
#else
  return anduin::settle::amount_of(anduin::Decimal(500), 6) ? 0 : 1;
#endif
}
