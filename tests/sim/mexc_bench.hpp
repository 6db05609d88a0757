// What the tests of the simulated MEXC share: requests signed as a client would, logins, rows. One thread.
#pragma once
#include "sim/sim_bench.hpp"

namespace anduin::sim::mexc {

inline const std::string kKey = "mx0dummyAccessKey01", kSecret = "dummySecretKey0123456789abcdef01";
inline const std::string kHistory = "/api/v1/private/position/list/history_positions";
inline constexpr std::int64_t kDayMs = 24LL * 3600 * 1000;

inline SimBench bench(int accounts = 1) { return {"mexc", bench_options(kKey, kSecret, accounts)}; }

inline std::int64_t code_of(const Response& r) { return int_at(SimBench::json(r.body), "code", -1); }

inline Request signed_request(SimBench& b, const std::string& path, const std::string& query = "",
                              std::size_t account = 0) {
  const SimAccount& a = b.simulator.venue().accounts()[account];
  const std::string stamp = std::to_string(b.clock.wall_ms());
  Request r{"GET", path, query};
  r.headers = {
      {"ApiKey", a.key}, {"Request-Time", stamp}, {"Signature", hmac_sha256_hex(a.secret, a.key + stamp + query)}};
  return r;
}

inline Request spot_request(SimBench& b, const std::string& path, std::string query, std::size_t account = 0) {
  const SimAccount& a = b.simulator.venue().accounts()[account];
  query +=
      (query.empty() ? "" : "&") + std::string("timestamp=") + std::to_string(b.clock.wall_ms()) + "&recvWindow=5000";
  Request r{"GET", path, query + "&signature=" + hmac_sha256_hex(a.secret, query)};
  r.headers = {{"X-MEXC-APIKEY", a.key}};
  return r;
}

inline Json data_of(SimBench& b, const std::string& path, const std::string& query = "", std::size_t account = 0) {
  const Json j = SimBench::json(b.simulator.http(signed_request(b, path, query, account)).body);
  INFO(j.dump());
  REQUIRE(flag_at(j, "success"));
  return j["data"];
}

inline std::vector<Json> rows(SimBench& b, const std::string& query = "page_size=100", std::size_t account = 0) {
  const Json data = data_of(b, kHistory, query, account);
  const Json& list = data.is_array() ? data : data["resultList"];
  return {list.begin(), list.end()};
}

inline std::vector<Json> parsed(const std::vector<std::string>& frames) {
  std::vector<Json> out;
  for (const std::string& f : frames) out.push_back(SimBench::json(f));
  return out;
}

inline std::string login(SimBench& b, std::size_t account = 0, bool quiet = false) {
  const SimAccount& a = b.simulator.venue().accounts()[account];
  const std::string stamp = std::to_string(b.clock.wall_ms());
  const std::string param = Obj()
                                .str("apiKey", a.key)
                                .str("reqTime", stamp)
                                .str("signature", hmac_sha256_hex(a.secret, a.key + stamp))
                                .text();
  Obj frame;
  if (quiet) frame.flag("subscribe", false);
  return frame.str("method", "login").raw("param", param).text();
}

inline ConnId logged_in(SimBench& b, std::size_t account = 0) {
  const ConnId conn = b.open("/edge");
  REQUIRE(b.say(conn, login(b, account)).at(0).find(R"({"channel":"rs.login","data":"success","ts":")") == 0);
  b.take(conn);
  return conn;
}

inline std::string sub(const std::string& method, const std::string& symbol, const std::string& more = "") {
  return R"({"method":")" + method + R"(","param":{"symbol":")" + symbol + "\"" + more + "}}";
}

inline std::vector<Json> positions(const std::vector<Json>& frames) {
  std::vector<Json> out;
  for (const Json& f : frames)
    if (text_at(f, "channel") == "push.personal.position") out.push_back(f["data"]);
  return out;
}

}  // namespace anduin::sim::mexc
