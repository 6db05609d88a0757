// The plugin against the simulated venue, in one process on a clock that only the test moves: requests are signed as
// the host would sign them, frames go both ways, sockets are cut and dialled again. Thread: one.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "plugins/okx/bench.hpp"
#include "sim/sim_bench.hpp"

namespace anduin::test {

class World {
 public:
  explicit World(int accounts = 1);

  /// One instance of the account's plugin.
  struct Live {
    Live(World& world, const nlohmann::json& options, std::int64_t settle_from_ms, const std::string& watermark,
         std::size_t account);
    ~Live();
    Bench bench;
    std::size_t account;
    std::map<std::uint32_t, sim::ConnId> conns;  ///< the plugin's number -> the venue's
    std::size_t frames_sent = 0, redials_seen = 0;

   private:
    World& world_;
  };

  /// Runs everything for that long.
  void advance(std::int64_t ms);
  /// Dials what is down.
  void connect(Live& live);
  sim::Json control(const std::string& command, const nlohmann::json& arguments = nlohmann::json::object());
  sim::Json close(nlohmann::json arguments);
  [[nodiscard]] std::int64_t now_ms() const { return sim.clock.wall_ms(); }
  /// The closes that the simulator gave out, by id.
  std::map<std::string, sim::Json> log();

  sim::SimBench sim;

 private:
  void pump();
  bool pump(Live& live);
  [[nodiscard]] sim::Request signed_request(const SentRequest& r, std::size_t account) const;
  [[nodiscard]] std::string rendered(const std::string& text, const std::string& sign, std::size_t account) const;

  std::vector<Live*> live_;
  std::int64_t last_ping_ms_ = 0;
};

}  // namespace anduin::test
