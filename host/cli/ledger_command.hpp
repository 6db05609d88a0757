// What the parts of `anduin ledger` share: how a ledger is named and opened, how a failure is told.
// Plain functions, called on the main thread.
#pragma once
#include <cstdio>
#include <memory>
#include <string>

#include "cli/command.hpp"
#include "settle/ledger_query.hpp"

namespace anduin::cli {

/// The path of "sqlite:PATH" or of a bare PATH. kBadRequest for another kind of ledger.
inline Result<std::string> ledger_path(const std::string& name) {
  if (name.starts_with("sqlite:")) return name.substr(7);
  if (name.find("://") != std::string::npos) return Error{ErrorKind::kBadRequest, name, "only sqlite:PATH is there yet"};
  return name;
}

inline Result<std::unique_ptr<settle::LedgerReader>> open_ledger(const std::string& name) {
  auto path = ledger_path(name);
  if (!path) return path.error();
  return settle::LedgerReader::open(*path);
}

inline int ledger_failed(const Error& e) {
  std::fprintf(stderr, "anduin ledger: %s\n", e.to_string().c_str());
  return e.kind == ErrorKind::kBadRequest ? kWrongUse : kFailed;
}

inline constexpr const char* kDefaultLedger = "sqlite:anduin.db";

/// verify, backup and export: files of their own. `cmd` is the parser of `anduin ledger`.
void add_ledger_verify(CLI::App& cmd, Action& action);
void add_ledger_backup(CLI::App& cmd, Action& action);
void add_ledger_export(CLI::App& cmd, Action& action);

}  // namespace anduin::cli
