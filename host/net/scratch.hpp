// The receive memory that all connections of one loop share: bytes live there only while one of them is read.
// Internal to net. Thread: the loop's. Lifetime: the loop's.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "net/event_loop.hpp"
#include "net/ws_client.hpp"
#include "net/ws_codec.hpp"

namespace anduin::net {

/// One read. Large enough that a busy plain socket is emptied in one call, small enough for a second-level
/// cache.
inline constexpr std::size_t kReceiveBytes = 256U << 10U;
/// Messages in one callback: bounds the memory of padded copies and the time until another connection's turn.
inline constexpr std::size_t kBatchFramesMax = 1024;

struct EventLoop::Scratch {
  std::unique_ptr<std::uint8_t[]> receive = std::make_unique<std::uint8_t[]>(kReceiveBytes + kWsFramePadding);
  std::vector<std::uint8_t> padded;  ///< copies of messages that have another one right behind them
  std::vector<WsEvent> events;
  std::vector<WsFrame> frames;
};

}  // namespace anduin::net
