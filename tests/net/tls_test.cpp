#include "net/tls.hpp"

#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <fstream>

#include "net/harness.hpp"

using anduin::ErrorKind;
using namespace anduin::net;
using namespace anduin::net::test;

namespace {

struct TlsFixture {
  explicit TlsFixture(const ThrowawayCaOptions& options = {}) {
    auto made = make_throwaway_ca(folder.path / "tls", options);
    if (made.has_error()) FAIL(made.error().to_string());
    files = *made;
    server_tls = *TlsContext::server(files.certificate_file, files.key_file);
    client_tls = *TlsContext::client({.ca_file = files.ca_file});
    web = std::make_unique<WsServer>(loop, HttpServerOptions{.tls = server_tls});
  }
  std::optional<WsClosed> refused(const std::string& host, std::shared_ptr<TlsContext> tls) {
    Listener listener(loop);
    listener.connect(*Url::parse("wss://" + host + ":" + std::to_string(web->server->port()) + "/"),
                     std::move(tls));
    wait_for(loop, [&] { return listener.opened || listener.closed; });
    return listener.closed;
  }
  TemporaryFolder folder;
  ThrowawayCa files;
  std::shared_ptr<TlsContext> server_tls, client_tls;
  EventLoop loop;
  std::unique_ptr<WsServer> web;
};

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a verified connection to a name and to an address") {
  TlsFixture f;
  for (const std::string host : {"localhost", "127.0.0.1"}) {
    INFO(host);
    const auto closed = f.refused(host, f.client_tls);
    if (closed) FAIL(closed->error.to_string());
  }
  REQUIRE(f.web->requests.size() == 2);
  CHECK(f.web->requests[0].tls);
}

TEST_CASE("the private key is for its owner only") {
  TlsFixture f;
  struct stat status {};
  REQUIRE(::stat(f.files.key_file.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777U) == 0600U);
}

TEST_CASE("an expired certificate is refused with its date and advice") {
  TlsFixture f({.valid_days = -3});
  const auto closed = f.refused("localhost", f.client_tls);
  REQUIRE(closed);
  INFO(closed->error.to_string());
  CHECK(closed->error.kind == ErrorKind::kAuth);
  CHECK(holds(closed->error.text, "expired on "));
  CHECK(holds(closed->error.text, "GMT"));
  CHECK(holds(closed->error.text, "renew"));
}

TEST_CASE("a certificate for another host is refused, naming both") {
  TlsFixture f({.hosts = {"api.example.com", "10.0.0.1"}});
  for (const std::string host : {"localhost", "127.0.0.1"}) {
    const auto closed = f.refused(host, f.client_tls);
    REQUIRE(closed);
    INFO(closed->error.to_string());
    CHECK(closed->error.kind == ErrorKind::kAuth);
    CHECK(holds(closed->error.text, "not for " + host));
    CHECK(holds(closed->error.text, "api.example.com, 10.0.0.1"));
  }
}

TEST_CASE("an unknown CA is refused, naming the CA file in use") {
  TlsFixture f;
  const auto other = *make_throwaway_ca(f.folder.path / "other");
  const auto closed = f.refused("localhost", *TlsContext::client({.ca_file = other.ca_file}));
  REQUIRE(closed);
  INFO(closed->error.to_string());
  CHECK(closed->error.kind == ErrorKind::kAuth);
  CHECK(holds(closed->error.text, other.ca_file));
  CHECK(holds(closed->error.text, "tls.ca"));
  const auto system = f.refused("localhost", *TlsContext::client());
  REQUIRE(system);
  INFO(system->error.to_string());
  CHECK(holds(system->error.text, "the system's CAs"));
  CHECK(holds(system->error.text, "tls.ca"));
}

TEST_CASE("plain speech to a TLS port, and TLS to a plain one") {
  TlsFixture f;
  Listener plain(f.loop);
  plain.connect(f.web->url("ws"));
  WsServer plain_server(f.loop);
  Listener tls(f.loop);
  tls.connect(plain_server.url("wss"), f.client_tls);
  wait_for(f.loop, [&] { return plain.closed && tls.closed; });
  INFO(plain.closed->error.to_string());
  CHECK_FALSE(plain.opened);
  INFO(tls.closed->error.to_string());
  CHECK(tls.closed->error.kind == ErrorKind::kRetryable);
  CHECK(holds(tls.closed->error.text, "TLS"));
}

TEST_CASE("the client names the server it wants (SNI)") {
  TlsFixture f;
  // OpenSSL itself as the server's side: it tells what the hello contained.
  SSL_CTX* const context = SSL_CTX_new(TLS_server_method());
  REQUIRE(SSL_CTX_use_certificate_chain_file(context, f.files.certificate_file.c_str()) == 1);
  REQUIRE(SSL_CTX_use_PrivateKey_file(context, f.files.key_file.c_str(), SSL_FILETYPE_PEM) == 1);
  static std::string seen;
  seen.clear();
  SSL_CTX_set_tlsext_servername_callback(
      context, +[](SSL* ssl, int*, void*) {
        const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
        seen = name ? name : "(none)";
        return SSL_TLSEXT_ERR_OK;
      });
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(listener, 4) == 0);
  socklen_t size = sizeof address;
  REQUIRE(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0);

  const auto hello_of = [&](const std::string& host) {
    Listener client(f.loop);
    client.connect(*Url::parse("wss://" + host + ":" + std::to_string(ntohs(address.sin_port)) + "/"),
                   f.client_tls);
    f.loop.run_for(50);  // the hello is on its way
    const int fd = ::accept(listener, nullptr, nullptr);
    SSL* const ssl = SSL_new(context);
    SSL_set_fd(ssl, fd);
    timeval patience{.tv_sec = 0, .tv_usec = 50'000};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    SSL_accept(ssl);  // reads the hello, then waits in vain: the client's loop stands still
    SSL_free(ssl);
    ::close(fd);
    return seen;
  };
  CHECK(hello_of("localhost") == "localhost");
  CHECK(hello_of("127.0.0.1") == "(none)");  // RFC 6066 3: no addresses
  ::close(listener);
  SSL_CTX_free(context);
}

TEST_CASE("unusable files are refused with their names") {
  TlsFixture f;
  const auto missing = TlsContext::client({.ca_file = "/nonexistent/ca.pem"});
  REQUIRE(missing.has_error());
  CHECK(missing.error().kind == ErrorKind::kBadRequest);
  CHECK(missing.error().where == "/nonexistent/ca.pem");
  const std::string junk = f.folder.path / "junk.pem";
  std::ofstream(junk) << "no certificate\n";
  CHECK(TlsContext::client({.ca_file = junk}).has_error());
  CHECK(TlsContext::server(junk, f.files.key_file).error().where == junk);
  CHECK(TlsContext::server(f.files.certificate_file, junk).error().where == junk);
  const auto other = *make_throwaway_ca(f.folder.path / "other");
  CHECK(TlsContext::server(f.files.certificate_file, other.key_file).has_error());
  CHECK(make_throwaway_ca("/proc/nowhere").error().kind == ErrorKind::kFatal);
}

TEST_CASE("wss without TLS settings is an error, not a plain connection") {
  TlsFixture f;
  const auto closed = f.refused("localhost", nullptr);
  REQUIRE(closed);
  CHECK(closed->error.kind == ErrorKind::kBadRequest);
}
