#include "chain/rpc_endpoint.hpp"

#include <string_view>

namespace anduin::chain {
namespace {

constexpr std::uint64_t kMs = 1'000'000;

/// The endpoint works and does not know that block: no failure of the endpoint. Wordings of geth, reth and
/// others.
bool about_a_block(const Error& e) {
  for (const std::string_view text : {"header not found", "header for hash not found", "unknown block",
                                      "Unknown block", "block not found", "hash is not currently canonical",
                                      "BlockOutOfRange"}) {
    if (e.text.find(text) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

RpcEndpoint::RpcEndpoint(RpcPool::Member member, std::uint64_t chain_id, Clock& clock, bool threaded)
    : name_(std::move(member.name)),
      transport_(std::move(member.transport)),
      node_(std::move(member.node)),
      chain_id_(chain_id),
      clock_(clock),
      health_(name_, !threaded) {
  if (threaded) thread_ = std::thread([this] { run(); });
}

RpcEndpoint::~RpcEndpoint() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    jobs_.clear();
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool RpcEndpoint::post(std::function<void()> job) {
  if (!thread_.joinable()) {
    job();
    return true;
  }
  {
    const std::lock_guard lock(mutex_);
    if (jobs_.size() >= kQueueMax) return false;
    jobs_.push_back(std::move(job));
  }
  changed_.notify_all();
  return true;
}

bool RpcEndpoint::busy() const {
  const std::lock_guard lock(mutex_);
  return running_ || !jobs_.empty();
}

void RpcEndpoint::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (stopping_) return;
    auto job = std::move(jobs_.front());
    jobs_.pop_front();
    running_ = true;
    lock.unlock();
    job();
    job = nullptr;
    lock.lock();
    running_ = false;
  }
}

Result<void> RpcEndpoint::check_chain() {
  const std::uint64_t now = clock_.mono_ns();
  if (chain_checked_ns_ == 0 || now - chain_checked_ns_ >= static_cast<std::uint64_t>(kRecheckMs) * kMs) {
    const auto id = measured<std::uint64_t>([](Node& n) { return n.chain_id(); });
    if (!id) return id.error();
    chain_checked_ns_ = now == 0 ? 1 : now;
    const std::lock_guard lock(mutex_);
    health_.chain(now, chain_id_, *id);
  }
  const std::lock_guard lock(mutex_);
  if (health_.state() != EndpointState::kBanned) return {};
  return Error{ErrorKind::kBadRequest, name_, health_.status(now).why};
}

Result<bool> RpcEndpoint::check_again() {
  chain_checked_ns_ = 0;
  const auto same = check_chain();
  return same ? Result<bool>(true) : Result<bool>(same.error());
}

void RpcEndpoint::record(std::uint64_t start_ns, const std::optional<Error>& error) {
  const std::uint64_t now = clock_.mono_ns();
  const std::lock_guard lock(mutex_);
  const bool fine = !error || error->kind == ErrorKind::kBadRequest || about_a_block(*error);
  if (fine)
    health_.answered(now, now - start_ns);
  else
    health_.failed(now, now - start_ns, *error);
}

Result<void> RpcEndpoint::reach(std::uint64_t height) {
  if (head() >= height) return {};
  const auto latest = ask<std::optional<Block>>([](Node& n) { return n.block(Tag::kLatest); });
  if (!latest) return latest.error();
  if (*latest) note_head((*latest)->number);
  if (*latest && (*latest)->number >= height) return {};
  return Error{ErrorKind::kRetryable, name_, "has not reached block " + std::to_string(height)};
}

EndpointStatus RpcEndpoint::status() const {
  const std::lock_guard lock(mutex_);
  return health_.status(clock_.mono_ns());
}

void RpcEndpoint::compare(const EndpointHealth::Others& others) {
  const std::lock_guard lock(mutex_);
  health_.compare(clock_.mono_ns(), others);
}

void RpcEndpoint::untrue(const std::string& what) {
  const std::lock_guard lock(mutex_);
  health_.untrue(clock_.mono_ns(), what);
}

void RpcEndpoint::truthful() {
  const std::lock_guard lock(mutex_);
  health_.truthful();
}

void RpcEndpoint::note_head(std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  health_.head(clock_.mono_ns(), number);
}

void RpcEndpoint::note_finalized(std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  health_.finalized(clock_.mono_ns(), number);
}

void RpcEndpoint::probe_if_due(bool now) {
  {
    const std::lock_guard lock(mutex_);
    if (probing_ || !(now || health_.probe_due(clock_.mono_ns()))) return;
    probing_ = true;
  }
  const bool posted = post([this] {
    (void)check_again();
    const std::lock_guard lock(mutex_);
    probing_ = false;
  });
  if (posted) return;
  const std::lock_guard lock(mutex_);
  probing_ = false;
}

bool RpcEndpoint::usable() const {
  const std::lock_guard lock(mutex_);
  return !health_.paused() && health_.state() != EndpointState::kBanned;
}

EndpointState RpcEndpoint::state() const {
  const std::lock_guard lock(mutex_);
  return health_.state();
}

std::uint64_t RpcEndpoint::head() const {
  const std::lock_guard lock(mutex_);
  return health_.head_number();
}

std::uint64_t RpcEndpoint::finalized() const {
  const std::lock_guard lock(mutex_);
  return health_.finalized_number();
}

}  // namespace anduin::chain
