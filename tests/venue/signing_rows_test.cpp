// Every `signing` row of the shared vectors, through the sign programs and templates a manifest would hold.
// Method: the programs are the plugins' own, for venues without a plugin test data (sign_programs.hpp);
// each row's request is written as a plugin would write it, rendered at the row's moment, and compared with
// what independent clients sent.
#include <catch2/catch.hpp>

#include <cstdio>
#include <ctime>
#include <fstream>
#include <map>
#include <string>

#include "support/shared.hpp"
#include "venue/egress.hpp"
#include "venue/renderer.hpp"
#include "sign_programs.hpp"

namespace {

using namespace anduin::venue;
using anduin::Result;
using nlohmann::json;
using namespace anduin::test::sign;

/// The sign programs of a plugin that exists: its own manifest is what has to work.
std::string plugin_programs(const std::string& venue) {
  std::ifstream in(std::string(ANDUIN_SOURCE_DIR) + "/plugins/" + venue + "/manifest.json");
  REQUIRE(in);
  return json::parse(in).at("sign").dump();
}

/// One row: the renderer of its venue, the row's credentials and moment.
struct Rig {
  Rig(const std::string& programs, const json& inputs)
      : renderer(*Renderer::create(json::parse(programs))) {
    const auto text = [&](std::initializer_list<const char*> names) {
      for (const char* n : names)
        if (inputs.contains(n) && inputs.at(n).is_string()) return inputs.at(n).get<std::string>();
      return std::string();
    };
    credentials = Credentials({{"key", text({"api_key", "apiKey", "key"})},
                               {"secret", text({"api_secret", "apiSecret", "secret"})},
                               {"passphrase", text({"passphrase"})}});
    for (const char* n : {"timestamp_ms", "clock_ms", "now_ms"})
      if (inputs.contains(n)) context.venue_ms = inputs.at(n).get<std::int64_t>();
    nonce = text({"nonce"});
    host = text({"host"});
    context.credentials = &credentials;
    context.host = host;
    context.next_nonce = [this]() -> Result<std::string> {
      ++nonces;
      return nonce;
    };
  }
  RenderedRequest http(const HttpTemplate& t) {
    nonces = 0;
    auto out = renderer.render_http(t, context);
    if (!out) FAIL(out.error().to_string());
    CHECK(nonces <= 1);
    return *out;
  }
  std::string frame(const FrameTemplate& t) {
    auto out = renderer.render_frame(t, context);
    if (!out) FAIL(out.error().to_string());
    return out->text;
  }
  template <class T>
  std::string signed_text(const T& t) {
    auto out = renderer.signed_text(t, context);
    if (!out) FAIL(out.error().to_string());
    return *out;
  }
  Renderer renderer;
  Credentials credentials;
  RenderContext context;
  std::string nonce, host;
  int nonces = 0;
};

void check_headers(const RenderedRequest& got, const json& expected) {
  for (const auto& [name, value] : expected.items()) {
    std::string found = "(absent)";
    for (const auto& [n, v] : got.headers)
      if (n == name) found = v;
    INFO(name);
    CHECK(found == value.get<std::string>());
  }
}

std::string text_or(const json& object, const char* name, const std::string& otherwise = {}) {
  return object.contains(name) && object.at(name).is_string() ? object.at(name).get<std::string>()
                                                              : otherwise;
}

std::string target_of(const json& inputs) {
  if (inputs.contains("request_path_with_query"))
    return inputs.at("request_path_with_query").get<std::string>();
  const std::string query = text_or(inputs, "query");
  return text_or(inputs, "path") + (query.empty() ? "" : "?" + query);
}

void bybit(const json& row) {
  const json& in = row.at("inputs");
  if (in.contains("expires")) {
    const bool five =
        row.at("name") == "ws_auth_expires_plus_5s";  // a client with another window than the plugin's
    Rig rig(five ? kBybitFive : plugin_programs("bybit"), in);
    rig.context.venue_ms = in.at("expires").get<std::int64_t>() - (five ? 5000 : 10000);
    const FrameTemplate t{
        five ? R"({"op":"auth","args":["{{key}}",{{ts_ms+5000}},"{{sig}}"],"req_id":"v5Private-auth"})"
             : R"({"op":"auth","args":["{{key}}","{{ts_ms+10000}}","{{sig}}"]})",
        "ws"};
    CHECK(rig.signed_text(t) == row.at("string_to_sign"));
    CHECK(json::parse(rig.frame(t)) == row.at("expected").at("frame"));
    return;
  }
  Rig rig(plugin_programs("bybit"), in);
  const std::string args = json{{"recv_window", in.at("recv_window")}}.dump();
  const std::string target = target_of(in), body = text_or(in, "body"), method = text_or(in, "method");
  const std::string headers = "X-BAPI-API-KEY: {{key}}\nX-BAPI-TIMESTAMP: {{ts_ms}}\nX-BAPI-RECV-WINDOW: " +
                              text_or(in, "recv_window") + "\nX-BAPI-SIGN: {{sig}}\n";
  const HttpTemplate t{method, target, headers, body, "rest", args};
  CHECK(rig.signed_text(t) == row.at("string_to_sign"));
  const json& expected = row.at("expected");
  check_headers(rig.http(t), expected.contains("headers") ? expected.at("headers") : expected);
}

void kraken_challenge(const json& row) {
  const json& in = row.at("inputs");
  Rig rig(plugin_programs("kraken"), in);
  const std::string args = json{{"challenge", in.at("challenge")}}.dump();
  const json& expected = row.at("expected");
  CHECK(rig.signed_text(FrameTemplate{"", "challenge", args}).size() == 32);
  if (expected.contains("signed_challenge")) {
    CHECK(rig.frame({"{{sig}}", "challenge", args}) == expected.at("signed_challenge"));
    return;
  }
  CHECK(json::parse(rig.frame({R"({"event":"challenge","api_key":"{{key}}"})"})) == expected.at("request"));
  const FrameTemplate t{R"({"event":"subscribe","feed":"fills","api_key":"{{key|json}}",)"
                        R"("original_challenge":"{{arg.challenge}}","signed_challenge":"{{sig}}"})",
                        "challenge", args};
  CHECK(json::parse(rig.frame(t)) == expected.at("subscribe"));
}

void kraken(const json& row) {
  const json& in = row.at("inputs");
  if (in.contains("challenge")) return kraken_challenge(row);
  Rig rig(plugin_programs("kraken"), in);
  const json& expected = row.at("expected");
  const std::string method = text_or(in, "method"), nonce = text_or(in, "nonce");
  const bool spot = row.at("algo").get<std::string>().find("path ||") != std::string::npos;
  if (spot) {
    std::string body = text_or(in, "body"), path = text_or(in, "path");
    body.replace(body.find(nonce), nonce.size(), "{{nonce}}");
    const bool keyed = in.contains("api_key");
    const std::string headers = std::string(keyed ? "API-Key: {{key}}\n" : "") +
                                "API-Sign: {{sig}}\nContent-Type: application/x-www-form-urlencoded\n";
    const RenderedRequest got = rig.http({method, path, headers, body, "spot"});
    check_headers(got, expected.at("headers"));
    CHECK(got.body == text_or(in, "body"));
    CHECK(rig.nonces == 1);
    return;
  }
  const std::string path = text_or(in, "url_path", text_or(in, "path"));
  const std::string data = text_or(in, "post_data", text_or(in, "postData"));
  const std::string target = path + (data.empty() ? "" : "?" + data);
  const std::string headers =
      std::string("APIKey: {{key}}\nAuthent: {{sig}}\n") + (nonce.empty() ? "" : "Nonce: {{nonce}}\n");
  const RenderedRequest got =
      rig.http({method, target, headers, "", nonce.empty() ? "futures" : "futures_nonce"});
  check_headers(got, expected.at("headers"));
  if (expected.contains("url")) CHECK("https://futures.kraken.com" + got.target() == expected.at("url"));
}

void okx_like(const json& row, const std::string& programs, const std::string& headers, const std::string& demo,
              const char* stamp) {
  json in = row.at("inputs");
  if (!in.contains("clock_ms")) in["clock_ms"] = std::stoll(text_or(in, "timestamp"));
  Rig rig(programs, in);
  const json& expected = row.at("expected");
  if (expected.contains("frame")) {
    const FrameTemplate t{R"({"op":"login","args":[{"apiKey":"{{key}}","passphrase":"{{passphrase}}",)"
                          R"("timestamp":"{{ts_s}}","sign":"{{sig}}"}]})",
                          "ws"};
    CHECK(rig.signed_text(t) == row.at("string_to_sign"));
    CHECK(json::parse(rig.frame(t)) == expected.at("frame"));
    return;
  }
  const std::string target = target_of(in), body = text_or(in, "body"), method = text_or(in, "method");
  const std::string all = headers + (body.empty() ? "" : "Content-Type: application/json\n") +
                          (in.value("demo", false) ? demo : "");
  const HttpTemplate t{method, target, all, body, "rest"};
  CHECK(rig.signed_text(t) == row.at("string_to_sign"));
  if (!expected.contains("headers")) return;  // rows that fix the signed text only
  const RenderedRequest got = rig.http(t);
  check_headers(got, expected.at("headers"));
  CHECK(expected.at("headers").at(stamp) == in.at("timestamp"));
}

void okx(const json& row) {
  okx_like(row, plugin_programs("okx"),
           "OK-ACCESS-KEY: {{key}}\nOK-ACCESS-PASSPHRASE: {{passphrase}}\nOK-ACCESS-TIMESTAMP: {{ts_iso}}\n"
           "OK-ACCESS-SIGN: {{sig}}\n",
           "x-simulated-trading: 1\n", "OK-ACCESS-TIMESTAMP");
}

void bitget(const json& row) {
  okx_like(row, plugin_programs("bitget"),
           "ACCESS-KEY: {{key}}\nACCESS-SIGN: {{sig}}\nACCESS-TIMESTAMP: {{ts_ms}}\nACCESS-PASSPHRASE: "
           "{{passphrase}}\n",
           "paptrading: 1\n", "ACCESS-TIMESTAMP");
}

void mexc(const json& row) {
  const json& in = row.at("inputs");
  Rig rig(kMexc, in);
  const json& expected = row.at("expected");
  if (expected.contains("frame")) {
    const bool quiet = expected.at("frame").contains("subscribe");
    const std::string payload =
        std::string("{") + (quiet ? R"("subscribe":false,)" : "") +
        R"("method":"login","param":{"apiKey":"{{key}}","signature":"{{sig}}","reqTime":"{{ts_ms}}"}})";
    CHECK(rig.signed_text(FrameTemplate{payload, "ws"}) == row.at("string_to_sign"));
    CHECK(json::parse(rig.frame({payload, "ws"})) == expected.at("frame"));
    return;
  }
  const std::string body = text_or(in, "body"), method = text_or(in, "method");
  std::string target = target_of(in), headers;
  const bool spot = target.starts_with("/api/v3/");
  if (spot) {  // the signature is a parameter; key and time stand in the query as placeholders
    for (const auto& [what, with] :
         {std::pair{text_or(in, "api_key"), "{{key}}"},
          {std::to_string(in.at("timestamp_ms").get<std::int64_t>()), "{{ts_ms}}"}})
      if (const auto at = target.find(what); at != target.npos) target.replace(at, what.size(), with);
    target += "&signature={{sig}}";
    headers = "X-MEXC-APIKEY: {{key}}\n";
  } else {
    headers =
        "ApiKey: {{key}}\nRequest-Time: {{ts_ms}}\nSignature: {{sig}}\nContent-Type: application/json\n";
    if (in.contains("recv_window")) headers += "Recv-Window: " + text_or(in, "recv_window") + "\n";
  }
  const HttpTemplate t{method, target, headers, body, spot ? "spot" : "rest"};
  CHECK(rig.signed_text(t) == row.at("string_to_sign"));
  const RenderedRequest got = rig.http(t);
  check_headers(got, expected.at("headers"));
  if (expected.contains("url")) CHECK("https://api.mexc.com" + got.target() == expected.at("url"));
  if (expected.contains("body")) CHECK(got.body == expected.at("body"));
}

void kucoin_connect(const json& row) {
  const json& in = row.at("inputs");
  Rig rig(plugin_programs("kucoin"), json::object());
  const json& data = in.at("bullet_response").at("data");
  const std::string args = json{{"token", data.at("token")}, {"id", in.at("connectId")}}.dump();
  const std::string server = data.at("instanceServers").at(0).at("endpoint");
  const std::string url = server + rig.frame({"?token={{arg.token|pct}}&connectId={{arg.id}}", "", args});
  CHECK(url == row.at("expected").at("url"));
  const json manifest = json::parse(R"({"hosts":["wss://ws-api-*.kucoin.com/"],
    "endpoints":[{"id":"private","kind":"ws","auth":true,"url":"wss://ws-api-futures.kucoin.com/"}]})");
  CHECK(EgressPolicy::create(manifest)->allow_url("private", url).has_value());
}

void kucoin(const json& row) {
  const json& in = row.at("inputs");
  const json& expected = row.at("expected");
  if (in.contains("bullet_response")) return kucoin_connect(row);
  Rig rig(in.contains("plain") ? kKucoinPlain : plugin_programs("kucoin"), in);
  if (in.contains("plain")) {
    const std::string args = json{{"plain", in.at("plain")}}.dump();
    CHECK(rig.frame({"{{sig}}", "plain", args}) == expected.at("signature"));
    return;
  }
  const std::string target = target_of(in), body = text_or(in, "body"), method = text_or(in, "method");
  const bool is_public = row.at("algo") == "none";
  std::string headers;
  if (!is_public)
    headers =
        "KC-API-KEY: {{key}}\nKC-API-SIGN: {{sig}}\nKC-API-TIMESTAMP: {{ts_ms}}\n"
        "KC-API-PASSPHRASE: {{sig.passphrase}}\nKC-API-KEY-VERSION: " +
        text_or(in, "keyVersion") + "\n" + (body.empty() ? "" : "Content-Type: application/json\n");
  const HttpTemplate t{method, target, headers, body, is_public ? "" : "rest"};
  if (!is_public) CHECK(rig.signed_text(t) == row.at("string_to_sign"));
  const RenderedRequest got = rig.http(t);
  CHECK(got.uses_credentials == !is_public);
  check_headers(got, expected.at("headers"));
  if (expected.contains("url")) {
    const std::string url = expected.at("url");
    CHECK(url.substr(url.find('/', 8)) == got.target());
  }
}

std::string percent(const std::string& text) {
  Rig rig(plugin_programs("htx"), json::object());
  return rig.frame({"{{arg.v|pct}}", "", json{{"v", text}}.dump()});
}

void htx(const json& row) {
  json in = row.at("inputs");
  const json& expected = row.at("expected");
  if (in.contains("signature")) {
    CHECK(percent(text_or(in, "signature")) == expected.at("query_value"));
    return;
  }
  if (in.contains("timestamp")) {
    std::tm when{};
    REQUIRE(strptime(text_or(in, "timestamp").c_str(), "%Y-%m-%dT%H:%M:%S", &when) != nullptr);
    in["now_ms"] = static_cast<std::int64_t>(timegm(&when)) * 1000;
  }
  if (!in.contains("apiSecret")) in["apiSecret"] = "not-published";
  Rig rig(plugin_programs("htx"), in);
  if (in.contains("url")) {
    const std::string url = text_or(in, "url").substr(6);
    rig.host = url.substr(0, url.find('/'));
    const std::string path = url.substr(url.find('/'));
    rig.context.host = rig.host;
    rig.context.path = path;
    const FrameTemplate t{
        R"({"op":"auth","type":"api","AccessKeyId":"{{key}}","SignatureMethod":"HmacSHA256",)"
        R"("SignatureVersion":"2","Timestamp":"{{ts_iso_s}}","Signature":"{{sig}}"})",
        "ws"};
    CHECK(rig.signed_text(t) == row.at("string_to_sign"));
    CHECK(json::parse(rig.frame(t)) == expected.at("frame"));
    return;
  }
  const std::string method = text_or(in, "method");
  std::string target =
      text_or(in, "path") +
      "?AccessKeyId={{key}}&SignatureMethod=HmacSHA256&SignatureVersion=2&Timestamp={{ts_iso_s|pct}}";
  std::map<std::string, std::string> sorted;
  for (const auto& [name, v] : in.at("params").items())
    sorted[name] = percent(v.is_string() ? v.get<std::string>() : v.dump());
  if (method == "GET")
    for (const auto& [name, v] : sorted) target += "&" + name + "=" + v;
  target += "&Signature={{sig|pct}}";
  const std::string body = method == "POST" && !in.at("params").empty() ? text_or(expected, "body") : "";
  const bool is_get = method == "GET";
  const std::string headers =
      is_get ? "Content-Type: application/x-www-form-urlencoded\n" : "Content-Type: application/json\n";
  const HttpTemplate t{method, target, headers, body, "rest"};
  CHECK(rig.signed_text(t) == row.at("string_to_sign"));
  const RenderedRequest got = rig.http(t);
  if (expected.contains("signature"))
    CHECK(got.sensitive == std::vector<std::string>{expected.at("signature")});
  if (expected.contains("url")) CHECK("https://" + rig.host + got.target() == expected.at("url"));
  if (expected.contains("headers")) check_headers(got, expected.at("headers"));
}

void metatrader(const json& row) {
  const json& in = row.at("inputs");
  Rig rig(kMetatrader, in);
  const std::string method = text_or(in, "method"), path = text_or(in, "path"), body = text_or(in, "body");
  const HttpTemplate t{
      method, path,
      "Content-Type: application/json\nX-Anduin-Key: {{key}}\nX-Anduin-Timestamp: {{ts_ms}}\n"
      "X-Anduin-Nonce: {{nonce}}\nX-Anduin-Signature: v1={{sig}}\n",
      body, "v1"};
  CHECK(rig.signed_text(t) == row.at("string_to_sign"));
  const RenderedRequest got = rig.http(t);
  check_headers(got, row.at("expected").at("headers"));
  CHECK(got.body == body);
}

const std::map<std::string, void (*)(const json&)> kVenues{
    {"bybit", bybit}, {"kraken", kraken}, {"okx", okx}, {"bitget", bitget},
    {"mexc", mexc},   {"kucoin", kucoin}, {"htx", htx}, {"metatrader", metatrader}};

}  // namespace

TEST_CASE("every signing row of every venue is rendered as independent clients sent it") {
  ANDUIN_NEED_SHARED();
  std::size_t rows = 0;
  for (const auto& [venue, run] : kVenues) {
    const json file = anduin::test::shared_json("vectors/" + venue + ".json");
    for (const json& row : file.at("signing")) {
      INFO(venue << ": " << row.at("name"));
      run(row);
      ++rows;
    }
  }
  std::printf("%zu signing rows of %zu venues\n", rows, kVenues.size());
  CHECK(rows >= 80);
}

TEST_CASE("the signed requests of the key probes come out right") {
  ANDUIN_NEED_SHARED();
  std::size_t rows = 0;
  const json file = anduin::test::shared_json("vectors/keys.json");
  for (const json& row : file.at("signing")) {
    INFO(row.at("venue") << ": " << row.at("name"));
    kVenues.at(row.at("venue"))(row);
    ++rows;
  }
  CHECK(rows == 12);
}
