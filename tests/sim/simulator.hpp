// A venue engine with its faults and its control commands: everything of anduin-venue-sim but the sockets.
// One thread; the sink must outlive it and must not call back from send() or close().
#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sim/playback.hpp"
#include "sim/venue.hpp"

namespace anduin::sim {

/// Stands between the venue and the sockets and spoils things on command.
class FaultySink final : public FrameSink {
 public:
  FaultySink(FrameSink& out, const World& world) : out_(out), world_(world) {}
  void send(ConnId conn, std::string text) override;
  void send_binary(ConnId conn, std::string bytes) override { out_.send_binary(conn, std::move(bytes)); }
  void close(ConnId conn, std::uint16_t code, std::string reason) override;
  void freeze(ConnId conn) override { out_.freeze(conn); }
  void tick();
  void forget(ConnId conn);

  /// From now until `until_ms` (monotonic) nothing of this connection leaves; text: only frames that contain
  /// it.
  void mute(ConnId conn, std::int64_t until_ms, std::string text) {
    mutes_[conn] = {until_ms, std::move(text)};
  }
  void unmute() { mutes_.clear(); }
  [[nodiscard]] bool muted(ConnId conn) const;

  /// Frames of these connections leave as gzip members; the other faults see their text.
  std::function<bool(ConnId)> packed = [](ConnId) { return false; };
  std::int64_t duplicate = 0;  ///< so many coming frames are sent twice
  std::int64_t reorder = 0;    ///< so many coming frames are overtaken by their successor
  std::int64_t delay_ms = 0;   ///< every frame leaves that much later
  std::uint64_t frames = 0;

 private:
  struct Mute {
    std::int64_t until_ms;
    std::string text;
  };
  struct Late {
    std::int64_t due_ms;
    ConnId conn;
    std::string text;
  };
  void pass(ConnId conn, std::string text);
  FrameSink& out_;
  const World& world_;
  std::map<ConnId, Mute> mutes_;
  std::map<ConnId, std::string> held_;
  std::deque<Late> late_;
};

class Simulator {
 public:
  Simulator(const std::string& venue, const Clock& clock, Random& random, SimOptions options,
            FrameSink& sink);
  ~Simulator();

  [[nodiscard]] bool ok() const { return venue_ != nullptr; }  ///< false: no such venue
  Response http(const Request& request);
  std::optional<Response> ws_open(ConnId conn, const std::string& path, const std::string& query);
  void ws_message(ConnId conn, std::string_view text);
  void ws_ping(ConnId conn);
  void ws_closed(ConnId conn);
  void tick();

  /// From now on recorded frames answer what they match; the venue answers the rest. The error text is for a
  /// person.
  std::optional<std::string> play(const std::vector<std::string>& files, std::int64_t speed_permille);

  /// POST /sim/<command>; the answer always has "ok".
  Json control(std::string_view command, const Json& arguments);
  /// The ready line for this origin ("127.0.0.1:4711").
  [[nodiscard]] Json ready_line(const std::string& authority, bool tls, const std::string& ca) const;
  [[nodiscard]] SimVenue& venue() { return *venue_; }
  [[nodiscard]] World& world() { return world_; }
  [[nodiscard]] std::size_t connections() const { return open_.size(); }

 private:
  struct PlannedError {
    std::string code, path;
    std::int64_t count;
  };
  [[nodiscard]] std::vector<ConnId> matching(const Json& arguments) const;
  Json do_close(const Json& arguments);
  Json do_price(const Json& arguments);
  Json do_mute(const Json& arguments);
  Json do_keys(const Json& arguments);
  Json do_drop(const Json& arguments);
  [[nodiscard]] Json stats() const;
  [[nodiscard]] Json log() const;

  Market market_;
  World world_;
  FrameSink& out_;
  FaultySink faults_;
  std::unique_ptr<SimVenue> venue_;
  Playback playback_;
  std::map<ConnId, std::string> open_;  ///< connection -> path with query
  std::vector<PlannedError> errors_;
  std::vector<CloseLog> log_;
  std::uint64_t requests_ = 0, failed_ = 0, opened_ = 0, dropped_ = 0;
};

}  // namespace anduin::sim
