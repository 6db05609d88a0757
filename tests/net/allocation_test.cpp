// Counts the heap allocations between a frame's arrival and its hand-over: there must be none per frame.
#include <atomic>
#include <cstdlib>
#include <new>

#include "net/harness.hpp"

#pragma GCC diagnostic ignored "-Wmismatched-new-delete"  // seen through inlining; they do match

namespace {
std::atomic<long> allocations{0};
}

void* operator new(std::size_t size) {
  ++allocations;
  if (void* p = std::malloc(size ? size : 1)) return p;
  throw std::bad_alloc();
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }

using namespace anduin::net;
using namespace anduin::net::test;

TEST_CASE("receiving does not allocate, one frame at a time and many at once") {
  const bool tls = GENERATE(false, true);
  INFO("tls " << tls);
  const TemporaryFolder folder;
  const auto files = *make_throwaway_ca(folder.path);
  EventLoop server_loop, loop;
  auto server = std::make_unique<WsServer>(
      server_loop,
      HttpServerOptions{.tls = tls ? *TlsContext::server(files.certificate_file, files.key_file) : nullptr});
  const Url url = server->url(tls ? "wss" : "ws");
  server_loop.start();
  long frames = 0;
  bool opened = false;
  auto client = std::make_unique<WsClient>(loop);
  client->connect(
      url, {}, *TlsContext::client({.ca_file = files.ca_file}),
      {.on_open = [&](const Headers&) { opened = true; },
       .on_frames = [&](std::span<const WsFrame> batch) { frames += static_cast<long>(batch.size()); }});
  wait_for(loop, [&] { return opened; });
  const std::string text(200, 'x');
  const auto send = [&](int count) {
    server_loop.call([&] {
      for (int i = 0; i < count; ++i) (void)server->sessions.at(0)->send_text(text);
    });
  };
  const auto receive = [&](long until) {
    const std::function<bool()> done = [&, until] { return frames == until; };
    const long before = allocations;
    const bool came = loop.run_until(done, kPatienceMs);
    const long counted = allocations - before;
    REQUIRE(came);
    return counted;
  };
  send(2000);
  (void)receive(2000);  // the shared buffers have grown
  long one_by_one = 0;
  for (int i = 1; i <= 500; ++i) {
    send(1);
    one_by_one += receive(2000 + i);
  }
  send(2000);
  const long together = receive(4500);
  INFO("one by one " << one_by_one << ", together " << together);
  CHECK(one_by_one <= 5);
  // A frame cut in two by the end of a read is put together on the heap: a few per read, none per frame.
  CHECK(together <= 60);
  client.reset();
  server_loop.call([&] { server.reset(); });
  server_loop.stop();
}
