#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "cli/command.hpp"
#include "cli/locate.hpp"
#include "venue/replay.hpp"

namespace anduin::cli {
namespace {

struct Options {
  std::string venue, plugin, feed = "prices";
  std::vector<std::string> symbols, options, files;
  std::size_t batch = 64;
  bool stats = false;
};

int run(const Options& o) {
  const auto fail = [](const Error& e, int code) {
    std::fprintf(stderr, "anduin replay: %s\n", e.to_string().c_str());
    return code;
  };
  auto library = load_plugin(o.venue, o.plugin);
  if (!library) return fail(library.error(), kWrongUse);
  const plugin::Manifest& manifest = (*library)->manifest();
  venue::ReplayOptions options;
  options.feed = o.feed == "prices" ? venue::ReplayFeed::kPrices : o.feed == "positions" ? venue::ReplayFeed::kPositions : venue::ReplayFeed::kBalance;
  options.symbols = o.symbols;
  options.batch = o.batch;
  if (!manifest.has_feed(o.feed))
    return fail({ErrorKind::kBadRequest, manifest.id, "this plugin has no feed '" + o.feed + "'"}, kWrongUse);
  auto completed = plugin_options(manifest, o.options);
  if (!completed) return fail(completed.error(), kWrongUse);
  options.options = std::move(*completed);

  std::string out;
  const auto flush = [&] {
    std::fwrite(out.data(), 1, out.size(), stdout);
    out.clear();
  };
  auto replay = venue::Replay::create(std::move(*library), std::move(options), [&](const std::string& line) {
    out += line;
    out += '\n';
    if (out.size() > (1U << 20U)) flush();
  });
  if (!replay) return fail(replay.error(), kWrongUse);
  for (const std::string& file : o.files)
    if (auto ok = venue::read_recording(file, [&](venue::RecordingLine line) { return (*replay)->feed(line); }); !ok) {
      flush();
      return fail(ok.error(), kFailed);
    }
  (*replay)->finish();
  flush();
  if (o.stats) std::fprintf(stderr, "%s\n", (*replay)->stats().dump().c_str());
  return std::fflush(stdout) == 0 ? kGood : kFailed;
}

}  // namespace

void add_replay(CLI::App& app, Action& action) {
  auto o = std::make_shared<Options>();
  CLI::App* cmd = app.add_subcommand("replay", "feeds recorded frames through a plugin and prints its events, one JSON line each");
  auto* which = cmd->add_option_group("plugin");
  which->add_option("--venue", o->venue, "an installed plugin, by its venue's name");
  which->add_option("--plugin", o->plugin, "a plugin, by the path of its .so");
  which->require_option(1);
  cmd->add_option("--feed", o->feed, "prices, positions or balance")->check(CLI::IsMember({"prices", "positions", "balance"}));
  cmd->add_option("--symbols", o->symbols, "only these, canonical or native; default: all")->delimiter(',')->allow_extra_args(false);
  cmd->add_option("--option", o->options, "an option of the plugin, name=value; may repeat")->take_all()->type_size(1)->allow_extra_args(false);
  cmd->add_option("--batch", o->batch, "frames a step at most; the output does not depend on it")->check(CLI::Range(1, 4096));
  cmd->add_flag("--stats", o->stats, "frames per channel, as JSON on stderr");
  cmd->add_option("FILE", o->files, "recordings in order, plain or .gz; - is standard input")->required();
  cmd->callback([o, &action] { action = [o] { return run(*o); }; });
}

}  // namespace anduin::cli
