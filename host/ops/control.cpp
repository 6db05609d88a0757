#include "ops/control.hpp"

#include <pwd.h>
#include <unistd.h>

#include <array>

#include "base/log.hpp"
#include "net/event_loop.hpp"
#include "net/line_server.hpp"

namespace anduin::ops {
namespace {

using nlohmann::json;

std::string user_of(std::uint32_t uid) {
  std::array<char, 4'096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) return found->pw_name;
  return "uid " + std::to_string(uid);
}

/// The two kinds that a script tells apart.
const char* kind_text(ErrorKind kind) { return kind == ErrorKind::kBadRequest ? "bad_request" : "failed"; }

std::string refusal(ErrorKind kind, const std::string& text) {
  return json{{"ok", false}, {"kind", kind_text(kind)}, {"error", log::redact(text)}}.dump(
      -1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

Control::Control() = default;
Control::~Control() { close(); }

void Control::add(const std::string& name, Command command) { commands_[name] = std::move(command); }

Result<void> Control::open(const std::filesystem::path& socket) {
  loop_ = std::make_unique<net::EventLoop>("anduin-control");
  net::LineServerOptions options;
  options.path = socket;
  auto server = net::LineServer::listen(*loop_, options, [this](const net::LinePeer& peer, const std::string& line) {
    // The file's mode keeps others out already; root passes every mode.
    if (peer.uid != ::geteuid() && peer.uid != 0) return refusal(ErrorKind::kBadRequest, "not your host");
    return answer(line, {user_of(peer.uid), peer.uid});
  });
  if (!server) return server.error();
  server_ = std::move(*server);
  loop_->start();
  return {};
}

void Control::close() {
  if (!loop_) return;
  loop_->call([this] { server_.reset(); });
  loop_->stop();
  loop_.reset();
}

std::string Control::answer(const std::string& line, const Caller& caller) {
  const json request = json::parse(line, nullptr, false);
  if (!request.is_object() || !request.contains("command") || !request["command"].is_string())
    return refusal(ErrorKind::kBadRequest, R"(a request is one line: {"command": "...", "args": {...}})");
  const std::string name = request["command"];
  const auto command = commands_.find(name);
  if (command == commands_.end()) {
    std::string known;
    for (const auto& [other, unused] : commands_) known += (known.empty() ? "" : ", ") + other;
    return refusal(ErrorKind::kBadRequest, "no command '" + name + "'; this host knows " + known);
  }
  const json args = request.value("args", json::object());
  if (!args.is_object()) return refusal(ErrorKind::kBadRequest, "args is no object");
  try {
    auto result = command->second(args, caller);
    if (!result) return refusal(result.error().kind, result.error().to_string());
    return json{{"ok", true}, {"result", std::move(*result)}}.dump(-1, ' ', false, json::error_handler_t::replace);
  } catch (const ErrorException& e) {
    return refusal(e.error.kind, e.error.to_string());
  } catch (const std::exception& e) {
    spdlog::error("[control] {}: {}", name, e.what());
    return refusal(ErrorKind::kFatal, e.what());
  }
}

std::string text_argument(const json& args, const char* name) {
  const auto it = args.find(name);
  if (it == args.end() || !it->is_string() || it->get_ref<const std::string&>().empty())
    throw ErrorException(Error{ErrorKind::kBadRequest, name, "is missing"});
  return it->get<std::string>();
}

Result<json> ask(const std::filesystem::path& socket, const std::string& command, const json& args) {
  const auto line = net::ask_line(socket, json{{"command", command}, {"args", args}}.dump(), kAskMsMax);
  if (!line) return line.error();
  json answer = json::parse(*line, nullptr, false);
  if (!answer.is_object() || !answer.contains("ok"))
    return Error{ErrorKind::kProtocol, socket.string(), "this is not an anduin host's answer"};
  if (answer["ok"] == true) return Result<json>(boost::system::in_place_value, answer.value("result", json()));
  const bool bad_request = answer.value("kind", "") == "bad_request";
  return Error{bad_request ? ErrorKind::kBadRequest : ErrorKind::kFatal, "", answer.value("error", "?")};
}

}  // namespace anduin::ops
