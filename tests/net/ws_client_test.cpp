#include "net/ws_client.hpp"

#include "net/raw_ws.hpp"

using anduin::ErrorKind;
using namespace anduin::net;
using namespace anduin::net::test;

TEST_CASE("text and binary there and back, plain and TLS") {
  const bool tls = GENERATE(false, true);
  INFO("tls " << tls);
  const TemporaryFolder folder;
  const auto files = *make_throwaway_ca(folder.path);
  EventLoop loop;
  WsServer server(loop, {.tls = tls ? *TlsContext::server(files.certificate_file, files.key_file) : nullptr});
  Listener peer(loop);
  peer.connect(server.url(tls ? "wss" : "ws"), *TlsContext::client({.ca_file = files.ca_file}), {},
               {{"X-Key", "k"}});
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
  for (int i = 0; i < 500; ++i)
    text +=
        frame(i % 2 == 0 ? WsKind::kText : WsKind::kBinary, std::string(static_cast<std::size_t>(i), 'y'));
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
  struct Breach {
    std::string bytes;
    std::uint16_t code;
  };
  std::string masked;
  const std::uint8_t mask[] = {1, 2, 3, 4};
  ws_append_frame(masked, WsKind::kText, true, "masked", mask);
  const auto breach = GENERATE_COPY(values<Breach>({{masked, 1002},
                                                    {frame(WsKind::kText, std::string(2000, 'x')), 1009},
                                                    {"\xc1\x01x", 1002},
                                                    {std::string("\x88\x01x", 3), 1002},
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
  wait_for(loop, [&] {
    return slow.closed && nobody.closed && http.closed && header.closed && closed_early.closed;
  });
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
