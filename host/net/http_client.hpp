// HTTP/1.1 requests with keep-alive: HttpClient on an EventLoop, BlockingHttpClient without one.
// Thread: HttpClient on its loop's thread; BlockingHttpClient from any, callers wait for each other.
// Lifetime: destroying a client cancels its requests; no callback runs after it or inside send().
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "net/http.hpp"
#include "net/url.hpp"

namespace anduin::net {

class EventLoop;
class TlsContext;

struct HttpClientOptions {
  std::shared_ptr<TlsContext> tls = nullptr;  ///< for https; made from the system's CAs when absent
  /// Venues limit requests, not sockets: 8 cover a burst, and few enough to stay unremarkable.
  std::size_t connections_per_origin_max = 8;
  /// Requests waiting for a connection, per origin; beyond it send() answers kRetryable.
  std::size_t waiting_per_origin_max = 1024;
  /// The largest instrument lists are about 10 MB.
  std::size_t body_bytes_max = 64U << 20U;
  /// An unused connection is closed after this; most servers close theirs after 60 s.
  std::int64_t idle_ms_max = 30'000;
};

struct HttpRequest {
  std::string method = "GET";
  Url url;
  /// Host, Content-Length, Transfer-Encoding and Connection are the client's own; naming them is kBadRequest.
  Headers headers = {};
  std::string body = {};
  std::int64_t timeout_ms = 10'000;  ///< waiting for a connection, DNS, connect, TLS and the whole answer
  /// May be sent a second time when a kept connection turns out to be dead before any byte of the answer.
  bool idempotent = false;
};

class HttpClient {
 public:
  using Callback = std::function<void(Result<HttpResponse>)>;
  using RequestId = std::uint64_t;

  explicit HttpClient(EventLoop& loop, HttpClientOptions options = {});
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// Any status is an answer; redirects are not followed. An Error means that no whole answer came:
  /// kRetryable (a request that is not idempotent may have been taken all the same), kAuth (certificate),
  /// kProtocol, kBadRequest.
  RequestId send(HttpRequest request, Callback callback);
  /// The callback will not run. Harmless when it already has.
  void cancel(RequestId id);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

class BlockingHttpClient {
 public:
  explicit BlockingHttpClient(HttpClientOptions options = {});
  ~BlockingHttpClient();
  BlockingHttpClient(const BlockingHttpClient&) = delete;
  BlockingHttpClient& operator=(const BlockingHttpClient&) = delete;

  /// Returns after at most request.timeout_ms. Errors as HttpClient::send.
  Result<HttpResponse> send(HttpRequest request);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace anduin::net
