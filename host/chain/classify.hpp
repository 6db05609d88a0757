// The class of what a node answered to eth_sendRawTransaction. Advice for the submitter's next step, never
// an outcome. Pure function, any thread.
#pragma once
#include <optional>
#include <string_view>

#include "chain/node.hpp"

namespace anduin::chain {

/// `code` is the JSON-RPC error code where the node gave one. Unknown wording is kUnknown: "maybe sent".
/// Never returns kAccepted.
SendClass classify_send_error(std::optional<std::int64_t> code, std::string_view message);

/// "ALREADY_KNOWN", ... as in the vectors; "ACCEPTED" for kAccepted.
const char* to_string(SendClass c);

}  // namespace anduin::chain
