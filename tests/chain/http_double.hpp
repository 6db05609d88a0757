// A local HTTP(S) server whose answers a test writes, on a thread of its own.
#pragma once
#include <catch2/catch.hpp>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <unistd.h>

#include "net/event_loop.hpp"
#include "net/http_server.hpp"
#include "net/tls.hpp"

namespace anduin::chain::test {

class HttpDouble {
 public:
  /// Nothing = the client waits for ever.
  using Answer = std::function<std::optional<net::HttpResponse>(const net::ServerRequest&)>;

  explicit HttpDouble(Answer answer, bool tls = false) : answer_(std::move(answer)) {
    net::HttpServerOptions options;
    if (tls) {
      std::string name = (std::filesystem::temp_directory_path() / "anduin-double-XXXXXX").string();
      REQUIRE(::mkdtemp(name.data()) != nullptr);
      folder_ = name;
      ca = *net::make_throwaway_ca(folder_);
      options.tls = *net::TlsContext::server(ca.certificate_file, ca.key_file);
    }
    loop_.start();
    loop_.call([&] {
      server_ = std::move(*net::HttpServer::listen(
          loop_, options, {.on_request = [this](net::ServerRequest request, net::Responder respond) {
            ++asked_;
            if (auto response = answer_(request)) return respond(std::move(*response));
            waiting_.push_back(respond);
          }}));
    });
    url = std::string(tls ? "https" : "http") + "://127.0.0.1:" + std::to_string(server_->port());
  }
  ~HttpDouble() {
    loop_.call([this] { server_.reset(); });
    loop_.stop();
    std::error_code ignored;
    if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
  }
  HttpDouble(const HttpDouble&) = delete;
  HttpDouble& operator=(const HttpDouble&) = delete;

  /// From now on.
  void answers(Answer answer) {
    loop_.call([&] { answer_ = std::move(answer); });
  }
  int asked() {
    int count = 0;
    loop_.call([&] { count = asked_; });
    return count;
  }

  std::string url;
  net::ThrowawayCa ca;

 private:
  net::EventLoop loop_{"double"};
  Answer answer_;
  int asked_ = 0;
  std::vector<net::Responder> waiting_;
  std::filesystem::path folder_;
  std::unique_ptr<net::HttpServer> server_;
};

}  // namespace anduin::chain::test
