// `anduin check --live`: is everything that the pipeline file names really there? Dials every venue, reads
// its clock and instruments, verifies every key and what it may do, probes every vault. Settles nothing and
// writes nothing. Thread: main; blocks, up to kVenueMsMax a venue and kAccountMsMax an account.
#pragma once
#include <string>
#include <vector>

#include "pipeline/settings.hpp"

namespace anduin::pipeline {

struct LiveFinding {
  enum class Verdict : std::uint8_t { kGood, kWarning, kFailed };
  Verdict verdict = Verdict::kGood;
  std::string subject;  ///< "venue bybit", "account alice-bybit", "vault main"
  std::string text;     ///< what was found, and what to do about it
};

/// In the order of the file. `settings` must have passed the check without an error.
std::vector<LiveFinding> check_live(const Settings& settings);

}  // namespace anduin::pipeline
