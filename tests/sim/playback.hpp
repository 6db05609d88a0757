// Recorded frames (recording format: JSON lines, plain or .gz) played to whoever connects, at their own pace.
// Sans-I/O; one thread. Every connection starts at the first frame of its URL and is closed after the last.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sim/venue.hpp"

namespace anduin::sim {

class Playback {
 public:
  Playback(const World& world, FrameSink& sink) : world_(world), sink_(sink) {}

  /// Adds a file. The error text names it and the line.
  std::optional<std::string> load(const std::string& file);
  void set_speed(std::int64_t permille) { speed_permille_ = permille; }

  /// True: this connection belongs to a recorded URL with that path and query.
  bool open(ConnId conn, const std::string& path, const std::string& query);
  [[nodiscard]] bool owns(ConnId conn) const { return conns_.count(conn) != 0; }
  /// When the newest frame that this connection has got was recorded, ms since the epoch; 0 before the first.
  [[nodiscard]] std::int64_t recorded_ms(ConnId conn) const;
  bool closed(ConnId conn) { return conns_.erase(conn) != 0; }
  /// The recorded answer of that path: the same query first, any query otherwise; the last one is repeated.
  std::optional<Response> http(const Request& request);
  void tick();

 private:
  struct Frame {
    std::int64_t ts_us = 0;
    std::string payload;
    bool binary = false;
  };
  struct Cursor {
    std::string target;
    std::int64_t start_us = 0;
    std::size_t next = 0;
  };
  struct Answer {
    std::string query;
    Response response;
  };
  std::optional<std::string> add_line(const std::string& line);

  const World& world_;
  FrameSink& sink_;
  std::int64_t speed_permille_ = 1000;
  std::map<std::string, std::vector<Frame>> streams_;  ///< path, with ?query where the URL had one
  std::map<std::string, std::vector<Answer>> answers_;
  std::map<std::string, std::size_t> used_;
  std::map<ConnId, Cursor> conns_;
};

}  // namespace anduin::sim
