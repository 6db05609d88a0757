// Ends a test case with a message where the EVM node is not installed (npm ci in tests/node).
#pragma once
#include <catch2/catch.hpp>
#include <cstdio>

#include "support/anvil.hpp"

#define ANDUIN_NEED_ANVIL()                                                \
  do {                                                                     \
    if (!::anduin::test::Anvil::find_binary()) {                           \
      std::puts("SKIPPED: anvil is not installed (npm ci in tests/node)"); \
      SUCCEED();                                                           \
      return;                                                              \
    }                                                                      \
  } while (false)
