#include "net/http_client.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "net/connector.hpp"
#include "net/http_call.hpp"
#include "net/tls.hpp"

namespace anduin::net {
namespace {

/// What makes this request unfit to be sent.
std::optional<std::string> request_fault(const HttpRequest& request) {
  if (!http_token(request.method)) return "\"" + request.method + "\" is not a method";
  if (request.url.websocket()) return "the scheme must be http or https";
  if (request.url.host.empty() || request.url.target.empty()) return "the URL is empty";
  if (find_header(request.headers, "Host")) return "the header Host comes from the URL";
  return header_fault(request.headers);
}

struct Job {
  HttpClient::RequestId id = 0;
  HttpRequest request;
  HttpClient::Callback callback;
  Timer timer;
  std::shared_ptr<Connector> connector;
  std::shared_ptr<HttpCall> call;
  bool on_kept_connection = false;
  bool fresh_only = false;  ///< the second try after a dead kept connection
};

struct KeptConnection {
  std::unique_ptr<Stream> stream;
  Timer timer;
};

struct Pool {
  std::size_t busy = 0;  ///< connecting or in a call
  std::vector<std::shared_ptr<KeptConnection>> kept;
  std::deque<std::shared_ptr<Job>> waiting;
};

}  // namespace

struct HttpClient::Impl : std::enable_shared_from_this<Impl> {
  Impl(EventLoop& l, HttpClientOptions o) : loop(l), options(std::move(o)) {}

  EventLoop& loop;
  HttpClientOptions options;
  std::map<std::string, Pool> pools;
  std::map<RequestId, std::shared_ptr<Job>> jobs;
  RequestId last_id = 0;

  /// A call from the loop that does nothing once the client is gone.
  template <class F>
  void later(F f) {
    loop.post([weak = weak_from_this(), f = std::move(f)] {
      if (const auto self = weak.lock()) f(*self);
    });
  }

  RequestId send(HttpRequest request, Callback callback) {
    const auto job = std::make_shared<Job>();
    job->id = ++last_id;
    job->request = std::move(request);
    job->callback = std::move(callback);
    jobs[job->id] = job;
    if (auto fault = refuse(*job)) {
      later([id = job->id, error = std::move(*fault)](Impl& self) { self.finish(id, error); });
      return job->id;
    }
    job->timer = loop.post_after(job->request.timeout_ms, [weak = weak_from_this(), id = job->id] {
      if (const auto self = weak.lock()) self->timed_out(id);
    });
    pools[job->request.url.origin()].waiting.push_back(job);
    later([origin = job->request.url.origin()](Impl& self) { self.dispatch(origin); });
    return job->id;
  }

  std::optional<Error> refuse(const Job& job) {
    const std::string origin = job.request.url.origin();
    if (auto fault = request_fault(job.request))
      return Error{.kind = ErrorKind::kBadRequest, .where = origin, .text = std::move(*fault)};
    if (job.request.url.tls() && !options.tls) {
      auto made = TlsContext::client();
      if (made.has_error()) return made.error();
      options.tls = std::move(*made);
    }
    const auto pool = pools.find(origin);
    if (pool != pools.end() && pool->second.waiting.size() >= options.waiting_per_origin_max)
      return Error{.kind = ErrorKind::kRetryable,
                   .where = origin,
                   .text = std::to_string(options.waiting_per_origin_max) + " requests are already waiting"};
    return std::nullopt;
  }

  void dispatch(const std::string& origin) {
    const auto found = pools.find(origin);
    if (found == pools.end()) return;
    Pool& pool = found->second;
    while (!pool.waiting.empty()) {
      const auto job = pool.waiting.front();
      if (!pool.kept.empty() && !job->fresh_only) {
        const auto kept = pool.kept.back();  // the youngest is the least likely to be dead
        pool.kept.pop_back();
        kept->timer.cancel();
        kept->stream->cancel_waits();
        if (!quiet(*kept->stream)) continue;
        pool.waiting.pop_front();
        ++pool.busy;
        job->on_kept_connection = true;
        call(job, std::move(kept->stream));
        continue;
      }
      if (pool.busy + pool.kept.size() >= options.connections_per_origin_max) {
        if (pool.kept.empty()) return;
        pool.kept.erase(pool.kept.begin());
      }
      pool.waiting.pop_front();
      ++pool.busy;
      job->on_kept_connection = false;
      connect(job);
    }
    if (pool.busy == 0 && pool.kept.empty()) pools.erase(found);
  }

  void connect(const std::shared_ptr<Job>& job) {
    job->connector = std::make_shared<Connector>(loop);
    job->connector->start(job->request.url, options.tls,
                          [weak = weak_from_this(), id = job->id](Result<std::unique_ptr<Stream>> stream) {
                            const auto self = weak.lock();
                            if (!self) return;
                            if (stream.has_error()) return self->finish(id, stream.error());
                            const auto found = self->jobs.find(id);
                            if (found != self->jobs.end()) self->call(found->second, std::move(*stream));
                          });
  }

  void call(const std::shared_ptr<Job>& job, std::unique_ptr<Stream> stream) {
    const HttpRequest& request = job->request;
    const std::string host = request.url.authority();
    const bool has_length = !request.body.empty() || request.method == "POST" || request.method == "PUT";
    job->call = std::make_shared<HttpCall>(loop, std::move(stream), request.url.origin(),
                                           HttpParser::Options{.body_bytes_max = options.body_bytes_max,
                                                               .head_method = request.method == "HEAD"});
    job->call->start(
        write_request(
            {.method = request.method, .target = request.url.target, .host = host, .has_length = has_length},
            request.headers, request.body),
        [weak = weak_from_this(), id = job->id](HttpCall::Outcome outcome) {
          if (const auto self = weak.lock()) self->ended(id, std::move(outcome));
        });
  }

  void ended(RequestId id, HttpCall::Outcome outcome) {
    const auto found = jobs.find(id);
    if (found == jobs.end()) return;
    const auto job = found->second;
    const std::string origin = job->request.url.origin();
    if (outcome.response.has_error() && job->on_kept_connection && !outcome.answered &&
        job->request.idempotent) {
      Pool& pool = pools[origin];
      --pool.busy;
      job->call.reset();
      job->fresh_only = true;
      pool.waiting.push_front(job);
      return dispatch(origin);
    }
    if (outcome.reusable) keep(origin, std::move(outcome.stream));
    finish(id, std::move(outcome.response));
  }

  /// Nothing was said since the last answer, and the other side is still there. What came unasked, maybe in a
  /// TLS record read ahead, would be taken for the answer to the next request.
  static bool quiet(Stream& stream) {
    char byte = 0;
    std::size_t got = 0;
    stream.ready();
    return stream.read(&byte, 1, got) == Io::kWait;
  }

  void keep(const std::string& origin, std::unique_ptr<Stream> stream) {
    if (!quiet(*stream)) return;
    const auto kept = std::make_shared<KeptConnection>();
    kept->stream = std::move(stream);
    kept->timer =
        loop.post_after(options.idle_ms_max, [weak = weak_from_this(), origin, idle = std::weak_ptr(kept)] {
          if (const auto self = weak.lock()) self->drop_kept(origin, idle.lock());
        });
    watch(origin, kept);
    pools[origin].kept.push_back(kept);
  }

  /// A kept connection that says anything has ended, but for what TLS sends on its own account (session
  /// tickets).
  void watch(const std::string& origin, const std::shared_ptr<KeptConnection>& kept) {
    kept->stream->wait_to_read([weak = weak_from_this(), origin,
                                idle = std::weak_ptr(kept)](const boost::system::error_code& fault) {
      const auto self = weak.lock();
      const auto connection = idle.lock();
      if (fault || !self || !connection || !connection->stream) return;
      if (quiet(*connection->stream)) return self->watch(origin, connection);
      self->drop_kept(origin, connection);
    });
  }

  void drop_kept(const std::string& origin, const std::shared_ptr<KeptConnection>& kept) {
    const auto found = pools.find(origin);
    if (found == pools.end() || !kept) return;
    std::erase(found->second.kept, kept);
    if (found->second.busy == 0 && found->second.kept.empty() && found->second.waiting.empty())
      pools.erase(found);
  }

  void timed_out(RequestId id) {
    const auto found = jobs.find(id);
    if (found == jobs.end()) return;
    const Job& job = *found->second;
    const std::string stage = job.call        ? "waiting for the answer"
                              : job.connector ? job.connector->stage()
                                              : "waiting for a free connection";
    finish(id, Error{.kind = ErrorKind::kRetryable,
                     .where = job.request.url.origin() + std::string(job.request.url.path()),
                     .text = "no answer within " + std::to_string(job.request.timeout_ms) + " ms: still " +
                             stage});
  }

  /// Takes the job off and gives its connection back. Nothing when it has gone already.
  std::shared_ptr<Job> remove(RequestId id) {
    const auto found = jobs.find(id);
    if (found == jobs.end()) return nullptr;
    const auto job = found->second;
    jobs.erase(found);
    job->timer.cancel();
    if (job->connector) job->connector->cancel();
    if (job->call) job->call->cancel();
    const std::string origin = job->request.url.origin();
    if (const auto pool = pools.find(origin); pool != pools.end()) {
      const bool waited = std::erase(pool->second.waiting, job) != 0;
      if (!waited && (job->connector || job->call)) --pool->second.busy;
      later([origin](Impl& self) { self.dispatch(origin); });
    }
    return job;
  }

  void finish(RequestId id, Result<HttpResponse> result) {
    if (const auto job = remove(id)) job->callback(std::move(result));
  }

  void shut() {
    for (const auto& [id, job] : jobs) {
      job->timer.cancel();
      if (job->connector) job->connector->cancel();
      if (job->call) job->call->cancel();
    }
    jobs.clear();
    pools.clear();
  }
};

HttpClient::HttpClient(EventLoop& loop, HttpClientOptions options)
    : impl_(std::make_shared<Impl>(loop, std::move(options))) {}
HttpClient::~HttpClient() { impl_->shut(); }

HttpClient::RequestId HttpClient::send(HttpRequest request, Callback callback) {
  return impl_->send(std::move(request), std::move(callback));
}

void HttpClient::cancel(RequestId id) { impl_->remove(id); }

struct BlockingHttpClient::Impl {
  explicit Impl(HttpClientOptions options) : client(loop, std::move(options)) {}
  std::mutex one_caller;
  EventLoop loop;
  HttpClient client;
};

BlockingHttpClient::BlockingHttpClient(HttpClientOptions options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}
BlockingHttpClient::~BlockingHttpClient() = default;

Result<HttpResponse> BlockingHttpClient::send(HttpRequest request) {
  const std::lock_guard lock(impl_->one_caller);
  impl_->loop.run_for(0);  // notices which kept connections have died since the last call
  std::optional<Result<HttpResponse>> result;
  constexpr std::int64_t kGraceMs = 1'000;  // the request's own timer comes first
  const std::int64_t ms_max = request.timeout_ms + kGraceMs;
  const auto id =
      impl_->client.send(std::move(request), [&](Result<HttpResponse> r) { result = std::move(r); });
  if (impl_->loop.run_until([&] { return result.has_value(); }, ms_max)) return std::move(*result);
  impl_->client.cancel(id);
  return Error{.kind = ErrorKind::kRetryable, .where = "http", .text = "the request did not end in time"};
}

}  // namespace anduin::net
