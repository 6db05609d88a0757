// What the simulator tests share: a simulator on a clock that stands still, with its frames collected.
// One thread; one object per test case.
#pragma once
#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <vector>

#include "sim/simulator.hpp"
#include "support/shared.hpp"

namespace anduin::sim {

class CollectingSink final : public FrameSink {
 public:
  void send(ConnId conn, std::string text) override { frames[conn].push_back(std::move(text)); }
  void send_binary(ConnId conn, std::string bytes) override { frames[conn].push_back(std::move(bytes)); }
  void close(ConnId conn, std::uint16_t code, std::string) override { closed[conn] = code; }
  void freeze(ConnId conn) override { frozen.push_back(conn); }
  std::map<ConnId, std::vector<std::string>> frames;
  std::map<ConnId, std::uint16_t> closed;
  std::vector<ConnId> frozen;
};

inline SimOptions bench_options(const std::string& key, const std::string& secret, int accounts = 1) {
  SimOptions options;
  options.key = key;
  options.secret = secret;
  options.accounts = accounts;
  return options;
}

/// The rows of one section of a vectors file, by value: a loop over a member of a temporary would dangle.
inline nlohmann::json vector_rows(const std::string& file, const char* section) {
  return test::shared_json(file)[section];
}

class SimBench {
 public:
  SimBench(const std::string& venue, SimOptions options)
      : random(options.seed), simulator(venue, clock, random, std::move(options), sink) {
    REQUIRE(simulator.ok());
  }

  /// Opens a socket; target is path and query.
  ConnId open(const std::string& target) {
    const std::size_t mark = target.find('?');
    const ConnId conn = next_++;
    const auto refusal = simulator.ws_open(conn, target.substr(0, mark),
                                           mark == std::string::npos ? "" : target.substr(mark + 1));
    REQUIRE_FALSE(refusal.has_value());
    return conn;
  }

  /// Sends one message and gives the frames that came back at once.
  std::vector<std::string> say(ConnId conn, const std::string& text) {
    sink.frames[conn].clear();
    simulator.ws_message(conn, text);
    return sink.frames[conn];
  }

  std::vector<std::string> take(ConnId conn) { return std::exchange(sink.frames[conn], {}); }

  Json control(const std::string& command, const std::string& arguments = "{}") {
    return simulator.control(command, *parse_exact(arguments));
  }

  void advance(std::int64_t ms, std::int64_t step_ms = 10) {
    for (std::int64_t passed = 0; passed < ms; passed += step_ms) {
      clock.advance_ms(std::min(step_ms, ms - passed));
      simulator.tick();
    }
  }

  static Json json(const std::string& text) {
    auto parsed = parse_exact(text);
    REQUIRE(parsed.has_value());
    return *parsed;
  }

  ManualClock clock;
  SeededRandom random;
  CollectingSink sink;
  Simulator simulator;

 private:
  ConnId next_ = 1;
};

}  // namespace anduin::sim
