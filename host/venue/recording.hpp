// The recording format: one JSON object a line (interfaces of `replay`, `record` and the simulators' playback).
// Thread: one reader per thread. Plain text and gzip are told apart by content.
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "base/error.hpp"

namespace anduin::venue {

struct RecordingLine {
  std::optional<double> ts_ms;  ///< ms since the epoch, may have decimals; statistics of time only, never money
  bool is_http = false;
  bool inbound = false;         ///< from the venue
  std::string url;
  std::string payload;          ///< text, or the decoded base64
  bool binary = false;
  int status = 200;
  std::string method;
  bool asks = false;            ///< an http line in with a method and no status: a request that came to our webhook
  std::map<std::string, std::string> headers;
};

/// Parses one line. `where` is "FILE:LINE".
Result<RecordingLine> parse_recording_line(std::string_view text, const std::string& where);

/// Calls `line` for each line of a file in order ("-" = standard input) until it returns an error.
Result<void> read_recording(const std::string& path, const std::function<Result<void>(RecordingLine)>& line);

}  // namespace anduin::venue
