#include "chain/http_transport.hpp"

#include <algorithm>
#include <charconv>

#include "net/http_client.hpp"

namespace anduin::chain {

namespace {

/// A rate limit without Retry-After: what most vendors of nodes mean by their per-second limits.
constexpr std::int64_t kRetryAfterMs = 1'000;
/// A longer pause than this is not a rate limit, it is an outage; the endpoint's health decides then.
constexpr std::int64_t kRetryAfterMsMax = 60'000;
/// eth_getLogs of a full window; a receipt of a batch is below 200 kB.
constexpr std::size_t kBodyBytesMax = 64U << 20U;
constexpr std::size_t kQuotedBytesMax = 200;

std::int64_t retry_after_ms(const net::HttpResponse& response) {
  const auto text = response.header("Retry-After");
  std::int64_t seconds = 0;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), seconds).ec != std::errc{} ||
      seconds < 0)
    return kRetryAfterMs;
  return std::min(std::max(seconds, std::int64_t{1}), kRetryAfterMsMax / 1'000) * 1'000;
}

}  // namespace

struct HttpTransport::Impl {
  Impl(net::Url u, std::shared_ptr<net::TlsContext> tls)
      : url(std::move(u)), client({.tls = std::move(tls), .body_bytes_max = kBodyBytesMax}) {}
  net::Url url;
  net::BlockingHttpClient client;
};

HttpTransport::HttpTransport(std::unique_ptr<Impl> impl, std::string name)
    : impl_(std::move(impl)), name_(std::move(name)) {}
HttpTransport::~HttpTransport() = default;

Result<std::unique_ptr<HttpTransport>> HttpTransport::create(const std::string& url,
                                                             std::shared_ptr<net::TlsContext> tls) {
  auto parsed = net::Url::parse(url);
  // The parser's text may quote the URL, and with it a key.
  if (!parsed) return Error{ErrorKind::kBadRequest, "rpc", "not an http or https URL"};
  if (parsed->websocket())
    return Error{ErrorKind::kBadRequest, "rpc " + parsed->origin(), "give an http or https URL"};
  std::string name = "rpc " + parsed->origin();
  auto impl = std::make_unique<Impl>(std::move(*parsed), std::move(tls));
  return std::unique_ptr<HttpTransport>(new HttpTransport(std::move(impl), std::move(name)));
}

Result<std::string> HttpTransport::post(const std::string& body, int timeout_ms) {
  net::HttpRequest request;
  request.method = "POST";
  request.url = impl_->url;
  request.headers = {{"Content-Type", "application/json"}, {"Accept", "application/json"}};
  request.body = body;
  request.timeout_ms = timeout_ms;
  // Everything we ask may be asked twice: sending the same raw bytes again is harmless by design.
  request.idempotent = true;
  auto response = impl_->client.send(std::move(request));
  if (!response) return Error{response.error().kind, name_, response.error().text};

  const int status = response->status;
  if (status >= 200 && status < 300) return std::move(response->body);
  if (status == 429)
    return Error{ErrorKind::kRetryableAfter, name_, "rate limit (429)", {}, retry_after_ms(*response)};
  if (status == 401 || status == 403)
    return Error{ErrorKind::kAuth, name_,
                 "refused with status " + std::to_string(status) + ": check the URL's key"};
  // Some nodes put the status of the RPC error on the HTTP answer; its body is still the answer.
  if (response->body.find("\"jsonrpc\"") != std::string::npos) return std::move(response->body);
  return Error{ErrorKind::kRetryable, name_,
               "status " + std::to_string(status) + ": " + response->body.substr(0, kQuotedBytesMax)};
}

}  // namespace anduin::chain
