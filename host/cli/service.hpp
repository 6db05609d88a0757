// Readiness and watchdog for a service manager: one datagram to $NOTIFY_SOCKET, nothing when it is not set.
// Thread: main.
#pragma once
#include <string_view>

namespace anduin::cli {
void notify_service(std::string_view state);
}
