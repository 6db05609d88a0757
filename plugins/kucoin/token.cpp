#include "token.hpp"

#include "anduin/query.hpp"

namespace anduin::kucoin {

SocketAddress socket_address(const json::View& data, std::string_view connect_id) {
  const auto [token, servers] = data.get<"token", "instanceServers">();
  if (token.str().empty()) throw BadFrame("member 'token' is missing");
  for (const json::View server : servers) {
    const auto [endpoint, protocol, interval] = server.get<"endpoint", "protocol", "pingInterval">();
    if (endpoint.str().empty() || (protocol && protocol != "websocket")) continue;
    SocketAddress out;
    out.url = endpoint.text() + "?token=" + escape_query(token.text()) + "&connectId=" + std::string(connect_id);
    out.ping_interval_ms = interval.i64_or_none().value_or(0);
    return out;
  }
  throw BadFrame("member 'instanceServers' names no server");
}

}  // namespace anduin::kucoin
