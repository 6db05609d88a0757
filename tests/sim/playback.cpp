#include "sim/playback.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>

namespace anduin::sim {
namespace {

constexpr std::size_t kChunk = 1U << 16U;

/// "wss://host/path?query" -> "/path?query"; the path is at least "/".
std::string target_of(const std::string& url) {
  const std::size_t scheme = url.find("://");
  const std::size_t slash = url.find('/', scheme == std::string::npos ? 0 : scheme + 3);
  return slash == std::string::npos ? "/" : url.substr(slash);
}

}  // namespace

std::optional<std::string> Playback::add_line(const std::string& line) {
  const auto entry = parse_exact(line);
  if (!entry || !entry->is_object()) return "is no JSON object";
  if (text_at(*entry, "dir") != "in") return std::nullopt;
  const std::string target = target_of(text_at(*entry, "url"));
  Frame frame;
  if (entry->contains("ts_ms")) {
    const auto ts = decimal_of((*entry)["ts_ms"]);
    if (ts) frame.ts_us = std::stoll((*ts * Decimal(1000)).truncated(0).to_string());
  }
  if (entry->contains("base64")) {
    const auto bytes = base64_decode(text_at(*entry, "base64"));
    if (!bytes) return "has broken base64";
    frame.payload = *bytes;
    frame.binary = true;
  } else {
    frame.payload = text_at(*entry, "text");
  }
  if (text_at(*entry, "kind") == "http") {
    const std::size_t mark = target.find('?');
    Answer answer;
    if (mark != std::string::npos) answer.query = target.substr(mark + 1);
    answer.response.status = static_cast<int>(int_at(*entry, "status", 200));
    answer.response.body = std::move(frame.payload);
    answers_[target.substr(0, mark)].push_back(std::move(answer));
    return std::nullopt;
  }
  std::vector<Frame>& stream = streams_[target];
  // A frame without a time comes with the one before it.
  if (frame.ts_us == 0 && !stream.empty()) frame.ts_us = stream.back().ts_us;
  stream.push_back(std::move(frame));
  return std::nullopt;
}

std::optional<std::string> Playback::load(const std::string& file) {
  gzFile in = gzopen(file.c_str(), "rb");  // reads plain files too
  if (in == nullptr) return file + ": cannot be opened";
  std::string line;
  std::array<char, kChunk> chunk{};
  std::optional<std::string> problem;
  std::size_t number = 0;
  const auto finish_line = [&] {
    ++number;
    if (!line.empty() && !problem) {
      if (auto bad = add_line(line)) problem = file + ":" + std::to_string(number) + ": " + *bad;
    }
    line.clear();
  };
  int n = 0;
  while (!problem && (n = gzread(in, chunk.data(), static_cast<unsigned>(chunk.size()))) > 0) {
    for (int i = 0; i < n; ++i) {
      if (chunk[static_cast<std::size_t>(i)] == '\n')
        finish_line();
      else
        line += chunk[static_cast<std::size_t>(i)];
    }
  }
  finish_line();
  gzclose(in);
  if (n < 0) return file + ": is damaged";
  return problem;
}

bool Playback::open(ConnId conn, const std::string& path, const std::string& query) {
  const std::string target = query.empty() ? path : path + "?" + query;
  if (streams_.count(target) == 0) return false;
  conns_[conn] = {target, world_.mono_ms() * 1000, 0};
  return true;
}

std::optional<Response> Playback::http(const Request& request) {
  const auto it = answers_.find(request.path);
  if (it == answers_.end()) return std::nullopt;
  std::vector<Answer>& list = it->second;
  const auto exact =
      std::find_if(list.begin(), list.end(), [&](const Answer& a) { return a.query == request.query; });
  if (exact != list.end()) return exact->response;
  std::size_t& used = used_[request.path];
  const std::size_t index = std::min(used, list.size() - 1);
  ++used;
  return list[index].response;
}

std::int64_t Playback::recorded_ms(ConnId conn) const {
  const auto it = conns_.find(conn);
  if (it == conns_.end() || it->second.next == 0) return 0;
  return streams_.at(it->second.target)[it->second.next - 1].ts_us / 1000;
}

void Playback::tick() {
  const std::int64_t now_us = world_.mono_ms() * 1000;
  std::vector<ConnId> ended;
  for (auto& [conn, cursor] : conns_) {
    const std::vector<Frame>& stream = streams_[cursor.target];
    const std::int64_t played_us = (now_us - cursor.start_us) * speed_permille_ / 1000;
    while (cursor.next < stream.size() && stream[cursor.next].ts_us - stream.front().ts_us <= played_us) {
      const Frame& frame = stream[cursor.next++];
      if (frame.binary)
        sink_.send_binary(conn, frame.payload);
      else
        sink_.send(conn, frame.payload);
    }
    if (cursor.next >= stream.size()) ended.push_back(conn);
  }
  for (const ConnId conn : ended) {
    conns_.erase(conn);
    sink_.close(conn, 1000, "end of the recording");
  }
}

}  // namespace anduin::sim
