// The answer of bullet-public and bullet-private: where to connect, and with what. A token is a secret: the address
// is handed to the host and nowhere else. Pure function, any thread.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "anduin/plugin.hpp"

namespace anduin::kucoin {

struct SocketAddress {
  std::string url;                    ///< with token and connectId
  std::int64_t ping_interval_ms = 0;  ///< the venue's wish; 0 = not said
};

/// `data` of the answer. BadFrame without a token or a server.
[[nodiscard]] SocketAddress socket_address(const json::View& data, std::string_view connect_id);

}  // namespace anduin::kucoin
