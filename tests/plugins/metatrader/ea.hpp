// The Expert Advisor itself, its own file, as a class: one object is one chart of a terminal. Members that MetaTrader
// calls are OnInit, OnTimer, OnTradeTransaction and OnDeinit; its inputs are members too.
// Thread: one. A source file includes this or logic.hpp, not both: the Expert Advisor's files have include guards.
#pragma once
#include "plugins/metatrader/terminal.hpp"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
namespace anduin::mql {
class Ea : public Terminal {
 public:
#include "../../../plugins/metatrader/ea/AnduinBridge.mq5"
};
}  // namespace anduin::mql
#pragma GCC diagnostic pop
