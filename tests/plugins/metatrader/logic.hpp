// The Expert Advisor's pure logic, its own files, compiled by this compiler.
#pragma once
#include "plugins/metatrader/mql_shim.hpp"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
namespace anduin::mql::logic {
namespace {
#include "../../../plugins/metatrader/ea/AnduinDeals.mqh"
#include "../../../plugins/metatrader/ea/AnduinHmac.mqh"
#include "../../../plugins/metatrader/ea/AnduinJson.mqh"
#include "../../../plugins/metatrader/ea/AnduinOutbox.mqh"
}  // namespace
}  // namespace anduin::mql::logic
#pragma GCC diagnostic pop
