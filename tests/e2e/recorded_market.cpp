#include "e2e/recorded_market.hpp"

#include <fstream>
#include <stdexcept>

namespace anduin::e2e {
namespace {

using nlohmann::json;

/// One line of the replay, with its numbers as they are written.
std::optional<Decimal> number(const std::string& line, const std::string& name) {
  const std::string key = "\"" + name + "\":";
  const std::size_t at = line.find(key);
  if (at == std::string::npos) return std::nullopt;
  const std::size_t from = at + key.size();
  return Decimal::parse(line.substr(from, line.find_first_of(",}", from) - from));
}

/// When the newest recorded frame was recorded that the host has been given; 0 while nothing plays.
std::int64_t playing_ms(Sim& player) {
  std::int64_t newest = 0;
  const json stats = player.control("stats");
  for (const json& socket : stats.at("sockets")) newest = std::max(newest, socket.value("recorded_ms", std::int64_t{0}));
  return newest;
}

}  // namespace

RecordedMarket::RecordedMarket(const std::filesystem::path& bin, const std::filesystem::path& dir, const std::vector<Cast>& cast) {
  for (const Cast& c : cast) {
    if (!c.recording) continue;
    std::vector<std::string> args{(bin / "anduin").string(), "replay", "--plugin",
                                  (bin.parent_path() / "plugins" / ("anduin-" + c.venue + ".so")).string(), "--feed", "prices"};
    args.insert(args.end(), c.recording->replay.begin(), c.recording->replay.end());
    args.insert(args.end(), c.recording->files.begin(), c.recording->files.end());
    const auto out = dir / (c.venue + "-recorded.events");
    Process replay(args, out, dir / (c.venue + "-recorded.log"));
    if (replay.wait(kReplayMs) != 0) throw std::runtime_error("the recording of " + c.venue + " does not replay: " + out.string());
    std::map<std::string, Mids> by_base;
    std::ifstream in(out);
    for (std::string line; std::getline(in, line);) {
      const auto bid = number(line, "bid"), ask = number(line, "ask");
      if (!bid || !ask) continue;  // a status
      const json price = json::parse(line);
      const auto base = c.recording->bases.find(price.at("symbol").get<std::string>());
      if (base == c.recording->bases.end()) continue;
      by_base[base->second][price.at("timestamp").get<std::int64_t>()] = Decimal::divide(*bid + *ask, 2, 8);
    }
    for (const auto& [symbol, base] : c.recording->bases) {
      if (by_base[base].empty()) throw std::runtime_error("the recording of " + c.venue + " has no price of " + symbol);
      coins_.push_back({c.venue, base, std::move(by_base[base]), {}});
    }
  }
}

void RecordedMarket::lead(Stage& stage) {
  std::map<std::string, std::int64_t> playing;
  for (const auto& [venue, player] : stage.players()) playing[venue] = playing_ms(*player);
  for (Coin& coin : coins_) {
    auto at = coin.mids.upper_bound(playing[coin.venue]);
    if (at != coin.mids.begin()) --at;  // before anything plays, where the recording begins
    if (at->second == coin.told) continue;
    coin.told = at->second;
    for (const auto& sim : stage.sims())
      for (const std::string& symbol : stage.cast(sim->venue()).symbols)
        if (symbol.starts_with(coin.base)) {
          sim->control("price", {{"symbol", symbol}, {"mid", coin.told.to_string()}});
          break;  // a coin has one mid, whatever it is quoted in
        }
  }
}

}  // namespace anduin::e2e
