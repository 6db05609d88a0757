// Ends of HTTP connections that say exactly what a test wants, and small helpers around HttpClient.
#pragma once
#include <openssl/ssl.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <map>

#include "net/harness.hpp"

namespace anduin::net::test {

using Tcp = boost::asio::ip::tcp;

struct Call {
  std::optional<Result<HttpResponse>> result;
  HttpClient::Callback callback() {
    return [this](Result<HttpResponse> r) {
      REQUIRE_FALSE(result);
      result = std::move(r);
    };
  }
};

inline Result<HttpResponse> fetch(EventLoop& loop, HttpClient& client, HttpRequest request) {
  Call call;
  client.send(std::move(request), call.callback());
  CHECK_FALSE(call.result);  // never inside send()
  wait_for(loop, [&] { return call.result.has_value(); });
  return std::move(*call.result);
}

/// Echoes what it was asked.
inline HttpHandlers echo(std::vector<ServerRequest>* log = nullptr) {
  return {.on_request = [log](ServerRequest request, Responder respond) {
    if (log) log->push_back(request);
    respond({.status = 200, .headers = {{"X-Method", request.method}}, .body = request.body});
  }};
}

/// A server that says exactly what the test wants, byte by byte.
struct RawServer {
  explicit RawServer(EventLoop& l)
      : loop(l), acceptor(l.context(), {boost::asio::ip::address_v4::loopback(), 0}) {
    accept();
  }
  void accept() {
    acceptor.async_accept([this](const boost::system::error_code& fault, Tcp::socket socket) {
      if (fault) return;
      ++accepted;
      sockets.push_back(std::make_unique<Tcp::socket>(std::move(socket)));
      read(sockets.size() - 1);
      accept();
    });
  }
  void read(std::size_t i) {
    sockets[i]->async_read_some(boost::asio::buffer(buffer),
                                [this, i](const boost::system::error_code& fault, std::size_t n) {
                                  if (fault) return;
                                  heard.append(buffer.data(), n);
                                  on_data(*sockets[i]);
                                  if (sockets[i]->is_open()) read(i);
                                });
  }
  [[nodiscard]] Url url(const std::string& scheme = "http") const {
    return *Url::parse(scheme + "://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port()) + "/x");
  }
  EventLoop& loop;
  Tcp::acceptor acceptor;
  std::vector<std::unique_ptr<Tcp::socket>> sockets;
  std::array<char, 65536> buffer{};
  std::string heard;
  int accepted = 0;
  std::function<void(Tcp::socket&)> on_data = [](Tcp::socket&) {};
};

inline void say(Tcp::socket& socket, std::string_view text) {
  boost::system::error_code ignored;
  boost::asio::write(socket, boost::asio::buffer(text.data(), text.size()), ignored);
}

/// RawServer that speaks TLS: each of `records` is a record of its own, all of them leave in one write.
struct TlsSpeaker {
  explicit TlsSpeaker(EventLoop& loop) : raw(loop), context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free) {
    files = *make_throwaway_ca(folder.path);
    REQUIRE(SSL_CTX_use_certificate_chain_file(context.get(), files.certificate_file.c_str()) == 1);
    REQUIRE(SSL_CTX_use_PrivateKey_file(context.get(), files.key_file.c_str(), SSL_FILETYPE_PEM) == 1);
    raw.on_data = [this](Tcp::socket& socket) { serve(socket); };
  }
  void serve(Tcp::socket& socket) {
    auto& ssl = sessions[&socket];
    if (!ssl) {
      ssl = {SSL_new(context.get()), SSL_free};
      SSL_set_accept_state(ssl.get());
      SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    }
    BIO_write(SSL_get_rbio(ssl.get()), raw.heard.data(), static_cast<int>(raw.heard.size()));
    raw.heard.clear();
    std::array<char, 4096> plain{};
    const bool asked = SSL_read(ssl.get(), plain.data(), static_cast<int>(plain.size())) > 0;
    if (asked)
      for (const auto& text : records) SSL_write(ssl.get(), text.data(), static_cast<int>(text.size()));
    if (asked && goodbye) SSL_shutdown(ssl.get());
    char* data = nullptr;
    const long size = BIO_get_mem_data(SSL_get_wbio(ssl.get()), &data);
    say(socket, {data, static_cast<std::size_t>(size)});
    (void)BIO_reset(SSL_get_wbio(ssl.get()));
    if (asked && then_close) socket.close();
  }
  [[nodiscard]] std::shared_ptr<TlsContext> client_tls() const {
    return *TlsContext::client({.ca_file = files.ca_file});
  }
  TemporaryFolder folder;
  ThrowawayCa files;
  RawServer raw;
  std::shared_ptr<SSL_CTX> context;
  std::map<Tcp::socket*, std::shared_ptr<SSL>> sessions;
  std::vector<std::string> records;
  bool then_close = false, goodbye = false;
};

}  // namespace anduin::net::test
