#include "venue/recording.hpp"

#include <zlib.h>

#include <memory>
#include <nlohmann/json.hpp>

namespace anduin::venue {
namespace {

using nlohmann::json;

constexpr std::size_t kLineBytesMax = 64U << 20U;  // instrument lists are the longest lines, about 10 MB

std::optional<std::string> from_base64(std::string_view text) {
  std::string out;
  std::uint32_t bits = 0;
  int have = 0;
  for (const char c : text) {
    int v = -1;
    if (c >= 'A' && c <= 'Z') v = c - 'A';
    else if (c >= 'a' && c <= 'z') v = c - 'a' + 26;
    else if (c >= '0' && c <= '9') v = c - '0' + 52;
    else if (c == '+') v = 62;
    else if (c == '/') v = 63;
    else if (c == '=') break;
    if (v < 0) return std::nullopt;
    bits = bits << 6U | static_cast<std::uint32_t>(v);
    have += 6;
    if (have >= 8) {
      have -= 8;
      out += static_cast<char>(bits >> static_cast<unsigned>(have) & 0xFFU);
    }
  }
  return out;
}

}  // namespace

Result<RecordingLine> parse_recording_line(std::string_view text, const std::string& where) {
  const auto bad = [&](const std::string& what) { return Error{ErrorKind::kBadRequest, where, what}; };
  const json j = json::parse(text, nullptr, false);
  if (!j.is_object()) return bad("not a JSON object: a recording has one JSON object a line");
  RecordingLine line;
  const auto get = [&](const char* name) -> std::string {
    return j.contains(name) && j[name].is_string() ? j[name].get<std::string>() : std::string();
  };
  const std::string kind = get("kind"), dir = get("dir");
  if (kind != "ws" && kind != "http") return bad("'kind' must be \"ws\" or \"http\"");
  if (dir != "in" && dir != "out") return bad("'dir' must be \"in\" or \"out\"");
  line.is_http = kind == "http";
  line.inbound = dir == "in";
  line.url = get("url");
  if (line.url.empty()) return bad("'url' is missing");
  if (j.contains("ts_ms") && j["ts_ms"].is_number()) line.ts_ms = j["ts_ms"].get<double>();
  if (j.contains("text") && j["text"].is_string()) {
    line.payload = j["text"].get<std::string>();
  } else if (j.contains("base64") && j["base64"].is_string()) {
    auto bytes = from_base64(j["base64"].get_ref<const std::string&>());
    if (!bytes) return bad("'base64' is not base64");
    line.payload = std::move(*bytes);
    line.binary = true;
  } else if (j.contains("body") && j["body"].is_string()) {
    line.payload = j["body"].get<std::string>();
  } else if (line.inbound) {
    return bad("neither 'text' nor 'base64'");
  }
  if (j.contains("status") && j["status"].is_number_integer()) line.status = j["status"].get<int>();
  line.method = get("method");
  line.asks = line.is_http && line.inbound && !line.method.empty() && !j.contains("status");
  if (j.contains("headers") && j["headers"].is_object())
    for (const auto& [name, value] : j["headers"].items())
      if (value.is_string()) line.headers[name] = value.get<std::string>();
  return line;
}

Result<void> read_recording(const std::string& path, const std::function<Result<void>(RecordingLine)>& line) {
  struct Close {
    void operator()(gzFile_s* f) const { gzclose(f); }
  };
  const std::unique_ptr<gzFile_s, Close> file(path == "-" ? gzdopen(0, "rb") : gzopen(path.c_str(), "rb"));
  if (!file) return Error{ErrorKind::kBadRequest, path, "cannot be opened: does the file exist?"};
  std::string buffer;
  std::size_t number = 0;
  std::string chunk(256U << 10U, '\0');
  const auto take = [&](std::string_view text) -> Result<void> {
    ++number;
    if (text.ends_with('\r')) text.remove_suffix(1);
    if (text.empty()) return {};
    auto parsed = parse_recording_line(text, path + ":" + std::to_string(number));
    if (!parsed) return parsed.error();
    return line(std::move(*parsed));
  };
  for (;;) {
    const int n = gzread(file.get(), chunk.data(), static_cast<unsigned>(chunk.size()));
    if (n < 0) return Error{ErrorKind::kBadRequest, path, "is damaged (gzip): copy it again"};
    if (n == 0) break;
    buffer.append(chunk.data(), static_cast<std::size_t>(n));
    std::size_t start = 0;
    for (std::size_t end; (end = buffer.find('\n', start)) != std::string::npos; start = end + 1)
      if (auto ok = take(std::string_view(buffer).substr(start, end - start)); !ok) return ok.error();
    buffer.erase(0, start);
    if (buffer.size() > kLineBytesMax) return Error{ErrorKind::kBadRequest, path, "a line is longer than 64 MiB"};
  }
  if (gzerror(file.get(), nullptr), !gzeof(file.get())) return Error{ErrorKind::kBadRequest, path, "ends in the middle"};
  return take(buffer);
}

}  // namespace anduin::venue
