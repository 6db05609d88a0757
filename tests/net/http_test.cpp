#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <map>
#include <openssl/ssl.h>
#include <thread>

#include "net/harness.hpp"

using anduin::ErrorKind;
using anduin::Result;
using namespace anduin::net;
using namespace anduin::net::test;
using Tcp = boost::asio::ip::tcp;

namespace {

struct Call {
  std::optional<Result<HttpResponse>> result;
  HttpClient::Callback callback() {
    return [this](Result<HttpResponse> r) {
      REQUIRE_FALSE(result);
      result = std::move(r);
    };
  }
};

Result<HttpResponse> fetch(EventLoop& loop, HttpClient& client, HttpRequest request) {
  Call call;
  client.send(std::move(request), call.callback());
  CHECK_FALSE(call.result);  // never inside send()
  wait_for(loop, [&] { return call.result.has_value(); });
  return std::move(*call.result);
}

/// Echoes what it was asked.
HttpHandlers echo(std::vector<ServerRequest>* log = nullptr) {
  return {.on_request = [log](ServerRequest request, Responder respond) {
    if (log) log->push_back(request);
    respond({.status = 200, .headers = {{"X-Method", request.method}}, .body = request.body});
  }};
}

/// A server that says exactly what the test wants, byte by byte.
struct RawServer {
  explicit RawServer(EventLoop& l) : loop(l), acceptor(l.context(), {boost::asio::ip::address_v4::loopback(), 0}) { accept(); }
  void accept() {
    acceptor.async_accept([this](const boost::system::error_code& fault, Tcp::socket socket) {
      if (fault) return;
      ++accepted;
      sockets.push_back(std::make_unique<Tcp::socket>(std::move(socket)));
      read(sockets.size() - 1);
      accept();
    });
  }
  void read(std::size_t i) {
    sockets[i]->async_read_some(boost::asio::buffer(buffer), [this, i](const boost::system::error_code& fault, std::size_t n) {
      if (fault) return;
      heard.append(buffer.data(), n);
      on_data(*sockets[i]);
      if (sockets[i]->is_open()) read(i);
    });
  }
  [[nodiscard]] Url url(const std::string& scheme = "http") const {
    return *Url::parse(scheme + "://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port()) + "/x");
  }
  EventLoop& loop;
  Tcp::acceptor acceptor;
  std::vector<std::unique_ptr<Tcp::socket>> sockets;
  std::array<char, 65536> buffer{};
  std::string heard;
  int accepted = 0;
  std::function<void(Tcp::socket&)> on_data = [](Tcp::socket&) {};
};

void say(Tcp::socket& socket, std::string_view text) {
  boost::system::error_code ignored;
  boost::asio::write(socket, boost::asio::buffer(text.data(), text.size()), ignored);
}

/// A plain blocking client for what HttpClient would never send; runs while the loop has its own thread.
std::string talk(std::uint16_t port, const std::string& text, bool read_to_end = true) {
  boost::asio::io_context context;
  Tcp::socket socket(context);
  socket.connect({boost::asio::ip::address_v4::loopback(), port});
  boost::system::error_code fault;
  boost::asio::write(socket, boost::asio::buffer(text), fault);
  std::string answer;
  if (read_to_end) boost::asio::read(socket, boost::asio::dynamic_buffer(answer), fault);
  return answer;
}

}  // namespace

TEST_CASE("a request and its answer, plain") {
  EventLoop loop;
  std::vector<ServerRequest> log;
  const auto server = serve(loop, echo(&log));
  HttpClient client(loop);
  const auto answer = fetch(loop, client, {.method = "POST",
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
  const auto server = serve(loop, echo(), {.tls = *TlsContext::server(files.certificate_file, files.key_file)});
  loop.start();
  {
    BlockingHttpClient client({.tls = *TlsContext::client({.ca_file = files.ca_file})});
    for (int i = 0; i < 5; ++i) {
      const auto answer = client.send({.method = "PUT", .url = local_url("https", *server), .body = std::to_string(i)});
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

TEST_CASE("connections are kept and shared up to the bound; the rest waits") {
  EventLoop loop;
  std::vector<Responder> open;
  const auto server = serve(loop, {.on_request = [&](ServerRequest, Responder respond) { open.push_back(respond); }});
  HttpClient client(loop, {.connections_per_origin_max = 3, .waiting_per_origin_max = 5});
  std::vector<Call> calls(9);
  for (auto& call : calls) client.send({.url = local_url("http", *server)}, call.callback());
  wait_for(loop, [&] { return open.size() == 3; });
  CHECK(server->connections() == 3);
  // Nine were sent at once: five may wait, so four were refused at once.
  const auto refused = std::ranges::count_if(calls, [](const Call& c) { return c.result && c.result->has_error(); });
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
  const auto answer = fetch(loop, client, {.method = "POST", .url = local_url("http", *server), .body = body});
  REQUIRE(answer.has_value());
  CHECK((answer->body == body));
  body.resize(3'000'001);
  const auto refused = fetch(loop, client, {.method = "POST", .url = local_url("http", *server), .body = body});
  REQUIRE(refused.has_error());
  CHECK(refused.error().kind == ErrorKind::kProtocol);
}

TEST_CASE("a request over the server's bounds gets 413 or 431") {
  EventLoop loop;
  const auto server = serve(loop, echo(), {.head_bytes_max = 2000, .body_bytes_max = 1000});
  HttpClient client(loop);
  const Url url = local_url("http", *server);
  CHECK(fetch(loop, client, {.method = "POST", .url = url, .body = std::string(2'000'000, 'x')})->status == 413);
  CHECK(fetch(loop, client, {.url = url, .headers = {{"X-Long", std::string(3000, 'x')}}})->status == 431);
  CHECK(fetch(loop, client, {.method = "POST", .url = url, .body = std::string(1000, 'x')})->status == 200);
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
  const auto answer = fetch(loop, client, {.url = *Url::parse("http://127.0.0.1:" + std::to_string(port) + "/")});
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
  text = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
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
  const TemporaryFolder folder;
  const auto files = *make_throwaway_ca(folder.path);
  EventLoop loop;
  // Two records in one write: the second one arrives with the first and waits inside OpenSSL.
  RawServer server(loop);
  SSL_CTX* const context = SSL_CTX_new(TLS_server_method());
  SSL_CTX_use_certificate_chain_file(context, files.certificate_file.c_str());
  SSL_CTX_use_PrivateKey_file(context, files.key_file.c_str(), SSL_FILETYPE_PEM);
  std::map<Tcp::socket*, SSL*> sessions;
  server.on_data = [&](Tcp::socket& socket) {
    SSL*& ssl = sessions[&socket];
    if (!ssl) {
      ssl = SSL_new(context);
      SSL_set_accept_state(ssl);
      SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    }
    BIO_write(SSL_get_rbio(ssl), server.heard.data(), static_cast<int>(server.heard.size()));
    server.heard.clear();
    std::array<char, 4096> plain{};
    if (SSL_read(ssl, plain.data(), static_cast<int>(plain.size())) > 0)
      for (const std::string text : {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
                                     "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"})
        SSL_write(ssl, text.data(), static_cast<int>(text.size()));
    char* data = nullptr;
    const long size = BIO_get_mem_data(SSL_get_wbio(ssl), &data);
    say(socket, {data, static_cast<std::size_t>(size)});
    (void)BIO_reset(SSL_get_wbio(ssl));
  };
  HttpClient client(loop, {.tls = *TlsContext::client({.ca_file = files.ca_file})});
  for (int i = 0; i < 3; ++i) CHECK(fetch(loop, client, {.url = server.url("https")})->body == "ok");
  CHECK(server.accepted == 3);
  for (const auto& [socket, ssl] : sessions) SSL_free(ssl);
  SSL_CTX_free(context);
}

TEST_CASE("a destroyed client calls nobody back, even from within a callback") {
  EventLoop loop;
  std::vector<Responder> open;
  const auto server = serve(loop, {.on_request = [&](ServerRequest, Responder respond) { open.push_back(respond); }});
  auto client = std::make_unique<HttpClient>(loop);
  int called = 0;
  for (int i = 0; i < 4; ++i)
    client->send({.url = local_url("http", *server)}, [&](const Result<HttpResponse>&) {
      ++called;
      client.reset();
    });
  const auto cancelled = client->send({.url = local_url("http", *server)}, [&](const Result<HttpResponse>&) { called += 100; });
  wait_for(loop, [&] { return open.size() == 5; });
  client->cancel(cancelled);
  for (const auto& respond : open) respond({});
  wait_for(loop, [&] { return called != 0; });
  loop.run_for(30);
  CHECK(called == 1);
}

TEST_CASE("what a handler does with its Responder") {
  EventLoop loop;
  std::optional<Responder> kept;
  const auto server = serve(loop, {.on_request = [&](ServerRequest r, Responder respond) {
    if (r.target == "/drop") return;
    if (r.target == "/cut") return respond.cut();
    if (r.target == "/keep") { kept = respond; return; }
    if (r.target == "/twice") respond({.status = 201});
    if (r.target == "/broken") return respond({.headers = {{"X", "a\r\nY: b"}}});
    respond({.status = 202});
  }});
  HttpClient client(loop);
  const auto get = [&](const std::string& target, std::int64_t ms = 5000) {
    return fetch(loop, client, {.url = local_url("http", *server, target), .timeout_ms = ms});
  };
  CHECK(get("/drop")->status == 500);
  CHECK(get("/cut").has_error());
  CHECK(get("/twice")->status == 201);
  CHECK(get("/broken")->status == 500);
  CHECK(get("/keep", 50).has_error());
  wait_for(loop, [&] { return server->connections() <= 1; });  // the client that gave up was noticed
  (*kept)({.status = 200});
  CHECK(get("/other")->status == 202);
}

TEST_CASE("a Responder may answer from another thread, also after the server has gone") {
  EventLoop loop;
  std::optional<Responder> kept;
  auto server = serve(loop, {.on_request = [&](ServerRequest, Responder respond) { kept = respond; }});
  HttpClient client(loop);
  Call call;
  client.send({.url = local_url("http", *server)}, call.callback());
  wait_for(loop, [&] { return kept.has_value(); });
  std::thread([respond = *kept] { respond({.status = 299}); }).join();
  wait_for(loop, [&] { return call.result.has_value(); });
  CHECK((*call.result)->status == 299);
  kept.reset();
  Call second;
  client.send({.url = local_url("http", *server)}, second.callback());
  wait_for(loop, [&] { return kept.has_value(); });
  server.reset();
  std::thread([respond = std::move(*kept)] { respond({}); }).join();
  wait_for(loop, [&] { return second.result.has_value(); });
  CHECK(second.result->has_error());
}

TEST_CASE("raw clients: pipelining, 1.0, no Host, expect, slow heads") {
  EventLoop loop;
  std::atomic<int> served{0};
  const auto server = serve(loop, {.on_request = [&](ServerRequest r, Responder respond) {
    ++served;
    respond({.body = r.target + r.body});
  }}, {.request_ms_max = 150, .idle_ms_max = 150});
  const auto port = server->port();
  loop.start();
  std::string many;
  for (int i = 0; i < 50; ++i) many += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: h\r\n\r\n";
  const std::string answers = talk(port, many);
  CHECK(served == 50);
  CHECK(answers.find("/49") != std::string::npos);
  CHECK(answers.find("/1HTTP") < answers.find("/2HTTP"));
  CHECK(talk(port, "GET /old HTTP/1.0\r\n\r\n").find("Connection: close") != std::string::npos);
  CHECK(talk(port, "GET / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 400"));
  CHECK(talk(port, "nonsense\r\n\r\n").starts_with("HTTP/1.1 400"));
  const std::string expect = talk(port, "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok");
  CHECK(expect.find("/ok") != std::string::npos);
  CHECK(talk(port, "GET / HTTP/1.1\r\nHost: ").empty());  // never finished: closed without a word
  std::size_t left = 1;
  for (int i = 0; i < 200 && left != 0; ++i) {
    loop.call([&] { left = server->connections(); });
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  CHECK(left == 0);
  loop.stop();
}

TEST_CASE("more connections than allowed are closed at once") {
  EventLoop loop;
  const auto server = serve(loop, echo(), {.connections_max = 2});
  HttpClient a(loop), b(loop), c(loop);
  const Url url = local_url("http", *server);
  CHECK(fetch(loop, a, {.url = url}).has_value());
  CHECK(fetch(loop, b, {.url = url}).has_value());
  CHECK(fetch(loop, c, {.url = url}).has_error());
}

TEST_CASE("a server that stops listening keeps its connections; cut_all ends them") {
  EventLoop loop;
  const auto server = serve(loop, echo());
  HttpClient client(loop), other(loop);
  const Url url = local_url("http", *server);
  CHECK(fetch(loop, client, {.url = url}).has_value());
  server->stop_listening();
  CHECK(fetch(loop, client, {.url = url}).has_value());
  CHECK(fetch(loop, other, {.url = url}).has_error());
  server->cut_all();
  CHECK(server->connections() == 0);
  CHECK(fetch(loop, client, {.url = url}).has_error());
}

TEST_CASE("a port in use and a wrong address are clear errors") {
  EventLoop loop;
  const auto server = serve(loop, echo());
  const auto second = HttpServer::listen(loop, {.port = server->port()}, echo());
  REQUIRE(second.has_error());
  CHECK(second.error().kind == ErrorKind::kFatal);
  CHECK(second.error().text.find("in use") != std::string::npos);
  CHECK(HttpServer::listen(loop, {.address = "not an address"}, echo()).has_error());
}
