// The recording of the real venue, through the code that the live host runs: gzip members as they came. The tops are
// those that its README states.
#include <catch2/catch.hpp>
#include <fstream>
#include <map>
#include <sstream>

#include "anduin/decimal.hpp"
#include "plugin/library.hpp"
#include "support/shared.hpp"
#include "venue/replay.hpp"

using namespace anduin;
using nlohmann::json;

namespace {

struct Played {
  std::map<std::string, std::pair<std::string, std::string>> tops;  ///< symbol -> bid, ask
  std::map<std::string, std::int64_t> times;
  std::string lines;
  json stats;
};

std::string after(const std::string& line, const std::string& name) {
  const std::size_t at = line.find("\"" + name + "\":") + name.size() + 3;
  return line.substr(at, line.find_first_of(",}", at) - at);
}

Played play(const std::vector<std::string>& files, const std::string& channel, std::size_t batch = 64) {
  Played out;
  auto library = plugin::Library::load(ANDUIN_BINARY_DIR "/plugins/anduin-htx.so");
  REQUIRE(library.has_value());
  venue::ReplayOptions o;
  for (const auto& [name, schema] : (*library)->manifest().json.at("config").at("properties").items())
    o.options[name] = schema.at("default");
  o.options["price_channel"] = channel;
  o.batch = batch;
  auto replay = venue::Replay::create(*library, o, [&](const std::string& line) {
    out.lines += line + "\n";
    if (line.find("\"type\":\"price\"") == std::string::npos) return;
    std::string symbol = after(line, "symbol");
    symbol = symbol.substr(1, symbol.size() - 2);
    out.tops[symbol] = {after(line, "bid"), after(line, "ask")};
    out.times[symbol] = std::stoll(after(line, "timestamp"));
  });
  REQUIRE(replay.has_value());
  for (const std::string& file : files) {
    const auto path = *test::shared_dir() / "captures" / "htx" / file;
    const auto read = venue::read_recording(path.string(), [&](venue::RecordingLine l) { return (*replay)->feed(l); });
    REQUIRE(read.has_value());
  }
  (*replay)->finish();
  out.stats = (*replay)->stats();
  return out;
}

/// The rows of the README's table of tops: contract, bid, ask.
std::map<std::string, std::pair<std::string, std::string>> readme_tops() {
  std::ifstream in(*test::shared_dir() / "captures" / "htx" / "README.md");
  std::map<std::string, std::pair<std::string, std::string>> out;
  for (std::string line; std::getline(in, line);) {
    std::stringstream row(line);
    std::string bar, name, bid, bid_size, ask;
    // "| GRT-USDT | 0.41901 (1) | 0.41927 (29) | ..."
    row >> bar >> name >> bar >> bid >> bid_size >> bar >> ask;
    if (name.ends_with("-USDT") && Decimal::parse(bid) && Decimal::parse(ask)) out[name] = {bid, ask};
  }
  return out;
}

const std::string kDepth = "linear-swap-ws.depth.jsonl.gz", kList = "contract-info.jsonl";

}  // namespace

TEST_CASE("the recorded books end on the README's tops, lesson 40") {
  ANDUIN_NEED_SHARED();
  const bool described = GENERATE(false, true);
  const Played p = described ? play({kList, kDepth}, "depth.step0") : play({kDepth}, "depth.step0");
  const auto tops = readme_tops();
  REQUIRE(tops.size() == 5);
  REQUIRE(p.tops.size() == 5);
  for (const auto& [contract, top] : tops) {
    INFO(contract);
    const std::string name = described ? contract.substr(0, contract.find('-')) + "USDT" : contract;
    REQUIRE(p.tops.contains(name));
    CHECK(Decimal::of(p.tops.at(name).first) == Decimal::of(top.first));
    CHECK(Decimal::of(p.tops.at(name).second) == Decimal::of(top.second));
  }
  CHECK(p.stats["errors"] == 0);
}

TEST_CASE("packed frames are counted by their channels, as the README counts them") {
  ANDUIN_NEED_SHARED();
  const json frames = play({kList, kDepth}, "depth.step0").stats.at("frames");
  for (const auto& [contract, n] : {std::pair{"SOS", 573}, {"SNX", 303}, {"ACH", 274}, {"GRT", 243}, {"BTT", 195}})
    CHECK(frames.at("market." + std::string(contract) + "-USDT.depth.step0") == n);
  CHECK(frames.at("ping") == 6);
  CHECK(frames.at("subbed") == 10);
  CHECK_FALSE(frames.contains("unknown"));
}

TEST_CASE("a replay prints the same bytes whatever the batches are, and twice") {
  ANDUIN_NEED_SHARED();
  const Played one = play({kList, kDepth}, "depth.step0", 1);
  CHECK(one.lines.size() > 10'000);
  CHECK(play({kList, kDepth}, "depth.step0", 64).lines == one.lines);
  CHECK(play({kList, kDepth}, "depth.step0", 64).lines == one.lines);
}

TEST_CASE("a channel that was not chosen publishes nothing and is no error") {
  ANDUIN_NEED_SHARED();
  const Played p = play({kList, kDepth}, "bbo");
  CHECK(p.tops.empty());
  CHECK(p.stats["errors"] == 0);
}
