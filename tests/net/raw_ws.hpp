// A WebSocket server made by hand, for what ours would never send.
#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include "net/harness.hpp"
#include "net/ws_codec.hpp"

namespace anduin::net::test {

using Tcp = boost::asio::ip::tcp;

/// Accepts one connection, completes the handshake by hand (or as `answer` says), then sends what the test
/// wants.
struct RawWsServer {
  explicit RawWsServer(EventLoop& l)
      : acceptor(l.context(), {boost::asio::ip::address_v4::loopback(), 0}), socket(l.context()) {
    acceptor.async_accept(socket, [this](const boost::system::error_code& fault) {
      if (!fault) read();
    });
  }
  void read() {
    socket.async_read_some(boost::asio::buffer(buffer),
                           [this](const boost::system::error_code& fault, std::size_t n) {
                             if (fault) {
                               ended = true;
                               return;
                             }
                             heard.append(buffer.data(), n);
                             const auto end = heard.find("\r\n\r\n");
                             if (!answered && end != std::string::npos) {
                               answered = true;
                               head = heard.substr(0, end + 4);
                               heard.erase(0, end + 4);
                               say(answer ? *answer : accept_text() + then);
                             }
                             read();
                           });
  }
  [[nodiscard]] std::string accept_text() const {
    const auto at = head.find("Sec-WebSocket-Key: ") + 19;
    return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n"
           "Sec-WebSocket-Accept: " +
           ws_accept_for(head.substr(at, 24)) + "\r\n\r\n";
  }
  void say(const std::string& text) {
    boost::system::error_code ignored;
    boost::asio::write(socket, boost::asio::buffer(text), ignored);
  }
  [[nodiscard]] Url url() const {
    return *Url::parse("ws://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port()) + "/ws");
  }
  Tcp::acceptor acceptor;
  Tcp::socket socket;
  std::array<char, 65536> buffer{};
  std::string head, heard;
  std::optional<std::string> answer;
  std::string then;  ///< sent in one write with the 101
  bool answered = false, ended = false;
};

inline std::string frame(WsKind kind, std::string_view payload, bool final = true) {
  std::string out;
  ws_append_frame(out, kind, final, payload, nullptr);
  return out;
}

}  // namespace anduin::net::test
