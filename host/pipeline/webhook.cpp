#include "pipeline/webhook.hpp"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/log.hpp"
#include "net/event_loop.hpp"
#include "net/http_server.hpp"
#include "net/tls.hpp"
#include "plugin/manifest.hpp"
#include "venue/inbound_auth.hpp"

namespace anduin::pipeline {
namespace {

/// Handshakes of strangers give way to the venues' thread where cores are short.
constexpr int kNice = 5;

net::HttpResponse response(const InboundAnswer& a) {
  net::HttpResponse out{a.status, {{"Content-Type", a.content_type}, {"Cache-Control", "no-store"}}, a.body};
  if (a.retry_after_s > 0) out.headers.emplace_back("Retry-After", std::to_string(a.retry_after_s));
  return out;
}

}  // namespace

InboundAnswer inbound_error(int status, const std::string& code, const std::string& message, std::int64_t now_ms,
                            int retry_after_s) {
  nlohmann::ordered_json body{{"error", code}, {"message", message}, {"serverTime", now_ms}};
  return {status, "application/json", body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace), retry_after_s};
}

struct Webhook::Impl : std::enable_shared_from_this<Webhook::Impl> {
  Impl(const Clock& c, WebhookSettings s) : clock(c), settings(std::move(s)), auth(c) {}

  struct Target {
    Handler handler;
    std::size_t in_flight = 0;
  };
  /// One request on its way through an account's feed; whoever is first, answer or deadline, ends it.
  struct Flight {
    net::Responder respond;
    Target* target;
    net::Timer deadline;
  };
  net::HttpResponse refuse(const venue::InboundRefusal& r) {
    ++refused;
    return response(inbound_error(r.status, r.code, r.message, clock.wall_ms(), r.retry_after_s));
  }

  void take(net::ServerRequest request, net::Responder respond) {
    ++requests;
    const auto verdict = auth.check({request.method, request.target, request.headers, request.body});
    if (const auto* no = std::get_if<venue::InboundRefusal>(&verdict)) {
      spdlog::debug("[webhook] {} {}: {} {}", request.remote, request.method, no->status, no->code);
      return respond(refuse(*no));
    }
    const auto& who = std::get<venue::InboundAuth::Verified>(verdict);
    Target& target = targets.at(who.venue + "\n" + who.key);
    if (target.in_flight >= kInFlightPerKeyMax)
      return respond(refuse({503, "busy", "this key has too many requests under way", 1}));
    ++target.in_flight;
    const std::uint64_t id = ++last_flight;
    Flight flight{std::move(respond), &target, loop.post_after(kAnswerMs, [this, id] {
                    if (!flights.contains(id)) return;
                    ++timed_out;
                    end(id, inbound_error(503, "busy", "not durable in time: send it again", clock.wall_ms(), 1));
                  })};
    flights.emplace(id, std::move(flight));
    // From any thread, perhaps never, perhaps after all this is gone.
    target.handler({request.target, who.key, std::move(request.body)}, [weak = weak_from_this(), id](InboundAnswer a) {
      const auto self = weak.lock();
      if (self) self->loop.post([raw = self.get(), id, a = std::move(a)] { raw->end(id, a); });
    });
  }

  void end(std::uint64_t id, const InboundAnswer& a) {
    const auto it = flights.find(id);
    if (it == flights.end()) return;
    Flight flight = std::move(it->second);
    flights.erase(it);
    --flight.target->in_flight;
    ++answered;
    flight.respond(response(a));
  }

  const Clock& clock;
  WebhookSettings settings;
  venue::InboundAuth auth;
  std::map<std::string, Target> targets;  ///< by venue and key; filled before the start
  net::EventLoop loop{"anduin-hook"};
  std::uint64_t last_flight = 0;
  std::unordered_map<std::uint64_t, Flight> flights;
  std::unique_ptr<net::HttpServer> server;
  std::uint16_t port = 0;
  std::size_t body_bytes_max = 0;
  std::atomic<std::uint64_t> requests{0}, refused{0}, answered{0}, timed_out{0};
};

Webhook::Webhook(const Clock& clock, const WebhookSettings& settings)
    : impl_(std::make_shared<Impl>(clock, settings)) {}
Webhook::~Webhook() { stop(); }

void Webhook::add_venue(const std::string& venue, const plugin::InboundRule& rule) {
  impl_->auth.add_venue(venue, rule.content_type, rule.body_bytes_max);
  impl_->body_bytes_max = std::max(impl_->body_bytes_max, rule.body_bytes_max);
}

Result<void> Webhook::add_key(const std::string& venue, const std::string& key, std::string_view secret, Handler handler) {
  if (!impl_->auth.add_key(venue, key, secret))
    return Error{ErrorKind::kBadRequest, venue, "two accounts have the key '" + key + "': give each its own"};
  impl_->targets[venue + "\n" + key].handler = std::move(handler);
  return {};
}

Result<void> Webhook::start() {
  auto tls = net::TlsContext::server(impl_->settings.certificate.string(), impl_->settings.key.string());
  if (!tls) return tls.error();
  net::HttpServerOptions o;
  o.address = impl_->settings.listen.host;
  o.port = impl_->settings.listen.port;
  o.tls = *tls;
  o.head_bytes_max = kHeadBytesMax;
  o.body_bytes_max = impl_->body_bytes_max;
  o.connections_max = kConnectionsMax;
  o.connections_per_address_max = kConnectionsPerAddressMax;
  o.request_ms_max = kRequestMs;
  o.idle_ms_max = kIdleMs;
  o.write_ms_max = kRequestMs;
  Impl* const raw = impl_.get();  // the server ends before it
  net::HttpHandlers handlers;
  handlers.on_request = [raw](net::ServerRequest r, net::Responder respond) { raw->take(std::move(r), std::move(respond)); };
  handlers.on_refusal = [raw](int status, const std::string& text, const std::string& method, const std::string& target) {
    ++raw->requests;
    return raw->refuse(raw->auth.refusal(status, text, method, target));
  };
  impl_->loop.start();
  Result<void> result;
  impl_->loop.call([&] {
    // On Linux a priority is a thread's; failing to lower it changes nothing else.
    static_cast<void>(setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), kNice));
    auto server = net::HttpServer::listen(raw->loop, std::move(o), std::move(handlers));
    if (!server) {
      result = server.error();
      return;
    }
    raw->server = std::move(*server);
    raw->port = raw->server->port();
  });
  if (result) spdlog::info("[webhook] listening on https://{}:{}", impl_->settings.listen.host, raw->port);
  return result;
}

void Webhook::stop() {
  impl_->loop.call([this] {
    impl_->flights.clear();
    impl_->server.reset();
  });
  impl_->loop.stop();
}

std::uint16_t Webhook::port() const { return impl_->port; }

Webhook::Counters Webhook::counters() const {
  return {impl_->requests, impl_->refused, impl_->answered, impl_->timed_out};
}

}  // namespace anduin::pipeline
