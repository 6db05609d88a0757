#include <utility>

#include "sim/simulator.hpp"

namespace anduin::sim {

bool FaultySink::muted(ConnId conn) const {
  const auto it = mutes_.find(conn);
  return it != mutes_.end() && it->second.text.empty() && it->second.until_ms > world_.mono_ms();
}

void FaultySink::pass(ConnId conn, std::string text) {
  if (const auto it = mutes_.find(conn); it != mutes_.end() && it->second.until_ms > world_.mono_ms() &&
                                         text.find(it->second.text) != std::string::npos) {
    return;
  }
  ++frames;
  if (packed(conn))
    out_.send_binary(conn, gzip(text));
  else
    out_.send(conn, std::move(text));
}

void FaultySink::send(ConnId conn, std::string text) {
  if (delay_ms > 0 || !late_.empty()) {
    late_.push_back({world_.mono_ms() + delay_ms, conn, std::move(text)});
    return;
  }
  if (const auto it = held_.find(conn); it != held_.end()) {
    std::string earlier = std::move(it->second);
    held_.erase(it);
    pass(conn, std::move(text));
    pass(conn, std::move(earlier));
    return;
  }
  if (reorder > 0) {
    --reorder;
    held_[conn] = std::move(text);
    return;
  }
  if (duplicate > 0) {
    --duplicate;
    pass(conn, text);
  }
  pass(conn, std::move(text));
}

void FaultySink::tick() {
  while (!late_.empty() && late_.front().due_ms <= world_.mono_ms()) {
    Late late = std::move(late_.front());
    late_.pop_front();
    pass(late.conn, std::move(late.text));
  }
}

void FaultySink::close(ConnId conn, std::uint16_t code, std::string reason) {
  if (const auto it = held_.find(conn); it != held_.end()) {
    std::string text = std::move(it->second);
    held_.erase(it);
    pass(conn, std::move(text));
  }
  out_.close(conn, code, std::move(reason));
}

void FaultySink::forget(ConnId conn) {
  mutes_.erase(conn);
  held_.erase(conn);
  std::erase_if(late_, [conn](const Late& late) { return late.conn == conn; });
}

}  // namespace anduin::sim
