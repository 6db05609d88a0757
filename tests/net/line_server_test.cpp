// Lines over a Unix socket: what a request may be, what the file may be, and that nobody holds the server.
#include "net/line_server.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <cstring>
#include <fstream>
#include <thread>

#include "net/event_loop.hpp"
#include "support/result.hpp"

using namespace anduin;
using namespace anduin::net;

namespace {

struct Place {
  Place() {
    std::string pattern = (std::filesystem::temp_directory_path() / "anduin-line-XXXXXX").string();
    dir = mkdtemp(pattern.data());
    options.path = dir / "s.sock";
  }
  ~Place() { std::filesystem::remove_all(dir); }
  std::filesystem::path dir;
  LineServerOptions options;
};

/// A server on a loop of its own that repeats each line with the peer's uid.
struct Echo {
  explicit Echo(const LineServerOptions& options) : loop("echo") {
    auto made = LineServer::listen(loop, options, [](const LinePeer& peer, const std::string& line) {
      return line == "bye" ? std::string() : std::to_string(peer.uid) + " " + line;
    });
    INFO((made ? "" : made.error().to_string()));
    REQUIRE(made);
    server = std::move(*made);
    loop.start();
  }
  ~Echo() {
    loop.call([this] { server.reset(); });
    loop.stop();
  }
  std::size_t clients() {
    std::size_t n = 0;
    loop.call([&] { n = server->clients(); });
    return n;
  }
  EventLoop loop;
  std::unique_ptr<LineServer> server;
};

struct Raw {
  explicit Raw(const std::filesystem::path& path) : fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    std::strcpy(to.sun_path, path.c_str());
    REQUIRE(::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0);
    const timeval wait{10, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
  }
  ~Raw() { ::close(fd); }
  void say(const std::string& text) const { (void)::send(fd, text.data(), text.size(), MSG_NOSIGNAL); }
  /// Up to `lines` line breaks, or what came until the end.
  [[nodiscard]] std::string hear(int lines) const {
    std::string out;
    char c = 0;
    while (lines > 0 && ::recv(fd, &c, 1, 0) == 1) {
      out += c;
      if (c == '\n') --lines;
    }
    return out;
  }
  int fd;
};

std::string mine() { return std::to_string(::geteuid()) + " "; }

}  // namespace

TEST_CASE("line server: each line is answered, in order, with the peer as the kernel knows it", "[line]") {
  Place place;
  Echo echo(place.options);
  CHECK(*ask_line(place.options.path, "hello", 5'000) == mine() + "hello");
  Raw raw(place.options.path);
  raw.say("one\ntwo\nthr");
  CHECK(raw.hear(2) == mine() + "one\n" + mine() + "two\n");
  raw.say("ee\n");
  CHECK(raw.hear(1) == mine() + "three\n");
  raw.say("bye\n");
  CHECK(raw.hear(1).empty());
}

TEST_CASE("line server: the file is private from its first moment and gone at the end", "[line]") {
  Place place;
  const auto old = ::umask(0);
  {
    Echo echo(place.options);
    struct stat at{};
    REQUIRE(::lstat(place.options.path.c_str(), &at) == 0);
    CHECK(S_ISSOCK(at.st_mode));
    CHECK((at.st_mode & 0777) == 0600);
  }
  ::umask(old);
  CHECK_FALSE(std::filesystem::exists(place.options.path));
  const auto nobody = ask_line(place.options.path, "hello", 1'000);
  REQUIRE_FALSE(nobody);
  CHECK(nobody.error().text.find("no host serves") != std::string::npos);
}

TEST_CASE("line server: what is at the path already decides", "[line]") {
  Place place;
  EventLoop loop;
  const auto listen = [&] { return LineServer::listen(loop, place.options, [](auto&&, auto&&) { return "x"; }); };
  SECTION("another file is refused and left alone") {
    std::ofstream(place.options.path) << "precious";
    const auto made = listen();
    REQUIRE_FALSE(made);
    CHECK(made.error().kind == ErrorKind::kBadRequest);
    CHECK(made.error().text.find("no socket") != std::string::npos);
    CHECK(std::filesystem::file_size(place.options.path) == 8);
  }
  SECTION("a socket that is served is refused") {
    Echo echo(place.options);
    const auto made = listen();
    REQUIRE_FALSE(made);
    CHECK(made.error().text.find("another host") != std::string::npos);
    CHECK(*ask_line(place.options.path, "still", 5'000) == mine() + "still");
  }
  SECTION("one that a killed host left behind is replaced") {
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    std::strcpy(to.sun_path, place.options.path.c_str());
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    REQUIRE(::bind(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0);
    ::close(fd);
    REQUIRE(std::filesystem::exists(place.options.path));
    CHECK(listen());
  }
  SECTION("a path that no socket can have is named") {
    place.options.path = place.dir / std::string(200, 'x');
    const auto made = listen();
    REQUIRE_FALSE(made);
    CHECK(made.error().text.find("at most 107") != std::string::npos);
  }
  SECTION("a file that took our place is not removed") {
    auto made = listen();
    REQUIRE(made);
    std::filesystem::remove(place.options.path);
    std::ofstream(place.options.path) << "other";
    made->reset();
    CHECK(std::filesystem::exists(place.options.path));
  }
}

TEST_CASE("line server: bounded in size, in time and in clients", "[line]") {
  Place place;
  place.options.line_bytes_max = 100;
  place.options.line_ms_max = 300;
  place.options.clients_max = 2;
  Echo echo(place.options);
  SECTION("a line that never ends") {
    Raw raw(place.options.path);
    raw.say(std::string(5'000, 'a'));
    CHECK(raw.hear(1).empty());
  }
  SECTION("a client that says nothing is gone soon") {
    Raw raw(place.options.path);
    CHECK(raw.hear(1).empty());
    CHECK(echo.clients() == 0);
  }
  SECTION("one too many is closed, the others are served") {
    Raw a(place.options.path), b(place.options.path);
    a.say("1\n"), b.say("2\n");
    CHECK(a.hear(1) == mine() + "1\n");
    CHECK(b.hear(1) == mine() + "2\n");
    Raw c(place.options.path);
    CHECK(c.hear(1).empty());
    a.say("3\n");
    CHECK(a.hear(1) == mine() + "3\n");
  }
}
