// (b) One I/O thread over loopback TLS: frames a second sustained, and latency from the sender's scheduled time to the
// published aggregate. A child process on the other core sends Bybit orderbook.1 frames, one TLS record each.
// Beside it the floor of the same run: the same socket reader that decodes nothing.
//   wire_bench [--seconds S]
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "net/event_loop.hpp"
#include "net/tls.hpp"
#include "net/ws_client.hpp"
#include "net/ws_codec.hpp"
#include "support/host_path.hpp"

using namespace anduin::net;
using anduin::test::bybit_frame;
using anduin::test::HostPath;

namespace {

constexpr std::int64_t kFirstCts = 1'699'764'797'510;  // the frame's number is its venue time minus this

/// Shared with the sender: when frame 0 is due.
struct Schedule {
  std::atomic<std::uint64_t> first_due_ns;
};

std::uint64_t now_ns() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                        std::chrono::steady_clock::now().time_since_epoch())
                                        .count());
}

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

void pin(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  sched_setaffinity(0, sizeof set, &set);
}

/// One peer of the blaster: blocking socket, TLS through memory so that a batch of records is one send.
struct Peer {
  int fd = -1;
  SSL* ssl = nullptr;
  BIO* out = nullptr;
  std::string wire;

  void add(const std::string& frame) {
    if (!ssl) {
      wire += frame;
      return;
    }
    SSL_write(ssl, frame.data(), static_cast<int>(frame.size()));
  }
  bool flush() {
    if (ssl) {
      char* data = nullptr;
      const long size = BIO_get_mem_data(out, &data);
      wire.assign(data, static_cast<std::size_t>(size));
      (void)BIO_reset(out);
    }
    std::size_t at = 0;
    while (at < wire.size()) {
      const ssize_t n = ::send(fd, wire.data() + at, wire.size() - at, MSG_NOSIGNAL);
      if (n <= 0) return false;
      at += static_cast<std::size_t>(n);
    }
    wire.clear();
    return true;
  }
};

std::string read_head(Peer& peer) {
  std::string head;
  std::vector<char> buffer(65536);
  while (head.find("\r\n\r\n") == std::string::npos) {
    int n = 0;
    if (peer.ssl) n = SSL_read(peer.ssl, buffer.data(), static_cast<int>(buffer.size()));
    else n = static_cast<int>(::recv(peer.fd, buffer.data(), buffer.size(), 0));
    if (n <= 0) die("blaster: upgrade");
    head.append(buffer.data(), static_cast<std::size_t>(n));
  }
  return head;
}

Peer accept_peer(int listener, SSL_CTX* context) {
  Peer peer;
  peer.fd = ::accept(listener, nullptr, nullptr);
  if (peer.fd < 0) die("accept");
  const int one = 1;
  ::setsockopt(peer.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (context) {
    peer.ssl = SSL_new(context);
    SSL_set_fd(peer.ssl, peer.fd);
    if (SSL_accept(peer.ssl) != 1) die("SSL_accept");
  }
  const std::string head = read_head(peer);
  const auto key = head.find("Sec-WebSocket-Key: ") + 19;
  const std::string answer =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
      "Upgrade\r\nSec-WebSocket-Accept: " +
      ws_accept_for(std::string_view(head).substr(key, 24)) + "\r\n\r\n";
  if (peer.ssl) SSL_write(peer.ssl, answer.data(), static_cast<int>(answer.size()));
  else (void)!::send(peer.fd, answer.data(), answer.size(), MSG_NOSIGNAL);
  if (peer.ssl) {
    peer.out = BIO_new(BIO_s_mem());
    SSL_set0_wbio(peer.ssl, peer.out);
  }
  return peer;
}

[[noreturn]] void send_frames(int listener, const ThrowawayCa& files, long rate, Schedule* schedule) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  pin(0);
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_use_certificate_chain_file(context, files.certificate_file.c_str());
  SSL_CTX_use_PrivateKey_file(context, files.key_file.c_str(), SSL_FILETYPE_PEM);
  Peer peer = accept_peer(listener, context);
  std::int64_t bid = 9'650'010;
  std::uint64_t state = 88172645463325252ULL;
  const auto frame = [&](std::int64_t number) {
    state ^= state << 13U, state ^= state >> 7U, state ^= state << 17U;
    bid += static_cast<std::int64_t>(state % 21) - 10;
    std::string out;
    ws_append_frame(out, WsKind::kText, true, bybit_frame(kFirstCts + number, bid), nullptr);
    return out;
  };
  if (rate == 0) {
    std::vector<std::string> frames;
    for (int i = 0; i < 1000; ++i) frames.push_back(frame(i));
    for (;;) {
      for (std::size_t i = 0; i < frames.size(); ++i) {
        peer.add(frames[i]);
        if (i % 200 == 199 && !peer.flush()) std::exit(0);
      }
    }
  }
  const std::uint64_t step = 1'000'000'000ULL / static_cast<std::uint64_t>(rate);
  const std::uint64_t first = now_ns() + 50'000'000;
  schedule->first_due_ns = first;
  for (std::int64_t i = 0;; ++i) {
    const std::string out = frame(i);
    while (now_ns() < first + static_cast<std::uint64_t>(i) * step) {}
    peer.add(out);
    if (!peer.flush()) std::exit(0);
  }
}

struct Outcome {
  double frames_per_s = 0;
  double p50_us = 0, p99_us = 0, p999_us = 0;
};

Outcome measure(long rate, double seconds, bool decode) {
  std::string folder = (std::filesystem::temp_directory_path() / "anduin-wire-XXXXXX").string();
  if (!::mkdtemp(folder.data())) die("mkdtemp");
  const auto files = *make_throwaway_ca(folder);
  auto* schedule = new (::mmap(nullptr, sizeof(Schedule), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) Schedule{};
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || ::listen(listener, 4) != 0 ||
      ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    die("listen");
  const pid_t child = ::fork();
  if (child == 0) send_frames(listener, files, rate, schedule);
  pin(1);
  ::close(listener);

  std::uint64_t frames = 0;
  std::vector<std::uint64_t> late;
  late.reserve(1U << 22U);
  const std::uint64_t step = rate > 0 ? 1'000'000'000ULL / static_cast<std::uint64_t>(rate) : 0;
  HostPath path(std::string(PLUGIN_DIR) + "/anduin-bybit.so", "linear", {"BTCUSDT"});
  bool counting = false;
  if (rate > 0)
    path.on_published = [&](std::int64_t cts) {
      if (counting) late.push_back(now_ns() - (schedule->first_due_ns + static_cast<std::uint64_t>(cts - kFirstCts) * step));
    };
  EventLoop loop;
  const auto tls = *TlsContext::client({.ca_file = files.ca_file});
  const Url url = *Url::parse("wss://127.0.0.1:" + std::to_string(ntohs(address.sin_port)));
  WsClient client(loop);
  std::vector<anduin::venue::FrameBytes> bytes;
  bool closed = false;
  WsCallbacks callbacks;
  callbacks.on_frames = [&](std::span<const WsFrame> batch) {
    frames += batch.size();
    if (!decode) return;
    bytes.clear();
    for (const WsFrame& f : batch)
      bytes.push_back({f.data, static_cast<std::uint32_t>(f.size), static_cast<std::uint32_t>(f.capacity)});
    path.feed(bytes);
  };
  callbacks.on_close = [&](const WsClosed& c) {
    std::fprintf(stderr, "closed: %s\n", c.error.to_string().c_str());
    closed = true;
  };
  client.connect(url, {}, tls, callbacks);
  loop.run_until([&] { return frames > 0 || closed; }, 10'000);
  loop.run_for(500);  // warm
  counting = true;
  const std::uint64_t before = frames, start = now_ns();
  loop.run_for(static_cast<std::int64_t>(seconds * 1000));
  const double took = static_cast<double>(now_ns() - start) * 1e-9;
  Outcome out;
  out.frames_per_s = static_cast<double>(frames - before) / took;
  if (decode && path.prices() + 1 < frames) std::fprintf(stderr, "not every frame became a price\n");
  std::sort(late.begin(), late.end());
  const auto at = [&](double q) { return late.empty() ? 0.0 : static_cast<double>(late[static_cast<std::size_t>(q * static_cast<double>(late.size() - 1))]) / 1000; };
  out.p50_us = at(0.5);
  out.p99_us = at(0.99);
  out.p999_us = at(0.999);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::munmap(schedule, sizeof(Schedule));
  std::filesystem::remove_all(folder);
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  double seconds = 3;
  if (argc == 3 && std::string(argv[1]) == "--seconds") seconds = std::atof(argv[2]);
  const Outcome floor = measure(0, seconds, false);
  const Outcome full = measure(0, seconds, true);
  std::printf("sustained over TLS, one I/O thread: floor (socket reader alone) %.0f frames/s, host path %.0f frames/s\n", floor.frames_per_s, full.frames_per_s);
  for (const long rate : {10'000L, 50'000L}) {
    const Outcome o = measure(rate, seconds, true);
    std::printf("paced %ld frames/s: p50 %.1f us, p99 %.1f us, p99.9 %.1f us from the scheduled time (%.0f frames/s seen)\n", rate, o.p50_us, o.p99_us, o.p999_us, o.frames_per_s);
  }
  return 0;
}
