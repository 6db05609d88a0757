// The ledger's commands on the control socket: approve, reject, accept-gap. Thread: they run on the control
// socket's thread. Lifetime: the ledger and what `wake` touches outlive the Control.
#pragma once
#include "ops/control.hpp"
#include "settle/ledger.hpp"

namespace anduin::ops {

/// `wake` runs after a decision made a row QUEUED: the submitters look at once.
void add_ledger_commands(Control& control, settle::Ledger& ledger, std::function<void()> wake);

}  // namespace anduin::ops
