// Proof of the settlement book from its own file: the audit chain, each row against the digest that the trail
// remembers, states against transitions, slots against items, nonces, signed bytes.
// Thread: one caller per Database. Reads one snapshot, also while a host writes. Memory: some 120 bytes a row.
#pragma once
#include "settle/audit.hpp"

namespace anduin::settle {

struct VerifyProblem {
  std::string ref;    ///< refId of the settlement concerned; empty when none is
  std::string where;  ///< "settlement 12 (Bybit abc)", "audit row 7", "slot 3", "signer 0x..."
  std::string text;   ///< what is wrong, in words
};

struct VerifyReport {
  Checkpoint checkpoint;
  std::uint64_t settlements = 0, slots = 0, attempts = 0, reports = 0;
  std::uint64_t problem_count = 0;
  std::vector<VerifyProblem> problems;  ///< the first kProblemsMax
  [[nodiscard]] bool good() const { return problem_count == 0; }
  void add(VerifyProblem problem);

  /// A report is for a person; after a thousand lines the count says the rest.
  static constexpr std::size_t kProblemsMax = 1'000;
};

/// `since`: a checkpoint kept from earlier; the trail must still hold it. Throws ErrorException when the file
/// cannot be read.
VerifyReport verify_book(Database& db, const std::optional<Checkpoint>& since = {});

}  // namespace anduin::settle
