#include "settle/ledger_writer.hpp"

#include <algorithm>
#include <iterator>

namespace anduin::settle {

LedgerWriter::LedgerWriter(Ledger& ledger, std::function<void()> on_durable)
    : ledger_(ledger), on_durable_(std::move(on_durable)), thread_([this] { run(); }) {}

LedgerWriter::~LedgerWriter() { stop(); }

void LedgerWriter::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  filled_.notify_all();
  drained_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool LedgerWriter::post(AccountBatch batch, Done done) {
  {
    std::unique_lock lock(mutex_);
    drained_.wait(lock, [this] { return stopping_ || queue_.size() < kQueueMax; });
    if (stopping_) return false;
    queue_.push_back({std::move(batch), std::move(done)});
  }
  filled_.notify_one();
  return true;
}

bool LedgerWriter::try_post(AccountBatch& batch, Done& done) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || queue_.size() >= kQueueMax) return false;
    queue_.push_back({std::move(batch), std::move(done)});
  }
  filled_.notify_one();
  return true;
}

void LedgerWriter::run() {
  std::vector<Job> jobs;
  while (true) {
    {
      std::unique_lock lock(mutex_);
      filled_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;  // stopping, and everything posted is written
      const auto count = static_cast<std::ptrdiff_t>(std::min(queue_.size(), kGroupMax));
      std::move(queue_.begin(), queue_.begin() + count, std::back_inserter(jobs));
      queue_.erase(queue_.begin(), queue_.begin() + count);
    }
    drained_.notify_all();
    commit(jobs);
    jobs.clear();
  }
}

void LedgerWriter::commit(std::vector<Job>& jobs) {
  std::vector<AccountBatch> batches;
  batches.reserve(jobs.size());
  for (auto& job : jobs) batches.push_back(std::move(job.batch));
  auto results = ledger_.commit_group(batches);
  const auto accepted = [](const CloseOutcome& o) { return o.outcome == Outcome::kAccepted; };
  if (results && on_durable_ &&
      std::any_of(results->begin(), results->end(), [&](const Ledger::BatchResult& r) {
        return r && std::any_of(r->begin(), r->end(), accepted);
      })) {
    on_durable_();
  }
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    if (jobs[i].done)
      jobs[i].done(results ? std::move((*results)[i]) : Ledger::BatchResult(results.error()));
  }
}

}  // namespace anduin::settle
