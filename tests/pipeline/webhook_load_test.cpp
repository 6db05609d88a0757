// Does garbage at the webhook cost the venues their time? A feed of stamped frames runs through a loop like the host's;
// its p99 is taken idle, then beside 50 kept-alive terminals and 100 TLS handshakes of garbage a second.
// The attackers' own work, which in the world is done elsewhere, runs at the lowest priority of this machine; it still
// shares the cores, so the figure is an upper bound.
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <thread>

#include "net/event_loop.hpp"
#include "net/http_server.hpp"
#include "net/tls.hpp"
#include "net/ws_client.hpp"
#include "pipeline/webhook.hpp"
#include "plugin/manifest.hpp"
#include "support/raw_tls.hpp"
#include "support/result.hpp"
#include "support/webhook_host.hpp"

using namespace anduin;
using namespace anduin::test;

namespace {

constexpr int kTerminals = 50, kHandshakesPerSecond = 100, kFramesPerTick = 2;
constexpr std::int64_t kTickMs = 2, kMeasureMs = 4'000;
constexpr int kTries = 3;       // a machine that others share: the best of so many rounds counts
constexpr double kRatioMax = 2;

std::int64_t steady_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// A venue that sends stamped frames, on a loop of its own, and the host's end of it.
class Feed {
 public:
  Feed() {
    venue_.start();
    io_.start();
    std::uint16_t port = 0;
    venue_.call([&] {
      net::HttpHandlers h;
      h.on_upgrade = [this](const net::ServerRequest&, const std::shared_ptr<net::WsSession>& s) {
        session_ = s;
        return std::optional<net::HttpResponse>();
      };
      server_ = std::move(*net::HttpServer::listen(venue_, {}, h));
      port = server_->port();
      send();
    });
    io_.call([&] {
      client_ = std::make_unique<net::WsClient>(io_);
      net::WsCallbacks c;
      c.on_frames = [this](std::span<const net::WsFrame> frames) {
        for (const auto& f : frames) {
          const std::int64_t us = steady_us() - std::strtoll(std::string(f.text()).c_str(), nullptr, 10);
          if (measuring_) latencies_.push_back(us);
        }
      };
      client_->connect(*net::Url::parse("ws://127.0.0.1:" + std::to_string(port) + "/"), {}, nullptr, std::move(c), {});
    });
  }
  ~Feed() {
    io_.call([&] { client_.reset(); });
    venue_.call([&] {
      timer_.cancel();
      session_.reset();
      server_.reset();
    });
    io_.stop();
    venue_.stop();
  }
  /// p99 in microseconds over kMeasureMs.
  std::int64_t p99() {
    io_.call([&] {
      latencies_.clear();
      measuring_ = true;
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(kMeasureMs));
    std::vector<std::int64_t> taken;
    io_.call([&] {
      measuring_ = false;
      taken.swap(latencies_);
    });
    REQUIRE(taken.size() > 500);
    std::sort(taken.begin(), taken.end());
    return taken[taken.size() * 99 / 100];
  }
  net::EventLoop& io() { return io_; }

 private:
  void send() {
    timer_ = venue_.post_after(kTickMs, [this] { send(); });
    for (int i = 0; session_ && i < kFramesPerTick; ++i) static_cast<void>(session_->send_text(std::to_string(steady_us())));
  }
  net::EventLoop venue_{"venue"}, io_{"anduin-io"};
  std::unique_ptr<net::HttpServer> server_;
  std::shared_ptr<net::WsSession> session_;
  net::Timer timer_;
  std::unique_ptr<net::WsClient> client_;
  std::vector<std::int64_t> latencies_;
  bool measuring_ = false;
};

}  // namespace

TEST_CASE("webhook: garbage and kept-alive terminals leave the venues' p99 within twice of idle") {
  Feed feed;
  const WebhookHost folder;  // a folder for the certificate; no host is started
  const SystemClock clock;
  pipeline::WebhookSettings settings;
  settings.listen = {"127.0.0.1", 0};
  const auto made = net::make_throwaway_ca(folder.dir() / "own");
  REQUIRE(made);
  settings.certificate = made->certificate_file;
  settings.key = made->key_file;
  pipeline::Webhook webhook(clock, settings);
  webhook.add_venue("metatrader", {"anduin-hmac-v1", "application/json", 65'536, false});
  REQUIRE(webhook.add_key("metatrader", "ea_ic01", WebhookHost::kSecret,
                          [&](pipeline::InboundRequest, pipeline::Webhook::Answer answer) {
                            // As the host does: through the venues' loop and back.
                            feed.io().post([answer] { answer({200, "application/json", "{\"status\":\"ok\"}", 0}); });
                          }));
  REQUIRE(webhook.start());

  std::atomic<bool> loaded{false}, stop{false};
  std::atomic<int> handshakes{0}, answered{0};
  const auto elsewhere = [] { setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), 19); };
  std::thread strangers([&] {
    elsewhere();
    while (!stop) {
      const auto next = std::chrono::steady_clock::now() + std::chrono::microseconds(1'000'000 / kHandshakesPerSecond);
      if (loaded) {
        try {
          RawTls c(webhook.port(), 2'000);
          c.write(handshakes % 2 == 0 ? std::string(300, '\x81') + "\r\n\r\n" : "POST /webhook/metatrader HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\n");
          ++handshakes;
        } catch (const std::exception&) {
        }
      }
      std::this_thread::sleep_until(next);
    }
  });
  std::thread terminals([&] {
    elsewhere();
    std::vector<std::unique_ptr<Signer>> all;
    for (int i = 0; i < kTerminals; ++i)
      all.push_back(std::make_unique<Signer>("https://127.0.0.1:" + std::to_string(webhook.port()), made->ca_file, WebhookHost::kSecret));
    for (std::size_t i = 0; !stop; ++i) {
      const auto next = std::chrono::steady_clock::now() + std::chrono::microseconds(1'000'000 / kTerminals);
      if (loaded && all[i % all.size()]->post(SignedRequest{.body = "{\"type\":\"heartbeat\",\"timestamp\":1}"}).status == 200) ++answered;
      std::this_thread::sleep_until(next);
    }
  });
  double best = 1e9;
  for (int round = 0; round < kTries && best > kRatioMax; ++round) {
    loaded = false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1'000));
    const std::int64_t idle = feed.p99();
    const int h = handshakes, a = answered;
    loaded = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(2'000));  // all fifty are connected by then
    const std::int64_t busy = feed.p99();
    const double ratio = static_cast<double>(busy) / static_cast<double>(std::max<std::int64_t>(idle, 1));
    std::printf("venue feed p99: idle %lld us, with garbage %lld us (%.2f x); %d handshakes, %d terminals' requests in 6 s\n",
                static_cast<long long>(idle), static_cast<long long>(busy), ratio, handshakes - h, answered - a);
    CHECK(handshakes - h > 6 * kHandshakesPerSecond / 2);
    CHECK(answered - a > 6 * kTerminals / 2);
    best = std::min(best, ratio);
  }
  stop = true;
  strangers.join();
  terminals.join();
  CHECK(best <= kRatioMax);
}
