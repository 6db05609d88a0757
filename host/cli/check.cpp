#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/log.hpp"
#include "cli/command.hpp"
#include "cli/locate.hpp"
#include "pipeline/live_check.hpp"
#include "pipeline/plugin_catalog.hpp"

namespace anduin::cli {
namespace {

struct Options {
  std::string file;
  bool json = false, live = false;
};

nlohmann::json problems_json(const pipeline::LoadResult& result) {
  nlohmann::json out = nlohmann::json::array();
  for (const auto& p : result.problems) {
    out.push_back({{"file", result.settings.file.string()},
                   {"line", std::max(1, p.place.line)},
                   {"column", std::max(1, p.place.column)},
                   {"severity", p.severity == pipeline::Problem::Severity::kError ? "error" : "warning"},
                   {"text", p.text}});
  }
  return out;
}

/// What a close of each venue in use contains, so that nobody has to guess what is settled.
nlohmann::json pnl_rows(const pipeline::Settings& settings, pipeline::PluginCatalog& catalog) {
  nlohmann::json out = nlohmann::json::array();
  std::vector<std::string> seen;
  for (const auto& account : settings.accounts) {
    const auto* venue = settings.venue(account.venue);
    if (venue == nullptr || std::find(seen.begin(), seen.end(), venue->plugin) != seen.end()) continue;
    seen.push_back(venue->plugin);
    const auto found = catalog.find(venue->plugin);
    if (found.manifest == nullptr || found.manifest->pnl.unit.empty()) continue;
    const auto& row = found.manifest->pnl;
    out.push_back({{"venue", found.manifest->venue_name},
                   {"unit", row.unit},
                   {"pnl", row.pnl},
                   {"closing_fee", row.closing_fee},
                   {"opening_fee", row.opening_fee},
                   {"funding", row.funding}});
  }
  return out;
}

void print_rows(const nlohmann::json& rows, const pipeline::Settings& settings) {
  if (rows.empty()) return;
  std::printf("What a close contains (settled: %s)\n",
              settings.bridge.pnl == pipeline::PnlRule::kNet ? "pnl - fee" : "pnl as the venue gives it");
  for (const auto& row : rows) {
    std::printf("  %s\n", row["venue"].get<std::string>().c_str());
    for (const auto* key : {"unit", "pnl", "closing_fee", "opening_fee", "funding"}) {
      std::string label(key);
      std::replace(label.begin(), label.end(), '_', ' ');
      std::printf("    %-12s %s\n", label.c_str(), row[key].get<std::string>().c_str());
    }
  }
}

const char* word(pipeline::LiveFinding::Verdict verdict) {
  using Verdict = pipeline::LiveFinding::Verdict;
  return verdict == Verdict::kGood ? "good" : verdict == Verdict::kWarning ? "warning" : "failed";
}

nlohmann::json findings_json(const std::vector<pipeline::LiveFinding>& findings) {
  nlohmann::json out = nlohmann::json::array();
  for (const auto& f : findings) {
    out.push_back({{"subject", f.subject}, {"verdict", word(f.verdict)}, {"text", log::redact(f.text)}});
  }
  return out;
}

int check(const Options& o) {
  std::vector<std::filesystem::path> own;
  for (const std::string& dir : default_plugin_dirs()) own.emplace_back(dir);
  pipeline::PluginCatalog catalog(own);
  const auto result = pipeline::load_settings(o.file, pipeline::system_environment(), &catalog);
  const nlohmann::json rows = result.ok() ? pnl_rows(result.settings, catalog) : nlohmann::json::array();
  std::vector<pipeline::LiveFinding> findings;
  if (o.live && result.ok()) findings = pipeline::check_live(result.settings);
  const bool failed = std::any_of(findings.begin(), findings.end(), [](const auto& f) {
    return f.verdict == pipeline::LiveFinding::Verdict::kFailed;
  });
  if (o.json) {
    nlohmann::json out{{"ok", result.ok() && !failed}, {"problems", problems_json(result)}, {"pnl", rows}};
    if (o.live) out["live"] = findings_json(findings);
    std::printf("%s\n", out.dump(2).c_str());
    return !result.ok() ? kWrongUse : failed ? kFailed : kGood;
  }
  std::fputs(result.report().c_str(), stdout);
  const auto errors = std::count_if(result.problems.begin(), result.problems.end(), [](const auto& p) {
    return p.severity == pipeline::Problem::Severity::kError;
  });
  if (!result.ok()) {
    std::fprintf(stderr, "%s: %td error%s\n", o.file.c_str(), errors, errors == 1 ? "" : "s");
    return kWrongUse;
  }
  print_rows(rows, result.settings);
  for (const auto& f : findings) {
    std::printf("%s: %s: %s\n", f.subject.c_str(), word(f.verdict), log::redact(f.text).c_str());
  }
  std::fprintf(stderr, "%s: %s\n", o.file.c_str(),
               failed ? "good as a file, but not everything in it works" : "good");
  return failed ? kFailed : kGood;
}

}  // namespace

void add_check(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("check", "find every problem of a pipeline file");
  command->add_option("PIPELINE", options->file, "the pipeline file")->required();
  command->add_flag("--live", options->live, "also dial every endpoint and verify clocks, keys and vaults");
  command->add_flag("--json", options->json, "the problems as JSON");
  command->callback([options, &action] { action = [options] { return check(*options); }; });
}

}  // namespace anduin::cli
