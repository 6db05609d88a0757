#include <CLI/CLI.hpp>
#include <cstdio>

#include "cli/command.hpp"
#include "pipeline/settings_loader.hpp"

namespace anduin::cli {

void add_schema(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("schema", "print the JSON Schema of the pipeline file");
  command->callback([&action] {
    action = [] {
      std::fputs(pipeline::schema_text().c_str(), stdout);
      return kGood;
    };
  });
}

}  // namespace anduin::cli
