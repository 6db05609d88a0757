// The verdict on a run: what the vault shows against what the venue's closes call for, then the books against the
// vault. Pure reading, one thread.
#pragma once
#include "simulation/books.hpp"
#include "simulation/venue.hpp"

namespace anduin::simulation {

/// Nothing more will come of a settlement in this state; CONFLICT waits for a person for ever.
bool is_over(settle::State state);

/// Empty, or what is wrong, in words; "lost", "times" and "another amount" are about money.
std::string judge(const std::vector<Expected>& closes, const std::vector<chain::VaultEvent>& events,
                  const std::filesystem::path& ledger);

}  // namespace anduin::simulation
