// The manifests of the plugins that exist, against the engine that reads them and the rows on what may
// leave.
#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "support/shared.hpp"
#include "venue/egress.hpp"
#include "venue/rate_limiter.hpp"
#include "venue/redaction.hpp"

namespace {

using namespace anduin::venue;
using nlohmann::json;

std::map<std::string, json> manifests() {
  std::map<std::string, json> out;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(ANDUIN_SOURCE_DIR) + "/plugins")) {
    std::ifstream in(entry.path() / "manifest.json");
    if (in) out[entry.path().filename().string()] = json::parse(in);
  }
  return out;
}

template <class T>
void accept(const anduin::Result<T>& made) {
  if (!made) FAIL(made.error().to_string());
}

/// The endpoint ids that the plugins chose for the sockets of `ws_allow`.
const std::map<std::string, std::pair<std::string, std::string>> kSockets{
    {"bitget.v2.private", {"bitget", "private.v2"}},
    {"bitget.v3.private", {"bitget", "private.v3"}},
    {"bybit.private", {"bybit", "private"}},
    {"htx.v5", {"htx", "private"}},
    {"kraken.spot.v2", {"kraken", "spot.private"}},
    {"kraken.spot.v1", {"kraken", "spot.private.v1"}},
    {"kraken.futures", {"kraken", "futures.private"}},
    {"kucoin.private", {"kucoin", "private"}},
    {"mexc.edge", {"mexc", "private"}},
    {"okx.private", {"okx", "private"}}};

}  // namespace

TEST_CASE("every plugin's manifest is accepted by the engine") {
  const auto all = manifests();
  REQUIRE(all.size() >= 2);
  anduin::ManualClock clock;
  for (const auto& [venue, manifest] : all) {
    INFO(venue);
    accept(EgressPolicy::create(manifest));
    accept(Renderer::create(manifest.value("sign", json())));
    accept(RateLimiter::create(manifest.value("rates", json()), venue, clock, nullptr));
    accept(Redaction::create(manifest.value("sensitive", json())));
    for (const json& endpoint : manifest.at("endpoints"))
      if (endpoint.value("auth", false))
        CHECK((endpoint.at("kind") == "http" || manifest.at("ws_egress").contains(endpoint.at("id"))));
  }
}

TEST_CASE("no plugin's manifest lets an order out: the shared rows against the real lists") {
  ANDUIN_NEED_SHARED();
  const auto all = manifests();
  const json file = anduin::test::shared_json("vectors/keys.json");
  std::size_t rows = 0;
  for (const json& row : file.at("egress_ws")) {
    const auto socket = kSockets.find(row.at("endpoint").get<std::string>());
    if (socket == kSockets.end()) continue;
    const auto policy = EgressPolicy::create(all.at(socket->second.first)).value();
    INFO(row.dump());
    CHECK(policy.allow_frame(socket->second.second, {row.at("frame"), true, {}}).has_value() ==
          row.at("allow"));
    ++rows;
  }
  for (const json& row : file.at("egress_rest")) {
    const std::string venue = row.at("venue");
    if (!all.contains(venue)) continue;
    const auto policy = EgressPolicy::create(all.at(venue)).value();
    bool allowed = false;
    for (const json& endpoint : all.at(venue).at("endpoints"))
      allowed =
          allowed || policy.allow(endpoint.at("id").get<std::string>(), row.at("method").get<std::string>(),
                                  row.at("path").get<std::string>(), true);
    INFO(row.dump());
    CHECK(allowed == row.at("allow"));
    ++rows;
  }
  for (const json& row : file.at("egress_url")) {
    const std::string venue = row.at("venue");
    if (!all.contains(venue)) continue;
    const auto policy = EgressPolicy::create(all.at(venue)).value();
    bool allowed = false;
    for (const json& endpoint : all.at(venue).at("endpoints"))
      allowed = allowed ||
                policy.allow_url(endpoint.at("id").get<std::string>(), row.at("url").get<std::string>());
    INFO(row.dump());
    CHECK(allowed == row.at("allow"));
    ++rows;
  }
  CHECK(rows >= 36);
}
