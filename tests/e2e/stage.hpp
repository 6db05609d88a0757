// A whole Anduin on loopback: venue simulators over TLS, an EVM node with the reference vault, the host as a process.
// Thread: one caller. Everything it started ends with it. Throws std::runtime_error with a text that says what failed.
#pragma once
#include <filesystem>
#include <map>
#include <iosfwd>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "e2e/process.hpp"
#include "support/anvil.hpp"

namespace anduin::e2e {

/// One running simulator.
class Sim {
 public:
  Sim(const std::filesystem::path& bin, const std::string& venue, const std::filesystem::path& dir,
      const std::vector<std::string>& more);
  ~Sim();
  [[nodiscard]] const nlohmann::json& ready() const { return ready_; }
  [[nodiscard]] std::string ca() const { return ready_.at("ca"); }
  /// POST /sim/<command>.
  nlohmann::json control(const std::string& command, const nlohmann::json& body = nlohmann::json::object());
  [[nodiscard]] const std::string& venue() const { return venue_; }
  /// It is no server that the host dials: its terminals post to the host's webhook.
  [[nodiscard]] bool posts() const { return ready_.contains("webhook"); }

 private:
  struct Http;
  std::string venue_, origin_;
  nlohmann::json ready_;
  std::unique_ptr<Process> process_;
  std::unique_ptr<Http> http_;
};

/// The `endpoints:` of a pipeline file, in one line: those of `sim` but for what `player` plays.
std::string endpoints_of(const Sim& sim, const Sim* player = nullptr, const std::string& played = {});

/// Recorded exchange data in place of a venue's simulated prices: one of its endpoints is played back.
struct Recording {
  std::string endpoint;                      ///< id of the manifest
  std::string settings;                      ///< what the pipeline file says of the venue's prices
  std::vector<std::string> files;            ///< of the recording format
  std::vector<std::string> replay;           ///< arguments by which `anduin replay` reads the same prices out of them
  std::map<std::string, std::string> bases;  ///< as replay names the symbol -> the coin that it prices in dollars
};

/// One venue on the stage: what the pipeline file says of it and what its closes are called.
struct Cast {
  std::string venue;                    ///< the plugin's name
  std::string market;                   ///< the product, as the pipeline file names it
  std::vector<std::string> symbols;     ///< canonical; closes are of the first two
  bool account_market = false;          ///< accounts name their market too (as the simulator says)
  std::optional<Recording> recording = {};
};
/// Bybit and Kraken; every venue that was built.
std::vector<Cast> two_venues();
std::vector<Cast> all_venues();

/// The venues of which recordings are found beside the sources show those; their accounts stay simulated.
std::vector<Cast> with_recordings(std::vector<Cast> cast, const std::filesystem::path& captures);

/// A close as the simulators gave it out.
struct Injected {
  std::string venue, ledger_id, account, pnl;
};

struct Reconciliation {
  std::uint64_t injected = 0, settled = 0, held = 0, noaction = 0, onchain = 0, lost = 0, duplicate = 0;
  std::string ledger_sum, onchain_sum;
  std::vector<std::string> missing;  ///< injected ids that the ledger does not know
  [[nodiscard]] bool good() const;
  /// The reconciliation line of the interfaces.
  [[nodiscard]] std::string line() const;
};

struct StageOptions {
  std::filesystem::path bin;  ///< build/bin
  std::filesystem::path dir;  ///< for everything that is written
  bool duplicate_check = true;
  unsigned block_time_s = 1;
  bool mine_on_demand = false;      ///< no block but by chain().mine()
  unsigned slots_in_an_epoch = 2;   ///< finalized = latest - twice this
  std::uint64_t seed = 1;
  std::vector<Cast> cast = two_venues();
  /// Canonical name -> venue -> the venue's own name: `symbols:` of the pipeline file.
  std::map<std::string, std::map<std::string, std::string>> symbols = {};
  unsigned accounts_per_venue = 2;
  std::string more = {};  ///< further lines of the pipeline file, at its top level
};

class Stage {
 public:
  explicit Stage(StageOptions options);
  ~Stage();

  [[nodiscard]] const std::vector<std::unique_ptr<Sim>>& sims() { return sims_; }
  Sim& sim(const std::string& venue);
  /// Those that play recordings, by venue.
  [[nodiscard]] const std::map<std::string, std::unique_ptr<Sim>>& players() { return players_; }
  Sim& bybit() { return sim("bybit"); }
  Sim& kraken() { return sim("kraken"); }
  [[nodiscard]] const Cast& cast(const std::string& venue) const;
  /// How many accounts stream when all is well.
  [[nodiscard]] std::size_t accounts() const;
  test::Anvil& chain() { return *anvil_; }
  test::TestVault& vault() { return *vault_; }
  [[nodiscard]] const std::filesystem::path& pipeline_file() const { return pipeline_; }
  [[nodiscard]] std::filesystem::path program() const { return options_.bin / "anduin"; }
  [[nodiscard]] std::filesystem::path ledger_file() const { return options_.dir / "anduin.db"; }
  /// Where `anduin ctl` reaches the host.
  [[nodiscard]] std::filesystem::path control_socket() const { return options_.dir / "anduin.sock"; }
  [[nodiscard]] std::filesystem::path host_log() const { return options_.dir / "host.log"; }
  /// What the host is started with: NAME=VALUE, secrets among them.
  [[nodiscard]] const std::vector<std::string>& environment() const { return environment_; }
  /// Values that must stand in no log, ledger, argument list or recording.
  [[nodiscard]] const std::vector<std::string>& secrets() const { return secrets_; }

  void start_host();
  /// Until what posts to the webhook has set the mark from which it reports closes.
  void wait_terminals(int timeout_ms);
  /// SIGKILL, and waits for the end.
  void kill_host();
  /// SIGTERM; the exit status. Throws when it does not end in time.
  int stop_host();
  [[nodiscard]] bool host_running() { return host_ && host_->running(); }
  [[nodiscard]] int host_pid() const { return host_->pid(); }
  /// Waits until the log has the text `count` times; throws after timeout_ms.
  void wait_log(const std::string& text, std::size_t count, int timeout_ms) const;

  /// Everything that the simulators gave out.
  std::vector<Injected> injected();
  /// Sums of ledger, simulators and chain. The ledger is readable while the host runs.
  Reconciliation reconcile();
  /// Polls until nothing waits any more and all injected closes are known; false after timeout_ms.
  bool drain(int timeout_ms);

 private:
  /// How the ledger writes a close: the venue's name, and the account's uid where ids are unique in an account only.
  struct Naming {
    std::string display;
    bool uid_prefix;
  };
  void write_pipeline();
  void write_venue(std::ostream& out, const Sim& sim);
  void write_account(std::ostream& out, const Sim& sim, const nlohmann::json& account, const std::string& user,
                     bool capped);
  [[nodiscard]] std::string ledger_id(const std::string& venue, const nlohmann::json& close) const;
  StageOptions options_;
  std::vector<std::unique_ptr<Sim>> sims_;  ///< in the order of the cast
  std::map<std::string, std::unique_ptr<Sim>> players_;
  std::map<std::string, Naming> naming_;
  std::unique_ptr<test::Anvil> anvil_;
  std::unique_ptr<test::TestVault> vault_;
  std::filesystem::path pipeline_;
  std::vector<std::string> environment_, secrets_;
  std::string webhook_;  ///< host:port; empty = nobody posts
  std::unique_ptr<Process> host_;
};

}  // namespace anduin::e2e
