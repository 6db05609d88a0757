// Our frames against those of Beast: what one writes, the other must read, however it is cut.
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>
#include <random>
#include <thread>

#include "net/harness.hpp"

namespace asio = boost::asio;
namespace beast = boost::beast;
using Tcp = asio::ip::tcp;
using namespace anduin::net;
using namespace anduin::net::test;

namespace {

std::vector<std::string> random_messages(std::mt19937& random, int count) {
  std::vector<std::string> out;
  for (int i = 0; i < count; ++i) {
    std::string text(random() % 4 == 0 ? random() % 200'000 : random() % 500, '\0');
    for (auto& c : text) c = static_cast<char>(' ' + random() % 90);
    out.push_back(std::move(text));
  }
  return out;
}

}  // namespace

TEST_CASE("our client against Beast's server", "[property]") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const auto messages = random_messages(random, 150);
  asio::io_context context;
  Tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
  const auto fragment_seed = random();

  std::string server_fault;
  std::thread server([&] {
    try {
      beast::websocket::stream<Tcp::socket> ws(acceptor.accept());
      ws.accept();
      std::mt19937 fragments(fragment_seed);
      beast::flat_buffer buffer;
      for (std::size_t i = 0; i < messages.size(); ++i) {
        buffer.clear();
        ws.read(buffer);
        ws.text(ws.got_text());
        // Back in random fragments, with pings in between.
        const std::string all = beast::buffers_to_string(buffer.data());
        std::size_t at = 0;
        while (true) {
          const std::size_t left = all.size() - at;
          const bool last = fragments() % 3 == 0 || left == 0;
          const std::size_t size = last ? left : fragments() % (left + 1);
          ws.write_some(last, asio::buffer(all.data() + at, size));
          at += size;
          if (fragments() % 4 == 0) ws.ping("ping");
          if (last) break;
        }
      }
      ws.close({static_cast<beast::websocket::close_code>(4000), "enough"});
    } catch (const std::exception& e) { server_fault = e.what(); }
  });

  EventLoop loop;
  Listener peer(loop);
  peer.connect(*Url::parse("ws://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port()) + "/"),
               nullptr, {.send_queue_bytes_max = 64U << 20U});
  const bool opened = loop.run_until([&] { return peer.opened; }, kPatienceMs);
  for (std::size_t i = 0; i < messages.size(); ++i) {
    if (i % 2 == 0) (void)peer.client->send_text(messages[i]);
    else
      (void)peer.client->send_binary(
          {reinterpret_cast<const std::uint8_t*>(messages[i].data()), messages[i].size()});
  }
  const bool closed = loop.run_until([&] { return peer.closed.has_value(); }, kPatienceMs);
  if (!closed) peer.client.reset();
  server.join();
  REQUIRE(opened);
  CHECK(server_fault.empty());
  REQUIRE(closed);
  CHECK((peer.messages == messages));
  for (std::size_t i = 0; i < messages.size(); ++i) REQUIRE(peer.binary[i] == (i % 2 == 1));
  CHECK(peer.padding_good);
  CHECK(peer.closed->code == 4000);
  CHECK(peer.closed->reason == "enough");
}

TEST_CASE("Beast's client against our server", "[property]") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const auto messages = random_messages(random, 150);
  EventLoop loop;
  WsServer server(loop);
  loop.start();
  std::vector<std::string> back;
  beast::error_code fault;
  {
    asio::io_context context;
    beast::websocket::stream<Tcp::socket> ws(context);
    ws.next_layer().connect({asio::ip::address_v4::loopback(), server.server->port()});
    ws.handshake("localhost", "/x");
    beast::flat_buffer buffer;
    for (const auto& message : messages) {
      ws.write_buffer_bytes(16 + random() % 5000);
      ws.auto_fragment(random() % 2 == 0);
      ws.write(asio::buffer(message));
      if (random() % 4 == 0) ws.ping("ping");
      buffer.clear();
      ws.read(buffer);
      back.push_back(beast::buffers_to_string(buffer.data()));
    }
    ws.close({beast::websocket::close_code::normal, "bye"}, fault);
  }
  for (int i = 0; i < 400; ++i) {
    bool closed = false;
    loop.call([&] { closed = !server.closed.empty(); });
    if (closed) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  loop.stop();
  CHECK_FALSE(fault);
  CHECK((back == messages));
  CHECK((server.received == messages));
  REQUIRE(server.closed.size() == 1);
  CHECK(server.closed[0].code == 1000);
  CHECK(server.closed[0].reason == "bye");
}
