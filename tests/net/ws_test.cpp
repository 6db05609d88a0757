#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <fstream>

#include "net/harness.hpp"
#include "net/ws_codec.hpp"

using anduin::ErrorKind;
using namespace anduin::net;
using namespace anduin::net::test;
using Tcp = boost::asio::ip::tcp;

namespace {

/// Accepts one connection, completes the handshake by hand (or as `answer` says), then sends what the test wants.
struct RawWsServer {
  explicit RawWsServer(EventLoop& l) : acceptor(l.context(), {boost::asio::ip::address_v4::loopback(), 0}), socket(l.context()) {
    acceptor.async_accept(socket, [this](const boost::system::error_code& fault) {
      if (!fault) read();
    });
  }
  void read() {
    socket.async_read_some(boost::asio::buffer(buffer), [this](const boost::system::error_code& fault, std::size_t n) {
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
           "Sec-WebSocket-Accept: " + ws_accept_for(head.substr(at, 24)) + "\r\n\r\n";
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

std::string frame(WsKind kind, std::string_view payload, bool final = true) {
  std::string out;
  ws_append_frame(out, kind, final, payload, nullptr);
  return out;
}

long resident_kb() {
  std::ifstream in("/proc/self/statm");
  long total = 0, resident = 0;
  in >> total >> resident;
  return resident * 4;
}

}  // namespace

TEST_CASE("text and binary there and back, plain and TLS") {
  const bool tls = GENERATE(false, true);
  INFO("tls " << tls);
  const TemporaryFolder folder;
  const auto files = *make_throwaway_ca(folder.path);
  EventLoop loop;
  WsServer server(loop, {.tls = tls ? *TlsContext::server(files.certificate_file, files.key_file) : nullptr});
  Listener peer(loop);
  peer.connect(server.url(tls ? "wss" : "ws"), *TlsContext::client({.ca_file = files.ca_file}), {}, {{"X-Key", "k"}});
  CHECK(peer.client->send_text("too early").has_error());
  wait_for(loop, [&] { return peer.opened; });
  CHECK(server.requests.at(0).target == "/v5?x=1");
  CHECK(server.requests.at(0).header("x-key") == "k");
  CHECK_FALSE(server.requests.at(0).header("Sec-WebSocket-Extensions"));

  std::vector<std::string> sent;
  for (const std::size_t size : {0U, 1U, 125U, 126U, 65535U, 65536U, 900'000U}) {
    std::string text(size, 'x');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i % 26);
    REQUIRE(peer.client->send_text(text).has_value());
    sent.push_back(text);
    wait_for(loop, [&] { return peer.messages.size() == sent.size(); });
  }
  const std::vector<std::uint8_t> bytes{0, 255, 1};
  REQUIRE(peer.client->send_binary(bytes).has_value());
  wait_for(loop, [&] { return peer.messages.size() == sent.size() + 1; });
  CHECK((std::vector(peer.messages.begin(), peer.messages.end() - 1) == sent));
  CHECK(peer.messages.back() == std::string("\0\xff\1", 3));
  CHECK(peer.binary.back());
  CHECK_FALSE(peer.binary.front());
  CHECK(peer.padding_good);
  CHECK_FALSE(peer.closed);
}

TEST_CASE("pings are answered, and pongs reported") {
  EventLoop loop;
  WsServer server(loop);
  Listener peer(loop);
  peer.connect(server.url());
  wait_for(loop, [&] { return peer.opened; });
  REQUIRE(peer.client->ping("hello").has_value());
  CHECK(peer.client->ping(std::string(126, 'x')).error().kind == ErrorKind::kBadRequest);
  wait_for(loop, [&] { return peer.pongs.size() == 1; });
  CHECK(peer.pongs[0] == "hello");
  RawWsServer raw(loop);
  raw.then = frame(WsKind::kPing, "are you there");
  Listener other(loop);
  other.connect(raw.url());
  wait_for(loop, [&] { return raw.heard.size() == 6 + 13; });
  WsReader reader(true, 100);
  std::vector<WsEvent> events;
  CHECK_FALSE(reader.feed(reinterpret_cast<std::uint8_t*>(raw.heard.data()), raw.heard.size(), events));
  REQUIRE(events.size() == 1);
  CHECK(events[0].kind == WsKind::kPong);
  CHECK(std::string(reinterpret_cast<char*>(events[0].data), events[0].size) == "are you there");
}

TEST_CASE("messages of one write are one batch, each padded, also behind the 101") {
  EventLoop loop;
  RawWsServer raw(loop);
  for (int i = 0; i < 20; ++i) raw.then += frame(WsKind::kText, "first " + std::to_string(i));
  Listener peer(loop);
  peer.connect(raw.url());
  wait_for(loop, [&] { return peer.messages.size() == 20; });
  CHECK(peer.batches == std::vector<std::size_t>{20});
  std::string text;
  for (int i = 0; i < 500; ++i) text += frame(i % 2 == 0 ? WsKind::kText : WsKind::kBinary, std::string(static_cast<std::size_t>(i), 'y'));
  raw.say(text);
  wait_for(loop, [&] { return peer.messages.size() == 520; });
  CHECK(peer.batches == std::vector<std::size_t>{20, 500});
  CHECK(peer.messages[519] == std::string(499, 'y'));
  CHECK(peer.padding_good);
}

TEST_CASE("fragments with control frames between them, in slow pieces") {
  EventLoop loop;
  RawWsServer raw(loop);
  Listener peer(loop);
  peer.connect(raw.url());
  wait_for(loop, [&] { return peer.opened; });
  const std::string wire = frame(WsKind::kText, "one ", false) + frame(WsKind::kPing, "p") +
                           frame(WsKind::kContinuation, "two ", false) + frame(WsKind::kPong, "q") +
                           frame(WsKind::kContinuation, "three") + frame(WsKind::kText, "whole");
  for (const char c : wire) {
    raw.say(std::string(1, c));
    loop.run_for(1);
  }
  wait_for(loop, [&] { return peer.messages.size() == 2; });
  CHECK(peer.messages == std::vector<std::string>{"one two three", "whole"});
  CHECK(peer.pongs == std::vector<std::string>{"q"});
  CHECK(raw.heard.size() == 7);  // one pong, masked
  CHECK(peer.padding_good);
}

TEST_CASE("breaches of the protocol close with the right code, after the good messages") {
  struct Breach { std::string bytes; std::uint16_t code; };
  std::string masked;
  const std::uint8_t mask[] = {1, 2, 3, 4};
  ws_append_frame(masked, WsKind::kText, true, "masked", mask);
  const auto breach = GENERATE_COPY(values<Breach>({{masked, 1002}, {frame(WsKind::kText, std::string(2000, 'x')), 1009},
                                                   {"\xc1\x01x", 1002}, {std::string("\x88\x01x", 3), 1002},
                                                   {frame(WsKind::kClose, ws_close_payload(1005, "")), 1002},
                                                   {frame(WsKind::kContinuation, "x"), 1002}}));
  EventLoop loop;
  RawWsServer raw(loop);
  raw.then = frame(WsKind::kText, "good") + breach.bytes;
  Listener peer(loop);
  peer.connect(raw.url(), nullptr, {.message_bytes_max = 1000});
  wait_for(loop, [&] { return peer.closed && raw.ended; });
  CHECK(peer.messages == std::vector<std::string>{"good"});
  CHECK(peer.closed->code == breach.code);
  CHECK(peer.closed->error.kind == ErrorKind::kProtocol);
  WsReader reader(true, 1000);
  std::vector<WsEvent> events;
  CHECK_FALSE(reader.feed(reinterpret_cast<std::uint8_t*>(raw.heard.data()), raw.heard.size(), events));
  REQUIRE(events.size() == 1);
  CHECK(events[0].kind == WsKind::kClose);
  CHECK(ws_parse_close({reinterpret_cast<char*>(events[0].data), events[0].size}).code == breach.code);
}

TEST_CASE("closing from either side carries code and reason") {
  EventLoop loop;
  WsServer server(loop);
  Listener peer(loop);
  peer.connect(server.url());
  wait_for(loop, [&] { return peer.opened; });
  SECTION("by the server") {
    REQUIRE(server.sessions[0]->send_text("last words").has_value());
    server.sessions[0]->close(4001, "maintenance");
    wait_for(loop, [&] { return peer.closed && server.closed.size() == 1; });
    CHECK(peer.messages == std::vector<std::string>{"last words"});
    CHECK(peer.closed->code == 4001);
    CHECK(peer.closed->reason == "maintenance");
    CHECK(peer.closed->by_peer);
    CHECK(peer.closed->error.kind == ErrorKind::kRetryable);
    CHECK(server.closed[0].code == 4001);
    CHECK_FALSE(server.closed[0].by_peer);
  }
  SECTION("by the client") {
    peer.client->close(1000, "done");
    CHECK_FALSE(peer.client->open());
    CHECK(peer.client->send_text("x").has_error());
    wait_for(loop, [&] { return peer.closed && server.closed.size() == 1; });
    CHECK(peer.closed->code == 1000);
    CHECK_FALSE(peer.closed->by_peer);
    CHECK(server.closed[0].reason == "done");
    CHECK(server.closed[0].by_peer);
  }
  SECTION("by both at once") {
    peer.client->close(1000, "");
    server.sessions[0]->close(1001, "");
    wait_for(loop, [&] { return peer.closed && server.closed.size() == 1; });
  }
  CHECK(server.server->connections() == 0);
}

TEST_CASE("cut, mute and a silent close") {
  EventLoop loop;
  WsServer server(loop);
  Listener peer(loop);
  peer.connect(server.url(), nullptr, {.close_ms_max = 80});
  wait_for(loop, [&] { return peer.opened; });
  const auto session = server.sessions[0];
  SECTION("cut is a reset") {
    session->cut();
    wait_for(loop, [&] { return peer.closed.has_value(); });
    CHECK(peer.closed->code == 1006);
    CHECK(peer.closed->error.kind == ErrorKind::kRetryable);
    CHECK(server.closed.empty());
    CHECK(server.server->connections() == 0);
  }
  SECTION("mute is half-open: nothing comes, and close() gives up in time") {
    session->mute();
    CHECK(session->send_text("into the void").has_value());
    REQUIRE(peer.client->send_text("hello?").has_value());
    REQUIRE(peer.client->ping().has_value());
    loop.run_for(60);
    CHECK(peer.messages.empty());
    CHECK(peer.pongs.empty());
    CHECK_FALSE(peer.closed);
    CHECK(peer.client->open());
    CHECK(server.received.empty());
    peer.client->close();
    wait_for(loop, [&] { return peer.closed.has_value(); });
    CHECK(peer.closed->code == 1006);
    session->cut();
    CHECK(server.server->connections() == 0);
  }
  SECTION("the server goes") {
    server.server.reset();
    wait_for(loop, [&] { return peer.closed.has_value(); });
    CHECK(session->send_text("x").has_error());
  }
}

TEST_CASE("an answer that is no upgrade") {
  EventLoop loop;
  WsServer server(loop);
  const auto answered = [&](HttpResponse response) {
    server.refuse_with = std::move(response);
    Listener peer(loop);
    peer.connect(server.url());
    wait_for(loop, [&] { return peer.closed.has_value(); });
    CHECK_FALSE(peer.opened);
    return *peer.closed;
  };
  const auto unauthorized = answered({.status = 401, .body = "token expired"});
  CHECK(unauthorized.error.kind == ErrorKind::kAuth);
  CHECK(unauthorized.http_status == 401);
  CHECK(unauthorized.http_body == "token expired");
  CHECK(unauthorized.error.text.find("token expired") != std::string::npos);
  const auto limited = answered({.status = 429, .headers = {{"Retry-After", "7"}}});
  CHECK(limited.error.kind == ErrorKind::kRetryableAfter);
  CHECK(limited.error.retry_after_ms == 7000);
  CHECK(answered({.status = 503}).error.kind == ErrorKind::kRetryable);
  CHECK(answered({.status = 404, .body = std::string(100'000, 'x')}).http_body.size() == 4096);
  CHECK(answered({.status = 301}).error.kind == ErrorKind::kBadRequest);
}

TEST_CASE("a 101 that is not for us") {
  EventLoop loop;
  const auto refused = [&](const std::function<void(std::string&)>& spoil) {
    RawWsServer raw(loop);
    Listener peer(loop);
    peer.connect(raw.url());
    raw.answer = "";
    wait_for(loop, [&] { return raw.answered; });
    std::string text = raw.accept_text();
    spoil(text);
    raw.say(text);
    wait_for(loop, [&] { return peer.closed.has_value(); });
    INFO(peer.closed->error.to_string());
    return !peer.opened && peer.closed->error.kind == ErrorKind::kProtocol;
  };
  const auto replace = [](const std::string& from, const std::string& to) {
    return [=](std::string& text) { text.replace(text.find(from), from.size(), to); };
  };
  CHECK(refused(replace("Upgrade: WebSocket", "Upgrade: h2c")));
  CHECK(refused(replace("Connection: keep-alive, Upgrade", "Connection: keep-alive")));
  CHECK(refused([](std::string& text) {
    auto& c = text[text.find("Accept: ") + 9];
    c = c == 'A' ? 'B' : 'A';
  }));
  CHECK(refused(replace("\r\n\r\n", "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n")));
}

TEST_CASE("handshake deadline, refused connection, bad arguments") {
  EventLoop loop;
  RawWsServer silent(loop);
  silent.answer = "";
  Listener slow(loop);
  slow.connect(silent.url(), nullptr, {.handshake_ms_max = 60});
  Listener nobody(loop);
  std::uint16_t port = 0;
  { port = WsServer(loop).server->port(); }
  nobody.connect(*Url::parse("ws://127.0.0.1:" + std::to_string(port)));
  Listener http(loop);
  http.connect(*Url::parse("http://127.0.0.1:1/"));
  Listener header(loop);
  header.connect(silent.url(), nullptr, {}, {{"X", "a\r\nb"}});
  Listener closed_early(loop);
  closed_early.connect(silent.url());
  closed_early.client->close();
  CHECK_FALSE(http.closed);  // never inside the call
  wait_for(loop, [&] { return slow.closed && nobody.closed && http.closed && header.closed && closed_early.closed; });
  CHECK(slow.closed->error.text.find("waiting for the answer") != std::string::npos);
  CHECK(slow.closed->error.kind == ErrorKind::kRetryable);
  CHECK(nobody.closed->error.kind == ErrorKind::kRetryable);
  CHECK(http.closed->error.kind == ErrorKind::kBadRequest);
  CHECK(header.closed->error.kind == ErrorKind::kBadRequest);
}

TEST_CASE("a peer that does not read: the queue is bounded, then drains") {
  EventLoop loop;
  RawWsServer raw(loop);
  Listener peer(loop);
  peer.connect(raw.url(), nullptr, {.send_queue_bytes_max = 200'000});
  wait_for(loop, [&] { return peer.opened; });
  const std::string text(50'000, 'x');
  std::size_t taken = 0;
  // The loop stands still, so nobody reads at the other end.
  while (taken < 1000 && peer.client->send_text(text).has_value()) ++taken;
  REQUIRE(taken < 1000);
  CHECK(peer.client->send_queue_bytes() <= 200'000);
  CHECK(peer.client->send_text(text).error().kind == ErrorKind::kRetryable);
  CHECK(peer.client->open());
  wait_for(loop, [&] { return raw.heard.size() == taken * (text.size() + 8); });
  CHECK(peer.client->send_queue_bytes() == 0);
  CHECK(peer.client->send_text("again").has_value());
  wait_for(loop, [&] { return raw.heard.size() == taken * (text.size() + 8) + 11; });
}

TEST_CASE("a session may speak, close or cut itself before the upgrade is answered") {
  EventLoop loop;
  const int what = GENERATE(0, 1, 2);
  const auto server = serve(loop, {.on_upgrade = [what](const ServerRequest&, const std::shared_ptr<WsSession>& session)
                                       -> std::optional<HttpResponse> {
    CHECK(session->send_text("welcome").has_value());
    if (what == 1) session->close(4003, "and goodbye");
    if (what == 2) session->cut();
    return std::nullopt;
  }});
  Listener peer(loop);
  peer.connect(local_url("ws", *server));
  wait_for(loop, [&] { return what == 0 ? peer.messages.size() == 1 : peer.closed.has_value(); });
  CHECK(peer.messages.size() == (what == 2 ? 0 : 1));
  CHECK(peer.opened == (what != 2));
  if (what == 1) CHECK(peer.closed->code == 4003);
  if (what != 0) wait_for(loop, [&] { return server->connections() == 0; });
}

TEST_CASE("a peer that writes its last words and goes at once is heard to the end") {
  EventLoop loop;
  RawWsServer raw(loop);
  Listener peer(loop);
  peer.connect(raw.url());
  wait_for(loop, [&] { return peer.opened; });
  raw.say(frame(WsKind::kText, "closed position") + frame(WsKind::kClose, ws_close_payload(1001, "going")));
  raw.socket.close();
  // Our writes fail from here on; what was received before must not be lost by that.
  for (int i = 0; i < 3; ++i) (void)peer.client->send_text("x");
  wait_for(loop, [&] { return peer.closed.has_value(); });
  CHECK(peer.messages == std::vector<std::string>{"closed position"});
  CHECK(peer.closed->code == 1001);
}

TEST_CASE("objects may be destroyed in their own callbacks") {
  EventLoop loop;
  WsServer server(loop);
  const int where = GENERATE(0, 1, 2, 3);
  INFO("where " << where);
  auto client = std::make_unique<WsClient>(loop);
  int after = 0;
  bool gone = false;
  const auto destroy = [&] {
    if (gone) ++after;
    gone = true;
    client.reset();
  };
  client->connect(server.url(), {}, nullptr,
                  {.on_open =
                       [&](const Headers&) {
                         if (where == 0) return destroy();
                         (void)client->send_text("a");
                         (void)client->send_text("b");
                         (void)client->ping("c");
                         if (where == 3) client->close();
                       },
                   .on_frames = [&](std::span<const WsFrame>) { if (where == 1) destroy(); },
                   .on_pong = [&](std::string_view) { if (where == 2) destroy(); },
                   .on_close = [&](const WsClosed&) { destroy(); }});
  wait_for(loop, [&] { return gone; });
  loop.run_for(20);
  CHECK(after == 0);
  wait_for(loop, [&] { return server.server->connections() == 0; });
}

TEST_CASE("a session that cuts itself in its handler, and a server destroyed in a handler") {
  EventLoop loop;
  WsServer server(loop, {}, false);
  Listener peer(loop);
  peer.connect(server.url());
  wait_for(loop, [&] { return peer.opened; });
  WsSession* const session = server.sessions[0].get();
  const bool whole_server = GENERATE(false, true);
  int handled = 0;
  session->on_message = [&, session](const WsFrame&) {
    ++handled;
    if (whole_server) server.server.reset();
    else session->cut();
    server.sessions.clear();
  };
  for (int i = 0; i < 3; ++i) (void)peer.client->send_text("x");
  wait_for(loop, [&] { return peer.closed.has_value(); });
  CHECK(handled == 1);
}

TEST_CASE("many connections come and go without growing", "[soak]") {
  const char* const wanted = std::getenv("ANDUIN_NET_CYCLES");
  const int cycles = wanted ? std::atoi(wanted) : 300;
  const TemporaryFolder folder;
  const auto files = *make_throwaway_ca(folder.path);
  EventLoop loop;
  WsServer server(loop, {.tls = *TlsContext::server(files.certificate_file, files.key_file)});
  const auto tls = *TlsContext::client({.ca_file = files.ca_file});
  long after_warm_up = 0;
  for (int i = 0; i < cycles; ++i) {
    Listener peer(loop);
    peer.connect(server.url("wss"), tls);
    wait_for(loop, [&] { return peer.opened; });
    (void)peer.client->send_text("x");
    wait_for(loop, [&] { return peer.messages.size() == 1; });
    if (i % 3 == 0) peer.client->close();
    if (i % 3 == 1) server.sessions.back()->cut();
    if (i % 3 != 2) wait_for(loop, [&] { return peer.closed.has_value(); });
    server.sessions.clear();
    server.requests.clear();
    server.received.clear();
    server.closed.clear();
    if (i == cycles / 3) after_warm_up = resident_kb();
  }
  wait_for(loop, [&] { return server.server->connections() == 0; });
  const long grown = resident_kb() - after_warm_up;
  INFO("grown by " << grown << " KB over " << cycles * 2 / 3 << " connections");
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  CHECK(grown < 1024);
#endif
}
