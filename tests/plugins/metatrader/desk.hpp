// A desk with the Expert Advisor on it, without its code: for programs whose other files must not see MQL5's words.
// Thread: one caller. Time is the system's. Lifetime: its folder outlives it.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace anduin::test {

struct DeskOptions {
  std::filesystem::path files;  ///< the terminal's sandbox
  std::string url, key, secret, ref;
  long login = 0;
  std::string server = "Sim-Live", currency = "USD", symbols;  ///< symbols: prices of these, comma separated
  std::string ca_file;
};

/// One closed position, as the trade server books it.
struct DeskTrade {
  std::string symbol = "XAUUSD.m";
  bool is_long = true;
  double lots = 0.1, entry = 2050.5, exit = 2075.3, profit = 248, commission = 0, swap = 0;
  int parts = 1;        ///< closed by so many deals
  bool silent = false;  ///< the terminal hears nothing: only a scan of the history finds it
};

class LiveDesk {
 public:
  explicit LiveDesk(DeskOptions options);
  ~LiveDesk();
  /// (Re)starts the terminal on its disk. False when the Expert Advisor refuses.
  bool start();
  void kill();  ///< the process is gone; what is on disk stays
  /// One tick of the program's timer; call it four times a second. Blocks for as long as its requests do.
  void tick();
  /// The closing deals' tickets. Works while the terminal is killed, too.
  std::vector<std::uint64_t> trade(const DeskTrade& t);
  void quote(const std::string& symbol, double bid, double ask);
  void set_url(const std::string& url);
  void set_clock_error_s(long seconds);
  /// The next requests fail as if there were no network.
  void cut(int requests);

  struct Counts {
    std::size_t out = 0, done = 0, dead = 0;
    std::uint64_t requests = 0, failed = 0;
  };
  [[nodiscard]] Counts counts() const;
  /// The first scan has set its mark: closes from here on are reported.
  [[nodiscard]] bool active() const;
  [[nodiscard]] std::vector<std::string> alerts() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace anduin::test
