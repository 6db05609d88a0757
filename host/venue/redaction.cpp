#include "venue/redaction.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

#include "base/log.hpp"

namespace anduin::venue {
namespace {

using nlohmann::json;

// A connect brings one token and one or two signatures; nothing older than this many of either is echoed.
constexpr std::size_t kRecentMax = 64;

void collect(const json& at, const std::vector<std::string>& path, std::size_t step,
             std::vector<std::string>& out) {
  if (at.is_array()) {
    for (const json& item : at) collect(item, path, step, out);
  } else if (step == path.size()) {
    if (at.is_string()) out.push_back(at.get<std::string>());
    else if (at.is_number_integer()) out.push_back(at.dump());
  } else if (at.is_object()) {
    if (const auto it = at.find(path[step]); it != at.end()) collect(*it, path, step + 1, out);
  }
}

}  // namespace

Result<Redaction> Redaction::create(const json& sensitive) {
  Redaction out;
  if (sensitive.is_null()) return out;
  const Error bad{ErrorKind::kBadRequest, "/sensitive",
                  "write a list of dotted paths such as \"result.token\""};
  if (!sensitive.is_array()) return bad;
  for (const json& item : sensitive) {
    if (!item.is_string()) return bad;
    std::string rest = item.get<std::string>();
    std::vector<std::string> path;
    for (std::size_t dot = rest.find('.'); dot != rest.npos; dot = rest.find('.')) {
      path.push_back(rest.substr(0, dot));
      rest.erase(0, dot + 1);
    }
    path.push_back(rest);
    if (std::any_of(path.begin(), path.end(), [](const std::string& s) { return s.empty(); })) return bad;
    out.paths_.push_back(std::move(path));
  }
  return out;
}

Redaction::Redaction(Redaction&& other) noexcept
    : paths_(std::move(other.paths_)),
      tokens_(std::exchange(other.tokens_, {})),
      signatures_(std::exchange(other.signatures_, {})) {}

Redaction& Redaction::operator=(Redaction&& other) noexcept {
  std::swap(paths_, other.paths_);
  std::swap(tokens_, other.tokens_);
  std::swap(signatures_, other.signatures_);
  return *this;
}

Redaction::~Redaction() {
  for (const auto* values : {&tokens_, &signatures_})
    for (const std::string& value : *values) log::remove_secret(value);
}

std::size_t Redaction::learn(std::string_view body) {
  const bool worth = std::any_of(paths_.begin(), paths_.end(),
                                 [&](const auto& path) { return body.find(path.back()) != body.npos; });
  if (!worth) return 0;
  const json answer = json::parse(body, nullptr, false);
  std::vector<std::string> found;
  for (const auto& path : paths_) collect(answer, path, 0, found);
  for (std::string& value : found) remember(tokens_, std::move(value));
  return found.size();
}

void Redaction::remember(std::deque<std::string>& values, std::string value) {
  if (std::find(values.begin(), values.end(), value) != values.end()) return;
  log::add_secret(value);
  values.push_back(std::move(value));
  if (values.size() <= kRecentMax) return;
  log::remove_secret(values.front());
  values.pop_front();
}

std::string Redaction::redact(std::string_view text) const { return log::redact(text); }

}  // namespace anduin::venue
