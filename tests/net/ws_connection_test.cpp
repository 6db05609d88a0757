// How connections end, on both sides: closing, cutting, muting, destroying.
#include "net/ws_connection.hpp"

#include <cstdlib>
#include <fstream>

#include "net/raw_ws.hpp"

using anduin::ErrorKind;
using namespace anduin::net;
using namespace anduin::net::test;

namespace {

long resident_kb() {
  std::ifstream in("/proc/self/statm");
  long total = 0, resident = 0;
  in >> total >> resident;
  return resident * 4;
}

}  // namespace

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

TEST_CASE("a session may speak, close or cut itself before the upgrade is answered") {
  EventLoop loop;
  const int what = GENERATE(0, 1, 2);
  const auto server = serve(
      loop, {.on_upgrade = [what](const ServerRequest&,
                                  const std::shared_ptr<WsSession>& session) -> std::optional<HttpResponse> {
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
                   .on_frames =
                       [&](std::span<const WsFrame>) {
                         if (where == 1) destroy();
                       },
                   .on_pong =
                       [&](std::string_view) {
                         if (where == 2) destroy();
                       },
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
