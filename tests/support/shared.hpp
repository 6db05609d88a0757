// Access to the shared facts (vectors, captures) that stand beside the project, not in it.
// ANDUIN_SHARED overrides the place; ANDUIN_REQUIRE_SHARED=1 turns their absence into a failure.
#pragma once
#include <nlohmann/json.hpp>
#include <filesystem>
#include <optional>
#include <string>

namespace anduin::test {

/// The folder, or nothing when it is absent. Fails the test when absence is not allowed.
std::optional<std::filesystem::path> shared_dir();

/// A parsed vectors file ("vectors/bybit.json"); numbers keep their text only if quoted in the file.
/// Kept until the program ends, so that `for (x : shared_json(f).at(k))` does not walk a dead temporary.
/// One thread.
const nlohmann::json& shared_json(const std::filesystem::path& relative);

}  // namespace anduin::test

/// Ends the test case as skipped, with a message, where the shared folder is absent.
#define ANDUIN_NEED_SHARED()                                                          \
  do {                                                                                \
    if (!anduin::test::shared_dir()) {                                                \
      std::puts("SKIPPED: the shared facts folder is absent (set ANDUIN_SHARED)");    \
      SUCCEED();                                                                      \
      return;                                                                         \
    }                                                                                 \
  } while (false)
