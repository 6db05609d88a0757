// Asks one account's balance of its venue, outside a running host. Blocks up to 20 s. Thread: main.
#pragma once
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/events.hpp"
#include "pipeline/settings.hpp"

namespace anduin::pipeline {

/// The balances that the venue names, one a currency. `account` empty: the venue's only one. kBadRequest: no such
/// account; kAuth: the key is refused; kRetryable: no answer in time.
Result<std::vector<Balance>> query_balance(const Settings& settings, const std::string& venue, const std::string& account);

}  // namespace anduin::pipeline
