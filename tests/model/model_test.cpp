// Exhaustive search of the three state machines (settlement.md 5.3, 14.2): two items, two slots, two attempts, crash and
// reorg anywhere. Method: every world that can be reached is visited once, breadth first, and must keep I1 to I8; then
// each rule is taken away and the search must find the invariant that fails, with the shortest way to it.
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <unordered_map>

#include "model/rules.hpp"

namespace {

using namespace anduin::model;

/// The search must end by itself; this only keeps a mistake in the model from eating the machine.
constexpr std::size_t kStatesMax = 40'000'000;

struct Search {
  std::size_t states = 0, moves = 0;
  std::string violation, way;  ///< empty: none
};

struct Visited {
  std::size_t from = 0;
  const char* step = "";
};

/// Breadth first over packed states, so that the first violation is a shortest one.
Search search(const Rules& rules, const Budget& budget = {}) {
  Search out;
  std::unordered_map<std::string_view, std::size_t> known;  // keys point into `worlds`
  std::deque<World> worlds;                                 // stable addresses
  std::vector<Visited> visited;
  const auto visit = [&](World w, std::size_t from, const char* step) {
    normalize(w);
    if (known.contains(bytes_of(w))) return;
    worlds.push_back(w);
    visited.push_back({from, step});
    known.emplace(bytes_of(worlds.back()), worlds.size() - 1);
  };
  for (const bool held : {false, true}) visit(first_world(held, rules, budget), 0, "start");
  for (std::size_t at = 0; at < worlds.size() && at < kStatesMax; ++at) {
    if (out.violation = broken(worlds[at]); !out.violation.empty()) {
      std::vector<std::string> steps;
      for (std::size_t i = at; i > 1; i = visited[i].from) steps.emplace_back(visited[i].step);
      for (auto it = steps.rbegin(); it != steps.rend(); ++it) out.way += (out.way.empty() ? "" : " > ") + *it;
      out.way += "\n    " + to_string(worlds[at]);
      break;
    }
    const World from = worlds[at];
    successors(from, rules, [&](const World& next, const char* step) {
      ++out.moves;
      visit(next, at, step);
    });
  }
  out.states = worlds.size();
  return out;
}

void must_hold(bool duplicate_check, const Budget& budget) {
  Rules rules;
  rules.duplicate_check = duplicate_check;
  const Search s = search(rules, budget);
  std::printf("vault %s the duplicate check, crashes anywhere, up to %d reorgs, %d foreign uses of the key, %d reverts, "
              "%d rivals: %zu states, %zu moves, %s\n",
              duplicate_check ? "with" : "without", static_cast<int>(budget.reorgs), static_cast<int>(budget.foreign),
              static_cast<int>(budget.reverts), duplicate_check ? static_cast<int>(budget.rivals) : 0, s.states, s.moves,
              s.violation.empty() ? "every invariant holds in each" : (s.violation + "\n    " + s.way).c_str());
  CHECK(s.violation == "");
  CHECK(s.states > 10'000);
  CHECK(s.states < kStatesMax);
}

/// Without this rule the search finds this invariant broken, on the vault without the check.
void must_break(const char* invariant, bool Rules::* rule) {
  Rules rules;
  rules.duplicate_check = false;
  rules.*rule = false;
  const Search s = search(rules);
  std::printf("without its rule, after %zu states: %s\n    %s\n", s.states, s.violation.c_str(), s.way.c_str());
  CHECK(s.violation.substr(0, 2) == invariant);
}

}  // namespace

TEST_CASE("model check: I1 to I8 hold in every reachable state, vault with the duplicate check") {
  must_hold(true, {1, 0, 0, 1});
  must_hold(true, {1, 1, 0, 0});
}
TEST_CASE("model check: I1 to I8 hold in every reachable state, vault without the duplicate check") {
  must_hold(false, {1, 1, 1, 0});
}
TEST_CASE("model check, everything that may go wrong in one history", "[.][soak]") {
  if (std::getenv("ANDUIN_SOAK") == nullptr) {
    std::puts("SKIPPED: set ANDUIN_SOAK=1");
    return;
  }
  must_hold(true, {1, 1, 1, 1});
  must_hold(false, {2, 1, 1, 0});
}

TEST_CASE("model check: I1 fails when bytes leave before they are durable") {
  must_break("I1", &Rules::persist_before_send);
}
TEST_CASE("model check: I2 fails when amounts are not frozen") { must_break("I2", &Rules::frozen_amounts); }
TEST_CASE("model check: I3 fails without compare-and-set") { must_break("I3", &Rules::compare_and_set); }
TEST_CASE("model check: I3 fails when an item may stand twice in a slot") { must_break("I3", &Rules::unique_in_slot); }
TEST_CASE("model check: I4 fails when the nonce is raised to the latest count") {
  must_break("I4", &Rules::nonce_from_final);
}
TEST_CASE("model check: I5 fails when outcomes are taken at the head") { must_break("I5", &Rules::final_only); }
TEST_CASE("model check: I6 fails without the second look") { must_break("I6", &Rules::second_look); }
TEST_CASE("model check: I7 fails when a move has no audit row") { must_break("I7", &Rules::audited); }
TEST_CASE("model check: I8 fails when a write is not fenced by the epoch") { must_break("I8", &Rules::fenced); }
