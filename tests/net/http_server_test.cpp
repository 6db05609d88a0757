#include "net/http_server.hpp"

#include <atomic>
#include <boost/asio/read.hpp>
#include <thread>

#include "net/raw_http.hpp"

using anduin::ErrorKind;
using anduin::Result;
using namespace anduin::net;
using namespace anduin::net::test;

namespace {

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

TEST_CASE("a request over the server's bounds gets 413 or 431") {
  EventLoop loop;
  const auto server = serve(loop, echo(), {.head_bytes_max = 2000, .body_bytes_max = 1000});
  HttpClient client(loop);
  const Url url = local_url("http", *server);
  CHECK(fetch(loop, client, {.method = "POST", .url = url, .body = std::string(2'000'000, 'x')})->status ==
        413);
  CHECK(fetch(loop, client, {.url = url, .headers = {{"X-Long", std::string(3000, 'x')}}})->status == 431);
  CHECK(fetch(loop, client, {.method = "POST", .url = url, .body = std::string(1000, 'x')})->status == 200);
}

TEST_CASE("what a handler does with its Responder") {
  EventLoop loop;
  std::optional<Responder> kept;
  const auto server = serve(loop, {.on_request = [&](ServerRequest r, Responder respond) {
                              if (r.target == "/drop") return;
                              if (r.target == "/cut") return respond.cut();
                              if (r.target == "/keep") {
                                kept = respond;
                                return;
                              }
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
  const auto server = serve(loop,
                            {.on_request =
                                 [&](ServerRequest r, Responder respond) {
                                   ++served;
                                   respond({.body = r.target + r.body});
                                 }},
                            {.request_ms_max = 150, .idle_ms_max = 150});
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
  const std::string expect =
      talk(port, "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok");
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

TEST_CASE("a server that stops listening keeps its connections, cut_all ends them") {
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
