#include "base/log.hpp"

#include <spdlog/details/log_msg.h>
#include <spdlog/sinks/base_sink.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <mutex>
#include <vector>

namespace anduin::log {
namespace {

constexpr std::size_t kSecretSizeMin = 6;
constexpr std::string_view kRedacted = "[redacted]";

std::mutex g_mutex;
struct Known {
  std::string form;
  unsigned uses;  // registrations: two instances may learn the same token
};
std::vector<Known>& secrets() {
  static std::vector<Known> values;
  return values;
}

std::string percent_encoded(std::string_view value) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const unsigned char c : value) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      out += static_cast<char>(c);
    } else {
      out += '%';
      out += kHex[c >> 4U];
      out += kHex[c & 15U];
    }
  }
  return out;
}

std::string json_escaped_slashes(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == '/' || c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::array<std::string, 3> forms_of(const std::string& value) {
  std::array<std::string, 3> out{value, percent_encoded(value), json_escaped_slashes(value)};
  for (std::size_t i = 1; i < out.size(); ++i)
    if (out[i] == value) out[i].clear();
  return out;
}

void replace_all(std::string& text, std::string_view what) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at)) {
    text.replace(at, what.size(), kRedacted);
    at += kRedacted.size();
  }
}

class RedactingSink final : public spdlog::sinks::base_sink<std::mutex> {
  void sink_it_(const spdlog::details::log_msg& msg) override {
    spdlog::memory_buf_t formatted;
    formatter_->format(msg, formatted);
    const std::string line = redact({formatted.data(), formatted.size()});
    std::fwrite(line.data(), 1, line.size(), stderr);
  }
  void flush_() override { std::fflush(stderr); }
};

}  // namespace

void init(std::string_view level) {
  auto logger = std::make_shared<spdlog::logger>("anduin", std::make_shared<RedactingSink>());
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %^%l%$ %v", spdlog::pattern_time_type::utc);
  logger->set_level(spdlog::level::from_str(std::string(level)));
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
}

void add_secret(std::string value) {
  if (value.size() < kSecretSizeMin) return;
  const std::lock_guard lock(g_mutex);
  for (std::string& form : forms_of(value)) {
    if (form.empty()) continue;
    const auto it = std::find_if(secrets().begin(), secrets().end(), [&](const Known& k) { return k.form == form; });
    if (it != secrets().end()) ++it->uses;
    else secrets().push_back({std::move(form), 1});
  }
}

void remove_secret(const std::string& value) {
  const std::lock_guard lock(g_mutex);
  for (const std::string& form : forms_of(value)) {
    const auto it = std::find_if(secrets().begin(), secrets().end(), [&](const Known& k) { return k.form == form; });
    if (it == secrets().end() || --it->uses > 0) continue;
    *it = std::move(secrets().back());
    secrets().pop_back();
  }
}

std::string redact(std::string_view text) {
  std::string out(text);
  const std::lock_guard lock(g_mutex);
  for (const Known& known : secrets()) replace_all(out, known.form);
  return out;
}

}  // namespace anduin::log
