#include "e2e/process.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace anduin::e2e {
namespace {

using Millis = std::chrono::milliseconds;
constexpr Millis kPoll{10};

}  // namespace

Process::Process(const std::vector<std::string>& args, const std::filesystem::path& out, const std::filesystem::path& err,
                 const std::vector<std::string>& environment) {
  std::vector<char*> argv, envp;
  for (const std::string& a : args) argv.push_back(const_cast<char*>(a.c_str()));
  argv.push_back(nullptr);
  for (char** e = environ; *e; ++e) envp.push_back(*e);
  for (const std::string& e : environment) envp.push_back(const_cast<char*>(e.c_str()));
  envp.push_back(nullptr);
  const int parent = getpid();
  pid_ = fork();
  if (pid_ < 0) throw std::runtime_error("fork failed");
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(127);
    const int o = open(out.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    const int e = open(err.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    const int null = open("/dev/null", O_RDONLY);
    dup2(null, 0);
    dup2(o, 1);
    dup2(e, 2);
    execve(argv[0], argv.data(), envp.data());
    _exit(127);
  }
}

Process::~Process() {
  if (running()) {
    signal(SIGKILL);
    wait(5'000);
  }
}

void Process::signal(int number) const {
  if (pid_ > 0 && !status_) kill(pid_, number);
}

std::optional<int> Process::wait(int timeout_ms) {
  const auto until = std::chrono::steady_clock::now() + Millis(timeout_ms);
  while (!status_) {
    int raw = 0;
    const int got = waitpid(pid_, &raw, WNOHANG);
    if (got == pid_) status_ = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
    else if (got < 0) status_ = 127;
    else if (std::chrono::steady_clock::now() >= until) return std::nullopt;
    else std::this_thread::sleep_for(kPoll);
  }
  return status_;
}

bool Process::running() { return pid_ > 0 && !wait(0); }

std::string read_file(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string first_line(const std::filesystem::path& file, int timeout_ms) {
  const auto until = std::chrono::steady_clock::now() + Millis(timeout_ms);
  for (;;) {
    const std::string text = read_file(file);
    if (const auto end = text.find('\n'); end != std::string::npos) return text.substr(0, end);
    if (std::chrono::steady_clock::now() >= until) throw std::runtime_error(file.string() + ": no line within " + std::to_string(timeout_ms) + " ms");
    std::this_thread::sleep_for(kPoll);
  }
}

std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(at);
  const bool good = fd >= 0 && ::bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof(at)) == 0 &&
                    ::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size) == 0;
  ::close(fd);
  if (!good) throw std::runtime_error("no free port on loopback");
  return ntohs(at.sin_port);
}

}  // namespace anduin::e2e
