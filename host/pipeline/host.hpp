// The running pipeline: plugins, venues, aggregate, bridge, ledger, submitters, wired as the settings say.
// Thread: start() and stop() on the main thread; status() from any. Lifetime: the settings are copied.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "market/aggregator.hpp"
#include "pipeline/settings.hpp"

namespace anduin::pipeline {

class Host {
 public:
  /// Opens the ledger, probes live vaults, loads plugins, connects. Errors: what cannot work at all; a venue that is
  /// away is not an error.
  static Result<std::unique_ptr<Host>> start(Settings settings);
  /// Takes nothing new, commits what was posted, finishes the submitters' rounds.
  ~Host();

  struct Line {  ///< one venue or account, for the status report
    std::string name;
    bool good = false;
    std::uint64_t losses = 0;
    std::size_t waiting = 0;
    std::string problem;
  };
  struct Status {
    std::vector<market::AggregatedPrice> prices;
    std::vector<Line> venues, accounts, vaults;
    std::vector<Line> endpoints;  ///< of the vaults; losses = failed calls
    std::size_t unproven = 0;  ///< open unproven ranges
    std::vector<std::string> breakers;  ///< open ones: scope and reason
  };
  [[nodiscard]] Status status();
  /// Where the webhook listens; 0 = there is none.
  [[nodiscard]] std::uint16_t webhook_port() const;

 private:
  struct Impl;
  explicit Host(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace anduin::pipeline
