#include "venue/outbound.hpp"

#include "plugin/instance.hpp"
#include "venue/egress.hpp"
#include "venue/redaction.hpp"
#include "venue/renderer.hpp"

namespace anduin::venue {
namespace {

using plugin::text_of;

/// "wss://host:port/path?query" -> {"host:port", "/path"}.
std::pair<std::string_view, std::string_view> host_and_path(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  url.remove_prefix(scheme + 3);
  const std::size_t slash = std::min(url.find('/'), url.size());
  const std::string_view host = url.substr(0, slash);
  url.remove_prefix(slash);
  return {host, url.substr(0, std::min(url.find('?'), url.size()))};
}

HeaderList header_lines(std::string_view lines) {
  HeaderList out;
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    const std::string_view line = lines.substr(0, end);
    const std::size_t colon = line.find(": ");
    if (colon != std::string_view::npos) out.emplace_back(line.substr(0, colon), line.substr(colon + 2));
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
  return out;
}

}  // namespace

struct Outbound::Impl {
  Impl(const plugin::Manifest& m, OutboundOptions o, EgressPolicy e, Renderer r, RateLimiter l, Redaction red)
      : manifest(m), options(std::move(o)), egress(std::move(e)), renderer(std::move(r)), limiter(std::move(l)),
        redaction(std::move(red)) {}

  [[nodiscard]] RenderContext context(std::string_view url) const {
    RenderContext c;
    c.credentials = options.credentials.get();
    c.venue_ms = options.venue_now_ms();
    c.next_nonce = options.next_nonce;
    std::tie(c.host, c.path) = host_and_path(url);
    return c;
  }

  const plugin::Manifest& manifest;
  OutboundOptions options;
  EgressPolicy egress;
  Renderer renderer;
  RateLimiter limiter;
  Redaction redaction;
};

Outbound::Outbound(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Outbound::~Outbound() = default;

Result<std::unique_ptr<Outbound>> Outbound::create(const plugin::Manifest& manifest, OutboundOptions options,
                                                   Clock& clock) {
  static const nlohmann::json kNone;
  const auto part = [&](const char* name) -> const nlohmann::json& {
    return manifest.json.contains(name) ? manifest.json.at(name) : kNone;
  };
  EgressPolicy::Options egress_options;
  egress_options.endpoint_overrides = options.endpoints;
  egress_options.account = options.account;
  auto egress = EgressPolicy::create(manifest.json, std::move(egress_options));
  if (!egress) return egress.error();
  auto renderer = Renderer::create(part("sign"));
  if (!renderer) return renderer.error();
  auto limiter = RateLimiter::create(part("rates"), manifest.id, clock, options.budgets);
  if (!limiter) return limiter.error();
  auto redaction = Redaction::create(part("sensitive"));
  if (!redaction) return redaction.error();
  return std::unique_ptr<Outbound>(new Outbound(
      std::make_unique<Impl>(manifest, std::move(options), std::move(*egress), std::move(*renderer),
                             std::move(*limiter), std::move(*redaction))));
}

Result<SocketRequest> Outbound::open(const and_rec_open& record, std::int64_t open_ms) {
  const std::string_view endpoint = text_of(record.h, record.endpoint);
  SocketRequest out;
  out.open_ms = open_ms;
  std::string_view target = text_of(record.h, record.target);
  std::string_view headers = text_of(record.h, record.headers);
  RenderedRequest rendered;
  auto base = impl_->egress.url(endpoint);
  if (!base) return base.error();
  if (impl_->options.render && (!target.empty() || !headers.empty())) {
    auto r = impl_->renderer.render_open(target, headers, impl_->context(*base));
    if (!r) return r.error();
    rendered = std::move(*r);
    out.headers = rendered.headers;
  }
  const std::string_view given = text_of(record.h, record.url);
  if (!given.empty()) {
    out.url = given;
  } else {
    auto url = impl_->egress.url(endpoint, target.empty() ? "" : impl_->options.render ? rendered.target() : std::string(target));
    if (!url) return url.error();
    out.url = std::move(*url);
  }
  for (std::string& value : rendered.sensitive) impl_->redaction.add(std::move(value));
  if (auto allowed = impl_->egress.allow_open(endpoint, out.url, rendered); !allowed) return allowed.error();
  return out;
}

Result<HttpCall> Outbound::request(const and_rec_http& record) {
  const and_rec& h = record.h;
  const std::string_view endpoint = text_of(h, record.endpoint);
  HttpCall out;
  out.request = h.id;
  out.timeout_ms = record.timeout_ms == 0 ? 10'000 : record.timeout_ms;
  out.idempotent = (h.flags & AND_HTTP_IDEMPOTENT) != 0;
  const std::string_view target = text_of(h, record.target);
  if (!impl_->options.render) {
    auto url = impl_->egress.url(endpoint, target);
    if (!url) return url.error();
    out.method = text_of(h, record.method);
    out.url = std::move(*url);
    out.headers = header_lines(text_of(h, record.headers));
    out.body = text_of(h, record.body);
    return out;
  }
  auto base = impl_->egress.url(endpoint);
  if (!base) return base.error();
  auto rendered = impl_->renderer.render_http(
      {text_of(h, record.method), target, text_of(h, record.headers), text_of(h, record.body), text_of(h, record.sign), text_of(h, record.args)},
      impl_->context(*base));
  if (!rendered) return rendered.error();
  for (std::string& s : rendered->sensitive) impl_->redaction.add(std::move(s));
  if (auto allowed = impl_->egress.allow(endpoint, *rendered); !allowed) return allowed.error();
  auto url = impl_->egress.url(endpoint, rendered->target());
  if (!url) return url.error();
  out.method = std::move(rendered->method);
  out.url = std::move(*url);
  out.headers = std::move(rendered->headers);
  out.body = std::move(rendered->body);
  return out;
}

Result<std::string> Outbound::frame(const and_rec_send& record, std::string_view endpoint) {
  const and_rec& h = record.h;
  if (!impl_->options.render) return std::string(text_of(h, record.payload));
  auto url = impl_->egress.url(endpoint);
  if (!url) return url.error();
  auto rendered = impl_->renderer.render_frame(
      {text_of(h, record.payload), text_of(h, record.sign), text_of(h, record.args)}, impl_->context(*url));
  if (!rendered) return rendered.error();
  for (std::string& s : rendered->sensitive) impl_->redaction.add(std::move(s));
  if (auto allowed = impl_->egress.allow_frame(endpoint, *rendered, record.opcode); !allowed) return allowed.error();
  return std::move(rendered->text);
}

Result<Permit> Outbound::acquire(std::string_view rate_class, std::uint32_t cost) {
  return impl_->limiter.acquire(rate_class, cost);
}

void Outbound::answered(std::string_view rate_class, const HttpAnswer& answer) {
  impl_->limiter.release(rate_class);
  if (answer.status > 0) impl_->limiter.on_reply(rate_class, answer.status, answer.headers, impl_->options.venue_now_ms());
}

void Outbound::learned(std::string_view rate_class, std::int64_t remaining, std::int64_t reset_ms) {
  static_cast<void>(impl_->limiter.feed(rate_class, remaining, reset_ms, impl_->options.venue_now_ms()));
}

void Outbound::redact_answer(std::string_view body) { impl_->redaction.learn(body); }

}  // namespace anduin::venue
