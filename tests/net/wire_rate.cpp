// How fast frames come in: a blaster in a child process sends 200-byte text frames over loopback TLS, one
// record per frame, and this process counts what WsClient hands over. Not a ctest; see docs on benchmarks for
// how it is run.
//   net_wire_rate [--plain] [--rate N] [--seconds S] [--connections C]
// Without --rate the blaster sends without pause. With it, frames are paced and latencies from the scheduled
// send time are printed (p50, p99, p99.9 in microseconds).
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
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

using namespace anduin::net;

namespace {

struct Options {
  bool plain = false;
  long rate = 0;
  double seconds = 3;
  int connections = 1;
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

/// The payload holds its scheduled send time in its first 20 characters.
std::string make_frame(std::uint64_t scheduled_ns) {
  std::string payload(200, 'x');
  char stamp[24];
  std::snprintf(stamp, sizeof stamp, "%020llu", static_cast<unsigned long long>(scheduled_ns));
  std::memcpy(payload.data(), stamp, 20);
  std::string out;
  ws_append_frame(out, WsKind::kText, true, payload, nullptr);
  return out;
}

[[noreturn]] void blast(int listener, const ThrowawayCa& files, const Options& options) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  pin(0);
  SSL_CTX* context = nullptr;
  if (!options.plain) {
    context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_num_tickets(context, 0);
    SSL_CTX_use_certificate_chain_file(context, files.certificate_file.c_str());
    SSL_CTX_use_PrivateKey_file(context, files.key_file.c_str(), SSL_FILETYPE_PEM);
  }
  std::vector<Peer> peers;
  for (int i = 0; i < options.connections; ++i) peers.push_back(accept_peer(listener, context));
  const std::string frame = make_frame(0);
  if (options.rate == 0) {
    constexpr int kBatch = 200;
    for (std::size_t i = 0;; ++i) {
      Peer& peer = peers[i % peers.size()];
      for (int n = 0; n < kBatch; ++n) peer.add(frame);
      if (!peer.flush()) std::exit(0);
    }
  }
  const std::uint64_t step = 1'000'000'000ULL / static_cast<std::uint64_t>(options.rate);
  std::uint64_t due = now_ns() + 50'000'000;
  for (std::size_t i = 0;; ++i, due += step) {
    while (now_ns() < due) {}
    Peer& peer = peers[i % peers.size()];
    peer.add(make_frame(due));
    if (!peer.flush()) std::exit(0);
  }
}

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const auto value = [&] { return i + 1 < argc ? argv[++i] : "0"; };
    if (word == "--plain") options.plain = true;
    else if (word == "--rate") options.rate = std::atol(value());
    else if (word == "--seconds") options.seconds = std::atof(value());
    else if (word == "--connections") options.connections = std::atoi(value());
    else std::exit((std::fprintf(stderr, "unknown option %s\n", word.c_str()), 2));
  }
  return options;
}

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  std::string folder = (std::filesystem::temp_directory_path() / "anduin-wire-XXXXXX").string();
  if (!::mkdtemp(folder.data())) die("mkdtemp");
  const auto files = *make_throwaway_ca(folder);
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener, 1024) != 0 ||
      ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    die("listen");
  const pid_t child = ::fork();
  if (child == 0) blast(listener, files, options);
  pin(1);
  ::close(listener);

  EventLoop loop;
  const auto tls = *TlsContext::client({.ca_file = files.ca_file});
  const Url url = *Url::parse((options.plain ? "ws://127.0.0.1:" : "wss://127.0.0.1:") +
                              std::to_string(ntohs(address.sin_port)));
  std::uint64_t frames = 0, batches = 0;
  std::vector<std::uint64_t> latencies;
  bool measuring = false;
  std::vector<std::unique_ptr<WsClient>> clients;
  for (int i = 0; i < options.connections; ++i) {
    clients.push_back(std::make_unique<WsClient>(loop));
    clients.back()->connect(
        url, {}, tls,
        {.on_frames =
             [&](std::span<const WsFrame> batch) {
               ++batches;
               frames += batch.size();
               if (options.rate == 0 || !measuring) return;
               const std::uint64_t now = now_ns();
               for (const auto& f : batch)
                 latencies.push_back(now -
                                     std::strtoull(std::string(f.text().substr(0, 20)).c_str(), nullptr, 10));
             },
         .on_close =
             [](const WsClosed& c) {
               std::fprintf(stderr, "closed: %s\n", c.error.to_string().c_str());
               std::exit(1);
             }});
  }
  const auto resident_kb = [] {
    long total = 0, resident = 0;
    if (FILE* in = std::fopen("/proc/self/statm", "r")) {
      if (std::fscanf(in, "%ld %ld", &total, &resident) != 2) resident = 0;
      std::fclose(in);
    }
    return resident * 4;
  };
  const long resident_before = resident_kb();
  loop.run_until([&] { return frames > 1000; }, 20'000);
  loop.run_for(300);
  std::printf("resident: %.1f KB a connection\n",
              static_cast<double>(resident_kb() - resident_before) / options.connections);
  latencies.reserve(10'000'000);
  measuring = true;
  frames = batches = 0;
  const double cpu_before = cpu_seconds();
  const std::uint64_t begin = now_ns();
  loop.run_for(static_cast<std::int64_t>(options.seconds * 1000));
  const double took = static_cast<double>(now_ns() - begin) * 1e-9;
  const double cpu = cpu_seconds() - cpu_before;
  std::printf("%s connections %d: %.0f frames/s, %.1f frames a batch, %.2f CPU s/M, %.0f%% of a core\n",
              options.plain ? "plain" : "TLS", options.connections, static_cast<double>(frames) / took,
              static_cast<double>(frames) / static_cast<double>(batches),
              cpu * 1e6 / static_cast<double>(frames), 100 * cpu / took);
  if (options.rate != 0 && !latencies.empty()) {
    std::ranges::sort(latencies);
    const auto at = [&](double q) {
      return static_cast<double>(
                 latencies[static_cast<std::size_t>(q * static_cast<double>(latencies.size() - 1))]) /
             1000;
    };
    std::printf("latency us: p50 %.1f p99 %.1f p99.9 %.1f max %.1f\n", at(.5), at(.99), at(.999), at(1));
  }
  clients.clear();
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  std::filesystem::remove_all(folder);
}
