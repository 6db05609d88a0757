#include "net/line_server.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <cstring>
#include <optional>
#include <set>
#include <utility>

#include "net/event_loop.hpp"

namespace anduin::net {
namespace {

using Unix = boost::asio::local::stream_protocol;

/// Clients that may wait to be accepted while a command runs.
constexpr int kBacklog = 16;
/// After a failed accept (out of file descriptors): the next try.
constexpr std::int64_t kAcceptRetryMs = 100;

Error refusal(const std::filesystem::path& path, std::string text) {
  return {ErrorKind::kBadRequest, path.string(), std::move(text)};
}

/// A blocking socket connected to `path`, or minus errno.
int dial(const std::filesystem::path& path) {
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  const std::string text = path.string();
  if (text.size() >= sizeof(to.sun_path)) return -ENAMETOOLONG;
  std::memcpy(to.sun_path, text.c_str(), text.size() + 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0) return fd;
  const int fault = errno;
  ::close(fd);
  return -fault;
}

/// The path is free, or was left behind by a host of this user that is no more.
Result<void> clear_path(const std::filesystem::path& path) {
  struct stat at{};
  if (::lstat(path.c_str(), &at) != 0) {
    if (errno == ENOENT) return {};
    return refusal(path, std::string("cannot look at it: ") + std::strerror(errno));
  }
  if (!S_ISSOCK(at.st_mode)) return refusal(path, "there is a file here that is no socket; choose another path");
  if (at.st_uid != ::geteuid()) return refusal(path, "this socket belongs to another user; choose another path");
  const int fd = dial(path);
  if (fd >= 0) {
    ::close(fd);
    return refusal(path, "another host serves this socket; each host needs its own");
  }
  if (fd != -ECONNREFUSED) return refusal(path, std::string("cannot tell whether it is served: ") + std::strerror(-fd));
  if (::unlink(path.c_str()) != 0) return refusal(path, std::string("cannot remove it: ") + std::strerror(errno));
  return {};
}

}  // namespace

struct LineServer::Impl : std::enable_shared_from_this<Impl> {
  struct Client {
    explicit Client(Unix::socket s) : socket(std::move(s)) {}
    Unix::socket socket;
    LinePeer peer;
    std::string read, answer;
    Timer limit;
  };

  Impl(EventLoop& l, LineServerOptions o, Handler h)
      : loop(l), options(std::move(o)), handler(std::move(h)), acceptor(l.context()) {}

  Result<void> open() {
    if (options.path.string().size() >= sizeof(sockaddr_un::sun_path))
      return refusal(options.path, "a socket's path has at most " + std::to_string(sizeof(sockaddr_un::sun_path) - 1) +
                                       " characters; choose a shorter one");
    if (auto ok = clear_path(options.path); !ok) return ok;
    boost::system::error_code fault;
    acceptor.open(Unix(), fault);
    // The file is born with this mode: there is no moment at which others could connect.
    if (!fault && ::fchmod(acceptor.native_handle(), S_IRUSR | S_IWUSR) != 0)
      fault.assign(errno, boost::system::system_category());
    if (!fault) acceptor.bind(Unix::endpoint(options.path.string()), fault);
    if (!fault && ::chmod(options.path.c_str(), S_IRUSR | S_IWUSR) != 0)
      fault.assign(errno, boost::system::system_category());
    if (!fault) acceptor.listen(kBacklog, fault);
    if (fault) return refusal(options.path, "cannot listen here: " + fault.message());
    struct stat at{};
    if (::lstat(options.path.c_str(), &at) == 0) made = {at.st_dev, at.st_ino};
    return {};
  }

  void accept() {
    acceptor.async_accept([weak = weak_from_this()](const boost::system::error_code& fault, Unix::socket socket) {
      const auto self = weak.lock();
      if (!self || !self->acceptor.is_open()) return;
      if (fault) {
        self->accept_again = self->loop.post_after(kAcceptRetryMs, [weak] {
          if (const auto again = weak.lock()) again->accept();
        });
        return;
      }
      if (self->clients.size() < self->options.clients_max) self->begin(std::move(socket));
      self->accept();
    });
  }

  void begin(Unix::socket socket) {
    ucred who{};
    socklen_t size = sizeof(who);
    if (::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &who, &size) != 0) return;
    const auto client = std::make_shared<Client>(std::move(socket));
    client->peer = {who.uid, who.pid};
    clients.insert(client);
    next(client);
  }

  void limit(const std::shared_ptr<Client>& client, std::int64_t ms) {
    client->limit = loop.post_after(ms, [weak = weak_from_this(), client] {
      if (const auto self = weak.lock()) self->end(client);
    });
  }

  void next(const std::shared_ptr<Client>& client) {
    limit(client, options.line_ms_max);
    boost::asio::async_read_until(
        client->socket, boost::asio::dynamic_buffer(client->read, options.line_bytes_max), '\n',
        [weak = weak_from_this(), client](const boost::system::error_code& fault, std::size_t size) {
          const auto self = weak.lock();
          if (!self) return;
          if (fault) return self->end(client);
          const std::string line = client->read.substr(0, size - 1);
          client->read.erase(0, size);
          self->answer(client, line);
        });
  }

  void answer(const std::shared_ptr<Client>& client, const std::string& line) {
    client->answer = handler(client->peer, line);
    if (client->answer.empty()) return end(client);
    client->answer += '\n';
    limit(client, options.write_ms_max);
    boost::asio::async_write(client->socket, boost::asio::buffer(client->answer),
                             [weak = weak_from_this(), client](const boost::system::error_code& fault, std::size_t) {
                               const auto self = weak.lock();
                               if (!self) return;
                               if (fault) return self->end(client);
                               self->next(client);
                             });
  }

  void end(const std::shared_ptr<Client>& client) {
    client->limit.cancel();
    boost::system::error_code ignored;
    client->socket.close(ignored);
    clients.erase(client);
  }

  void shut() {
    accept_again.cancel();
    boost::system::error_code ignored;
    acceptor.close(ignored);
    for (const auto& client : std::exchange(clients, {})) {
      client->limit.cancel();
      client->socket.close(ignored);
    }
    // Only our own file: somebody may have put another host's in its place.
    struct stat at{};
    if (made && ::lstat(options.path.c_str(), &at) == 0 && std::pair(at.st_dev, at.st_ino) == *made)
      ::unlink(options.path.c_str());
  }

  EventLoop& loop;
  LineServerOptions options;
  Handler handler;
  Unix::acceptor acceptor;
  std::set<std::shared_ptr<Client>> clients;
  std::optional<std::pair<dev_t, ino_t>> made;  ///< the file of this server
  Timer accept_again;
};

LineServer::LineServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
LineServer::~LineServer() { impl_->shut(); }

Result<std::unique_ptr<LineServer>> LineServer::listen(EventLoop& loop, LineServerOptions options, Handler handler) {
  auto impl = std::make_shared<Impl>(loop, std::move(options), std::move(handler));
  if (auto ok = impl->open(); !ok) return ok.error();
  impl->accept();
  return std::unique_ptr<LineServer>(new LineServer(std::move(impl)));
}

std::size_t LineServer::clients() const noexcept { return impl_->clients.size(); }

Result<std::string> ask_line(const std::filesystem::path& socket, const std::string& line, int timeout_ms) {
  const auto away = [&](std::string text) { return Error{ErrorKind::kRetryable, socket.string(), std::move(text)}; };
  const int fd = dial(socket);
  if (fd == -ENOENT || fd == -ECONNREFUSED)
    return away("no host serves this socket: is it running, and is this the path under control: in its pipeline file?");
  if (fd == -EACCES) return away("only the user that runs the host may use this socket");
  if (fd < 0) return away(std::string("cannot connect: ") + std::strerror(-fd));
  const timeval wait{timeout_ms / 1'000, timeout_ms % 1'000 * 1'000};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
  const std::string request = line + '\n';
  std::string answer;
  bool good = true;
  for (std::size_t sent = 0; good && sent < request.size();) {
    const auto n = ::send(fd, request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
    good = n > 0;
    if (good) sent += static_cast<std::size_t>(n);
  }
  while (good && answer.find('\n') == std::string::npos) {
    char buffer[4'096];
    const auto n = ::recv(fd, buffer, sizeof(buffer), 0);
    good = n > 0;
    if (good) answer.append(buffer, static_cast<std::size_t>(n));
  }
  ::close(fd);
  if (!good) return away("the host gave no answer: it is busy, is stopping, or refused the request");
  return answer.substr(0, answer.find('\n'));
}

}  // namespace anduin::net
