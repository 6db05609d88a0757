#include "support/anvil.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>

#include "chain/http_transport.hpp"

namespace anduin::test {

using chain::U256;
using nlohmann::json;

namespace {

constexpr auto kPoll = std::chrono::milliseconds(20);
constexpr int kKillWaitMs = 5'000;  // after it SIGKILL has been ignored, which the kernel does not do

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error("anvil: " + what); }

template <class T>
T need(Result<T> result) {
  if (!result) fail(result.error().to_string());
  return std::move(*result);
}

class Deadline {
 public:
  explicit Deadline(int ms) : end_(std::chrono::steady_clock::now() + std::chrono::milliseconds(ms)) {}
  [[nodiscard]] bool over() const { return std::chrono::steady_clock::now() >= end_; }

 private:
  std::chrono::steady_clock::time_point end_;
};

std::string read_all(int fd) {
  std::string out;
  char buffer[4096];
  for (off_t at = 0;;) {
    const ssize_t n = ::pread(fd, buffer, sizeof buffer, at);
    if (n <= 0) return out;
    out.append(buffer, static_cast<std::size_t>(n));
    at += n;
  }
}

std::vector<std::string> command_line(const std::filesystem::path& binary, const AnvilOptions& o) {
  std::vector<std::string> out = {binary.string(),
                                  "--host",
                                  "127.0.0.1",
                                  "--port",
                                  std::to_string(o.port),
                                  "--slots-in-an-epoch",
                                  std::to_string(o.slots_in_an_epoch),
                                  "--chain-id",
                                  std::to_string(o.chain_id),
                                  "--accounts",
                                  std::to_string(o.accounts)};
  if (o.block_time_s != 0) out.insert(out.end(), {"--block-time", std::to_string(o.block_time_s)});
  if (o.mine_on_demand) out.emplace_back("--no-mining");
  if (o.gas_limit != 0) out.insert(out.end(), {"--gas-limit", std::to_string(o.gas_limit)});
  out.insert(out.end(), o.more.begin(), o.more.end());
  return out;
}

std::string quoted(const std::string& text) { return json(text).dump(); }

}  // namespace

const std::vector<DevAccount>& dev_accounts() {
  // Of the mnemonic that every local development chain uses.
  static const std::vector<DevAccount> all = [] {
    std::vector<DevAccount> out;
    for (const auto& [address, key] : std::vector<std::pair<const char*, const char*>>{
             {"0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
              "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"},
             {"0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
              "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"},
             {"0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC",
              "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a"},
             {"0x90F79bf6EB2c4f870365E785982E1f101E93b906",
              "0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6"},
             {"0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65",
              "0x47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a"},
             {"0x9965507D1a55bcC2695C58ba16FB37d819B0A4dc",
              "0x8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba"}})
      out.push_back({chain::Address::parse(address).value(), key});
    return out;
  }();
  return all;
}

std::optional<std::filesystem::path> Anvil::find_binary() {
  if (const char* named = std::getenv("ANDUIN_ANVIL")) return std::filesystem::path(named);
  // The program itself and not npm's script around it, so that the pid we kill is the node.
  const auto modules = std::filesystem::path(ANDUIN_SOURCE_DIR) / "tests/node/node_modules/@foundry-rs";
  for (const char* package : {"anvil-linux-amd64", "anvil-linux-arm64"}) {
    const auto binary = modules / package / "bin/anvil";
    if (std::filesystem::exists(binary)) return binary;
  }
  return std::nullopt;
}

Anvil::Anvil(const AnvilOptions& options)
    : mines_itself_(options.block_time_s == 0 && !options.mine_on_demand) {
  const auto binary = find_binary();
  if (!binary) fail("not installed; run npm ci in tests/node");
  launch(*binary, options);
  try {
    wait_until_listening(options.start_ms_max);
    transport_ = need(chain::HttpTransport::create(url()));
    node_ = std::make_unique<chain::JsonRpcNode>(*transport_);
    if (need(node_->chain_id()) != options.chain_id) fail("another chain id than asked for");
    // Its output is a memory file: without this it would grow for as long as the node runs.
    rpc("anvil_setLoggingEnabled", "[false]");
  } catch (...) {
    kill_child();
    throw;
  }
}

Anvil::~Anvil() { kill_child(); }

void Anvil::launch(const std::filesystem::path& binary, const AnvilOptions& options) {
  std::vector<std::string> arguments = command_line(binary, options);
  std::vector<char*> argv;
  for (std::string& each : arguments) argv.push_back(each.data());
  argv.push_back(nullptr);
  output_fd_ = ::memfd_create("anvil-output", MFD_CLOEXEC);
  const int null_fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (output_fd_ < 0 || null_fd < 0) fail("no file for its output");

  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child == 0) {
    // Only async-signal-safe calls: the parent may have other threads.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(126);
    ::dup2(null_fd, 0);
    ::dup2(output_fd_, 1);
    ::dup2(output_fd_, 2);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  ::close(null_fd);
  if (child < 0) fail("fork failed");
  pid_ = child;
}

void Anvil::wait_until_listening(int timeout_ms) {
  constexpr std::string_view kSays = "Listening on 127.0.0.1:";
  for (const Deadline deadline(timeout_ms);; std::this_thread::sleep_for(kPoll)) {
    const std::string said = read_all(output_fd_);
    if (const std::size_t at = said.find(kSays); at != std::string::npos) {
      const char* begin = said.data() + at + kSays.size();
      const auto parsed = std::from_chars(begin, said.data() + said.size(), port_);
      // The line end proves that the number is whole.
      if (parsed.ec == std::errc{} && parsed.ptr != said.data() + said.size()) return;
    }
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == pid_) {
      pid_ = -1;
      fail("ended at once: " + said);
    }
    if (deadline.over()) fail("does not listen after " + std::to_string(timeout_ms) + " ms: " + said);
  }
}

void Anvil::kill_child() noexcept {
  node_.reset();
  transport_.reset();
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    for (int waited = 0; ::waitpid(pid_, nullptr, WNOHANG) == 0 && waited < kKillWaitMs; ++waited)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    pid_ = -1;
  }
  if (output_fd_ >= 0) ::close(output_fd_);
  output_fd_ = -1;
}

std::string Anvil::url() const { return "http://127.0.0.1:" + std::to_string(port_); }
void Anvil::suspend() {
  ::kill(pid_, SIGSTOP);
  // Its threads stop one after the other; the kernel reports when all stand.
  if (int status = 0; ::waitpid(pid_, &status, WUNTRACED) != pid_ || !WIFSTOPPED(status))
    fail("does not stop");
}
void Anvil::resume() { ::kill(pid_, SIGCONT); }

std::string Anvil::rpc(const std::string& method, const std::string& params_json) {
  return need(node_->raw_call(method, params_json));
}

std::uint64_t Anvil::height() { return need(node_->block(chain::Tag::kLatest)).value().number; }

void Anvil::mine(std::uint64_t blocks) {
  rpc("anvil_mine", "[" + quoted(chain::to_quantity(blocks)) + "]");
}

void Anvil::set_automine(bool on) {
  rpc("evm_setAutomine", on ? "[true]" : "[false]");
  mines_itself_ = on;
}

void Anvil::set_interval_mining(unsigned seconds) {
  rpc("evm_setIntervalMining", "[" + std::to_string(seconds) + "]");
  mines_itself_ = false;
}

void Anvil::reorg(std::uint64_t depth) { reorg_with(depth, {}); }

void Anvil::reorg_with(std::uint64_t depth,
                       const std::vector<std::pair<Bytes, std::uint64_t>>& transactions) {
  json placed = json::array();
  for (const auto& [raw, index] : transactions) placed.push_back(json::array({to_hex(raw), index}));
  rpc("anvil_reorg", json::array({depth, std::move(placed)}).dump());
}

void Anvil::drop_transaction(const chain::Hash& hash) {
  rpc("anvil_dropTransaction", "[" + quoted(hash.to_string()) + "]");
}
void Anvil::drop_all_transactions() { rpc("anvil_dropAllTransactions"); }
std::string Anvil::snapshot() { return json::parse(rpc("evm_snapshot")).get<std::string>(); }

void Anvil::revert_to(const std::string& snapshot) {
  if (rpc("evm_revert", "[" + quoted(snapshot) + "]") != "true") fail("no such snapshot: " + snapshot);
}

void Anvil::set_next_base_fee(const U256& wei) {
  rpc("anvil_setNextBlockBaseFeePerGas", "[" + quoted(chain::to_quantity(wei)) + "]");
}

void Anvil::set_balance(const chain::Address& who, const U256& wei) {
  rpc("anvil_setBalance", "[" + quoted(to_hex(who.bytes)) + "," + quoted(chain::to_quantity(wei)) + "]");
}

chain::Receipt Anvil::send(const chain::Address& from, const std::optional<chain::Address>& to,
                           const Bytes& data) {
  // A stated limit: the node's own estimate is made on another block than the one that runs it, and falls short at times.
  json transaction = {{"from", to_hex(from.bytes)}, {"input", to_hex(data)}, {"gas", "0x7a1200"}};
  if (to) transaction["to"] = to_hex(to->bytes);
  const auto hash = chain::Hash::parse(
      json::parse(rpc("eth_sendTransaction", json::array({std::move(transaction)}).dump()))
          .get<std::string>());
  if (!hash) fail("eth_sendTransaction answers no hash");
  if (!mines_itself_) mine();
  chain::Receipt receipt = wait_receipt(*hash);
  if (!receipt.success) fail("transaction " + hash->to_string() + " reverted, gas used " + std::to_string(receipt.gas_used));
  return receipt;
}

chain::Receipt Anvil::wait_receipt(const chain::Hash& hash, int timeout_ms) {
  for (const Deadline deadline(timeout_ms);; std::this_thread::sleep_for(kPoll)) {
    if (auto receipt = need(node_->receipt(hash))) return std::move(*receipt);
    if (deadline.over())
      fail("no receipt of " + hash.to_string() + " after " + std::to_string(timeout_ms) + " ms");
  }
}

}  // namespace anduin::test
