#include "net/http_client.hpp"

#include <algorithm>

#include "net/raw_http.hpp"

using anduin::ErrorKind;
using anduin::Result;
using namespace anduin::net;
using namespace anduin::net::test;

TEST_CASE("a request and its answer, plain") {
  EventLoop loop;
  std::vector<ServerRequest> log;
  const auto server = serve(loop, echo(&log));
  HttpClient client(loop);
  const auto answer = fetch(loop, client,
                            {.method = "POST",
                             .url = local_url("http", *server, "/v5/order?b=2&a=%2F"),
                             .headers = {{"X-Sign", "abc"}},
                             .body = "{\"x\":1}"});
  REQUIRE(answer.has_value());
  CHECK(answer->status == 200);
  CHECK(answer->body == "{\"x\":1}");
  CHECK(answer->header("x-method") == "POST");
  REQUIRE(log.size() == 1);
  CHECK(log[0].target == "/v5/order?b=2&a=%2F");
  CHECK(log[0].path() == "/v5/order");
  CHECK(log[0].query() == "b=2&a=%2F");
  CHECK(log[0].header("x-sign") == "abc");
  CHECK(log[0].header("Host") == "127.0.0.1:" + std::to_string(server->port()));
  CHECK(log[0].raw_head.find("X-Sign: abc\r\n") != std::string::npos);
  CHECK(log[0].remote.starts_with("127.0.0.1:"));
  CHECK_FALSE(log[0].tls);
}

TEST_CASE("a request over TLS by the blocking client") {
  const TemporaryFolder folder;
  const auto files = *make_throwaway_ca(folder.path);
  EventLoop loop;
  const auto server =
      serve(loop, echo(), {.tls = *TlsContext::server(files.certificate_file, files.key_file)});
  loop.start();
  {
    BlockingHttpClient client({.tls = *TlsContext::client({.ca_file = files.ca_file})});
    for (int i = 0; i < 5; ++i) {
      const auto answer =
          client.send({.method = "PUT", .url = local_url("https", *server), .body = std::to_string(i)});
      if (answer.has_error()) FAIL(answer.error().to_string());
      CHECK(answer->body == std::to_string(i));
    }
    std::size_t connections = 0;
    loop.call([&] { connections = server->connections(); });
    CHECK(connections == 1);
    BlockingHttpClient untrusting;
    const auto refused = untrusting.send({.url = local_url("https", *server)});
    REQUIRE(refused.has_error());
    CHECK(refused.error().kind == ErrorKind::kAuth);
  }
  loop.stop();
}

TEST_CASE("connections are kept and shared up to the bound, the rest waits") {
  EventLoop loop;
  std::vector<Responder> open;
  const auto server =
      serve(loop, {.on_request = [&](ServerRequest, Responder respond) { open.push_back(respond); }});
  HttpClient client(loop, {.connections_per_origin_max = 3, .waiting_per_origin_max = 5});
  std::vector<Call> calls(9);
  for (auto& call : calls) client.send({.url = local_url("http", *server)}, call.callback());
  wait_for(loop, [&] { return open.size() == 3; });
  CHECK(server->connections() == 3);
  // Nine were sent at once: five may wait, so four were refused at once.
  const auto refused =
      std::ranges::count_if(calls, [](const Call& c) { return c.result && c.result->has_error(); });
  CHECK(refused == 4);
  std::size_t answered = 0;
  wait_for(loop, [&] {
    while (answered < open.size()) open[answered++]({.status = 204});
    return std::ranges::all_of(calls, [](const Call& c) { return c.result.has_value(); });
  });
  CHECK(answered == 5);
  CHECK(server->connections() == 3);
}

TEST_CASE("large bodies both ways, and the bound on an answer") {
  EventLoop loop;
  const auto server = serve(loop, echo());
  HttpClient client(loop, {.body_bytes_max = 3'000'000});
  std::string body(2'500'000, '\0');
  for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>(i * 7 + i / 256);
  const auto answer =
      fetch(loop, client, {.method = "POST", .url = local_url("http", *server), .body = body});
  REQUIRE(answer.has_value());
  CHECK((answer->body == body));
  body.resize(3'000'001);
  const auto refused =
      fetch(loop, client, {.method = "POST", .url = local_url("http", *server), .body = body});
  REQUIRE(refused.has_error());
  CHECK(refused.error().kind == ErrorKind::kProtocol);
}

TEST_CASE("bad requests are refused by the client itself") {
  EventLoop loop;
  HttpClient client(loop);
  const Url url = *Url::parse("http://127.0.0.1:1/");
  const auto kind = [&](HttpRequest request) { return fetch(loop, client, std::move(request)).error().kind; };
  CHECK(kind({.method = "GE T", .url = url}) == ErrorKind::kBadRequest);
  CHECK(kind({.url = url, .headers = {{"X-A", "b\r\nX-Evil: c"}}}) == ErrorKind::kBadRequest);
  CHECK(kind({.url = url, .headers = {{"Host", "other"}}}) == ErrorKind::kBadRequest);
  CHECK(kind({.url = url, .headers = {{"content-length", "3"}}}) == ErrorKind::kBadRequest);
  CHECK(kind({.url = *Url::parse("ws://127.0.0.1:1/")}) == ErrorKind::kBadRequest);
  CHECK(kind({.url = {}}) == ErrorKind::kBadRequest);
}

TEST_CASE("nobody listens") {
  EventLoop loop;
  std::uint16_t port = 0;
  {
    const auto server = serve(loop, echo());
    port = server->port();
  }
  HttpClient client(loop);
  const auto answer =
      fetch(loop, client, {.url = *Url::parse("http://127.0.0.1:" + std::to_string(port) + "/")});
  REQUIRE(answer.has_error());
  CHECK(answer.error().kind == ErrorKind::kRetryable);
  CHECK(answer.error().text.find("refused") != std::string::npos);
}

TEST_CASE("a silent server: the timeout tells what was awaited, and frees the connection") {
  EventLoop loop;
  RawServer server(loop);
  HttpClient client(loop);
  const auto answer = fetch(loop, client, {.url = server.url(), .timeout_ms = 60});
  REQUIRE(answer.has_error());
  CHECK(answer.error().kind == ErrorKind::kRetryable);
  CHECK(answer.error().text.find("waiting for the answer") != std::string::npos);
  server.on_data = [](Tcp::socket& s) { say(s, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"); };
  CHECK(fetch(loop, client, {.url = server.url()})->body == "ok");
  CHECK(server.accepted == 2);
}

TEST_CASE("a server that trickles its answer is cut at the deadline") {
  EventLoop loop;
  RawServer server(loop);
  Timer drip;
  std::function<void()> next = [&] {
    if (!server.sockets.empty()) say(*server.sockets[0], "x");
    drip = loop.post_after(10, next);
  };
  server.on_data = [&](Tcp::socket& s) {
    say(s, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
    next();
  };
  HttpClient client(loop);
  const auto answer = fetch(loop, client, {.url = server.url(), .timeout_ms = 100});
  CHECK(answer.has_error());
}

TEST_CASE("answers cut, chunked, without length, interim, malformed") {
  EventLoop loop;
  RawServer server(loop);
  HttpClient client(loop);
  std::string text;
  bool close = false;
  server.on_data = [&](Tcp::socket& s) {
    say(s, text);
    if (close) s.close();
  };
  text =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: "
      "chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
  CHECK(fetch(loop, client, {.url = server.url()})->body == "abc");
  text = "<html>nonsense\r\n\r\n";
  CHECK(fetch(loop, client, {.url = server.url()}).error().kind == ErrorKind::kProtocol);
  close = true;
  text = "HTTP/1.1 200 OK\r\n\r\nuntil the end";
  CHECK(fetch(loop, client, {.url = server.url()})->body == "until the end");
  text = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc";
  CHECK(fetch(loop, client, {.url = server.url()}).error().text.find("middle") != std::string::npos);
  text = "";
  CHECK(fetch(loop, client, {.url = server.url()}).error().kind == ErrorKind::kRetryable);
}

TEST_CASE("HEAD has no body, 304 neither") {
  EventLoop loop;
  const auto server = serve(loop, {.on_request = [](ServerRequest r, Responder respond) {
                              respond({.status = r.target == "/304" ? 304 : 200, .body = "body"});
                            }});
  HttpClient client(loop);
  const auto head = fetch(loop, client, {.method = "HEAD", .url = local_url("http", *server)});
  CHECK(head->body.empty());
  CHECK(head->header("content-length") == "4");
  CHECK(fetch(loop, client, {.url = local_url("http", *server, "/304")})->body.empty());
  CHECK(fetch(loop, client, {.url = local_url("http", *server)})->body == "body");
  CHECK(server->connections() == 1);
}

TEST_CASE("a kept connection that dies: idempotent requests are repeated once, others are not") {
  EventLoop loop;
  RawServer server(loop);
  int requests = 0;
  server.on_data = [&](Tcp::socket& s) {
    // Odd requests are answered and kept; even ones find the connection closed in their face.
    if (++requests % 2 == 1) return say(s, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    s.close();
  };
  HttpClient client(loop);
  CHECK(fetch(loop, client, {.url = server.url()}).has_value());
  CHECK(fetch(loop, client, {.url = server.url(), .idempotent = true})->body == "ok");
  CHECK(requests == 3);
  CHECK(server.accepted == 2);
  const auto lost = fetch(loop, client, {.method = "POST", .url = server.url(), .body = "pay"});
  REQUIRE(lost.has_error());
  CHECK(lost.error().kind == ErrorKind::kRetryable);
  CHECK(requests == 4);
}

TEST_CASE("a kept connection that dies in the middle of an answer: the request is not repeated") {
  EventLoop loop;
  RawServer server(loop);
  int requests = 0;
  server.on_data = [&](Tcp::socket& s) {
    if (++requests == 1) return say(s, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    say(s, "HTTP/1.1 200");
    s.close();
  };
  HttpClient client(loop);
  CHECK(fetch(loop, client, {.url = server.url()}).has_value());
  CHECK(fetch(loop, client, {.url = server.url(), .idempotent = true}).has_error());
  CHECK(requests == 2);
}

TEST_CASE("a kept connection that the server closes is noticed before the next request") {
  EventLoop loop;
  RawServer server(loop);
  server.on_data = [&](Tcp::socket& s) { say(s, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"); };
  HttpClient client(loop);
  CHECK(fetch(loop, client, {.url = server.url()}).has_value());
  server.sockets[0]->close();
  loop.run_for(20);
  CHECK(fetch(loop, client, {.method = "POST", .url = server.url()}).has_value());
  CHECK(server.accepted == 2);
}

TEST_CASE("bytes behind an answer make the connection unfit to be kept") {
  EventLoop loop;
  RawServer server(loop);
  server.on_data = [&](Tcp::socket& s) {
    say(s, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
  };
  HttpClient client(loop);
  CHECK(fetch(loop, client, {.url = server.url()})->body == "ok");
  CHECK(fetch(loop, client, {.url = server.url()})->body == "ok");
  CHECK(server.accepted == 2);
}

TEST_CASE("an answer that nobody asked for, read ahead in its own TLS record, is not taken for the next") {
  EventLoop loop;
  TlsSpeaker server(loop);
  server.records = {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
                    "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"};
  HttpClient client(loop, {.tls = server.client_tls()});
  for (int i = 0; i < 3; ++i) CHECK(fetch(loop, client, {.url = server.raw.url("https")})->body == "ok");
  CHECK(server.raw.accepted == 3);
}

TEST_CASE("a body that ends with the connection must end properly: TLS shows a cut, plain cannot") {
  EventLoop loop;
  TlsSpeaker server(loop);
  server.records = {"HTTP/1.1 200 OK\r\n\r\n", "until the end"};
  server.then_close = true;
  HttpClient client(loop, {.tls = server.client_tls()});
  server.goodbye = true;
  CHECK(fetch(loop, client, {.url = server.raw.url("https")})->body == "until the end");
  server.goodbye = false;
  CHECK(fetch(loop, client, {.url = server.raw.url("https")}).has_error());
}

TEST_CASE("a destroyed client calls nobody back, even from within a callback") {
  EventLoop loop;
  std::vector<Responder> open;
  const auto server =
      serve(loop, {.on_request = [&](ServerRequest, Responder respond) { open.push_back(respond); }});
  auto client = std::make_unique<HttpClient>(loop);
  int called = 0;
  for (int i = 0; i < 4; ++i)
    client->send({.url = local_url("http", *server)}, [&](const Result<HttpResponse>&) {
      ++called;
      client.reset();
    });
  const auto cancelled =
      client->send({.url = local_url("http", *server)}, [&](const Result<HttpResponse>&) { called += 100; });
  wait_for(loop, [&] { return open.size() == 5; });
  client->cancel(cancelled);
  for (const auto& respond : open) respond({});
  wait_for(loop, [&] { return called != 0; });
  loop.run_for(30);
  CHECK(called == 1);
}
