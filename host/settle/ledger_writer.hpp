// The one thread that writes closes: gathers what the I/O threads post, commits in groups, reports back.
// Thread: post() from any thread; callbacks and on_durable run on the writer's thread and must not block.
// stop() (and the destructor) commit what was posted. The ledger outlives the writer.
#pragma once
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "settle/ledger.hpp"

namespace anduin::settle {

class LedgerWriter {
 public:
  /// Outcomes in the order of the closes, after they are durable; or the error, and nothing of the batch is
  /// kept.
  using Done = std::function<void(Result<std::vector<CloseOutcome>>)>;

  /// `on_durable` runs after every commit that made a row QUEUED: the submitter's wake().
  explicit LedgerWriter(Ledger& ledger, std::function<void()> on_durable = {});
  ~LedgerWriter();

  /// Never drops: at kQueueMax batches it waits, which stops the poster's socket reading and its backfill.
  /// Returns false only after stop().
  bool post(AccountBatch batch, Done done);
  /// The same without waiting: false when the queue is full (the caller keeps the batch and comes again).
  bool try_post(AccountBatch& batch, Done& done);
  void stop();

  /// Batches waiting. 10,000 accounts that all reconnect post one each.
  static constexpr std::size_t kQueueMax = 16'384;
  /// Batches in one transaction: at 100 the fsync is shared widely enough, and one commit stays under 10
  /// ms.
  static constexpr std::size_t kGroupMax = 100;

 private:
  struct Job {
    AccountBatch batch;
    Done done;
  };
  void run();
  void commit(std::vector<Job>& jobs);

  Ledger& ledger_;
  std::function<void()> on_durable_;
  std::mutex mutex_;
  std::condition_variable filled_, drained_;
  std::deque<Job> queue_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace anduin::settle
