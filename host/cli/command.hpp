// One subcommand of `anduin`: it adds its options to the parser and runs when chosen.
// Exit status everywhere: 0 good, 1 the work failed, 2 wrong use or invalid configuration.
#pragma once
#include <functional>

namespace CLI {
class App;
}

namespace anduin::cli {

inline constexpr int kGood = 0, kFailed = 1, kWrongUse = 2;

/// Set by the chosen command; main runs it after parsing.
using Action = std::function<int()>;

void add_replay(CLI::App& app, Action& action);
void add_plugin(CLI::App& app, Action& action);
void add_check(CLI::App& app, Action& action);
void add_schema(CLI::App& app, Action& action);
void add_run(CLI::App& app, Action& action);
void add_ledger(CLI::App& app, Action& action);
void add_ctl(CLI::App& app, Action& action);
void add_balance(CLI::App& app, Action& action);
void add_safe(CLI::App& app, Action& action);

}  // namespace anduin::cli
