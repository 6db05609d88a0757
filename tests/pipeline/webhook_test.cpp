// The webhook of a running host, over TLS: what is answered, and that a close which was answered is in the ledger.
#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <map>
#include <thread>

#include "support/raw_tls.hpp"
#include "support/webhook_host.hpp"

using namespace anduin;
using namespace anduin::test;
using nlohmann::json;

TEST_CASE("webhook: a signed close is durable before its 200, a repeat is a duplicate, another content a conflict") {
  WebhookHost host;
  host.start();
  Signer terminal = host.signer();
  const json body = close_body("1001");
  const Answered first = terminal.post(body);
  INFO(first.error << first.body.dump());
  REQUIRE(first.status == 200);
  CHECK(first.body.at("status") == "accepted");
  CHECK(first.body.at("positionId") == "MT5-ic01-1001");
  const auto rows = host.rows();
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].at("id") == "MT5-ic01-1001");
  CHECK(rows[0].at("ref") == first.body.at("refId"));
  CHECK(rows[0].at("symbol") == "XAUUSD");
  CHECK(rows[0].at("state") == "QUEUED");

  const Answered again = terminal.post(body);
  CHECK(again.status == 200);
  CHECK(again.body.at("status") == "duplicate");
  CHECK(again.body.at("refId") == first.body.at("refId"));
  json other = body;
  other["pnl"] = "247.00";
  const Answered conflict = terminal.post(other);
  CHECK(conflict.status == 409);
  CHECK(conflict.body.at("error") == "conflict");
  CHECK(host.rows().size() == 1);

  // After a restart the ledger answers, not a memory.
  host.stop();
  host.start();
  Signer later = host.signer();
  CHECK(later.post(body).body.at("status") == "duplicate");
  CHECK(later.post(other).status == 409);
}

namespace {

std::string code_of(const Answered& a) { return std::to_string(a.status) + " " + a.body.value("error", a.body.value("status", "")); }

/// A whole signed request as bytes.
std::string request_bytes(const std::string& body, const std::string& nonce, const std::string& more = "",
                          const std::string& secret = WebhookHost::kSecret) {
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch());
  const std::string stamp = std::to_string(now.count());
  SignedRequest r{.secret = secret, .body = body};
  return "POST /webhook/metatrader HTTP/1.1\r\nHost: x\r\nContent-Type: application/json; charset=utf-8\r\nX-Anduin-Key: ea_ic01\r\n"
         "X-Anduin-Timestamp: " + stamp + "\r\nX-Anduin-Nonce: " + nonce + "\r\nX-Anduin-Signature: " +
         signature_of(r, stamp, nonce) + "\r\n" + more + (more.find("Content-Length") == std::string::npos && more.find("chunked") == std::string::npos
             ? "Content-Length: " + std::to_string(body.size()) + "\r\n" : "") + "\r\n" + body;
}

const std::string kHeartbeat = R"({"type":"heartbeat","timestamp":1})";

}  // namespace

TEST_CASE("webhook: replayed, re-timed, re-signed, truncated, oversized and forged requests are refused with their codes") {
  WebhookHost host;
  host.start();
  Signer t = host.signer();
  const std::string body = close_body("1").dump();
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  CHECK(code_of(t.post(SignedRequest{.body = body, .nonce = "nonce-of-once"})) == "200 accepted");
  CHECK(code_of(t.post(SignedRequest{.body = body, .nonce = "nonce-of-once"})) == "401 replayed_nonce");
  CHECK(code_of(t.post(SignedRequest{.body = body, .timestamp_ms = now - 125'000})) == "401 clock_skew");
  CHECK(code_of(t.post(SignedRequest{.body = body, .timestamp_ms = now + 125'000})) == "401 clock_skew");
  CHECK(t.post(SignedRequest{.body = body, .timestamp_ms = 1}).body.at("serverTime").get<std::int64_t>() >= now);
  CHECK(code_of(t.post(SignedRequest{.secret = std::string(64, 'a'), .body = body})) == "401 bad_signature");
  CHECK(code_of(t.post(SignedRequest{.key = "nobody", .body = body})) == "401 unknown_key");
  SignedRequest other{.body = body};
  other.signature = "v1=" + std::string(64, '0');
  CHECK(code_of(t.post(other)) == "401 bad_signature");
  // The signature of one body on another one, shorter or longer.
  SignedRequest whole{.secret = WebhookHost::kSecret, .body = body, .timestamp_ms = now, .nonce = "nonce-of-a-cut-body"};
  const std::string good = signature_of(whole, std::to_string(now), whole.nonce);
  CHECK(code_of(t.post(SignedRequest{.body = body.substr(0, body.size() - 1), .timestamp_ms = now, .nonce = whole.nonce, .signature = good})) == "401 bad_signature");
  CHECK(code_of(t.post(SignedRequest{.body = body + " ", .timestamp_ms = now, .nonce = whole.nonce, .signature = good})) == "401 bad_signature");
  CHECK(code_of(t.post(SignedRequest{.body = std::string(65'537, ' ')})) == "413 too_large");
  CHECK(code_of(t.post(SignedRequest{.body = std::string(3'000'000, ' ')})) == "413 too_large");
  CHECK(code_of(t.post(SignedRequest{.body = std::string(65'536, ' ')})) == "400 bad_json");
  CHECK(code_of(t.post(SignedRequest{.path = "/webhook/bybit", .body = body})) == "404 not_found");
  CHECK(code_of(t.post(SignedRequest{.path = "/webhook/metatrader?x=1", .body = body})) == "404 not_found");
  CHECK(code_of(t.post(SignedRequest{.path = "/", .body = body})) == "404 not_found");
  CHECK(code_of(t.post(SignedRequest{.method = "PUT", .body = body})) == "405 method_not_allowed");
  CHECK(code_of(t.post(SignedRequest{.content_type = "text/plain", .body = body})) == "415 unsupported_media_type");
  for (const auto* name : {"X-Anduin-Key", "X-Anduin-Timestamp", "X-Anduin-Nonce", "X-Anduin-Signature"})
    CHECK(code_of(t.post(SignedRequest{.body = body, .without = {name}})) == "401 missing_auth");
  CHECK(code_of(t.post(SignedRequest{.body = body, .nonce = "short"})) == "400 bad_header");
  CHECK(code_of(t.post(SignedRequest{.body = body.substr(0, 50)})) == "400 bad_json");
  json stranger = close_body("2");
  stranger["login"] = "777";
  CHECK(code_of(t.post(stranger)) == "403 login_mismatch");
  stranger["login"] = "5012345";
  stranger["positionId"] = "MT5-ic02-2";
  CHECK(code_of(t.post(stranger)) == "422 bad_position_id");
  CHECK(host.rows().size() == 1);
}

TEST_CASE("webhook: requests in pieces, in one go, chunked, too long, without a length") {
  WebhookHost host;
  host.start();
  {
    RawTls c(host.port());
    const std::string bytes = request_bytes(kHeartbeat, "nonce-in-pieces");
    for (const char b : bytes) REQUIRE(c.write({&b, 1}));
    CHECK(c.verdict() == "200");
    // Two requests in one write on the same connection, a good and a bad one.
    REQUIRE(c.write(request_bytes(kHeartbeat, "nonce-pipelined-1") + request_bytes(kHeartbeat, "nonce-pipelined-2", "", std::string(64, 'b'))));
    CHECK(c.verdict() == "200");
    CHECK(c.verdict() == "401 bad_signature");
  }
  const auto once = [&](const std::string& bytes) {
    RawTls c(host.port());
    c.write(bytes);
    return c.verdict();
  };
  CHECK(once(request_bytes("", "nonce-of-chunks-1", "Transfer-Encoding: chunked\r\n") + "2\r\n{}\r\n0\r\n\r\n") == "411 length_required");
  CHECK(once("POST /webhook/metatrader HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\r\n") == "411 length_required");
  CHECK(once("GET /webhook/metatrader HTTP/1.1\r\nHost: x\r\n\r\n") == "405 method_not_allowed");
  CHECK(once("GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(9'000, 'x') + "\r\n\r\n") == "431 head_too_large");
  CHECK(once("POST /webhook/metatrader HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999999\r\n\r\n") == "413 too_large");
  CHECK(once("POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999999\r\n\r\n") == "404 not_found");
  CHECK(once("\x16\x03\x01 garbage\r\n\r\n") == "400 bad_request");
  CHECK(once(request_bytes(kHeartbeat, "nonce-twice-head", "X-Anduin-Nonce: another-nonce-here\r\n")) == "400 bad_header");
  // A length that is too short: the rest is no request.
  {
    RawTls c(host.port());
    c.write(request_bytes(kHeartbeat, "nonce-length-short", "Content-Length: 5\r\n"));
    CHECK(c.verdict() == "401 bad_signature");
  }
}

TEST_CASE("webhook: a body that trickles is cut off after ten seconds, others are served meanwhile", "[slow]") {
  WebhookHost host;
  host.start();
  RawTls slow(host.port(), 20'000);
  std::string bytes = request_bytes(kHeartbeat, "nonce-of-a-snail");
  const auto begun = std::chrono::steady_clock::now();
  slow.write(bytes.substr(0, bytes.size() - 30));
  std::thread drip([&] {
    for (std::size_t i = bytes.size() - 30; i < bytes.size(); ++i) {
      if (!slow.write(bytes.substr(i, 1))) return;
      std::this_thread::sleep_for(std::chrono::seconds(1));
    }
  });
  Signer t = host.signer();
  CHECK(t.post(SignedRequest{.body = kHeartbeat}).status == 200);
  drip.join();
  CHECK(slow.verdict().empty());
  const auto took = std::chrono::steady_clock::now() - begun;
  CHECK(took >= std::chrono::seconds(9));
  CHECK(took <= std::chrono::seconds(16));
}

TEST_CASE("webhook: one close from eight connections at once is one settlement") {
  WebhookHost host;
  host.start();
  const json body = close_body("77");
  std::atomic<int> accepted{0}, duplicates{0}, others{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      Signer t = host.signer();
      for (int n = 0; n < 5; ++n) {
        const Answered a = t.post(body);
        const std::string status = a.status == 200 ? a.body.value("status", "") : "";
        ++(status == "accepted" ? accepted : status == "duplicate" ? duplicates : others);
      }
    });
  }
  for (auto& t : threads) t.join();
  CHECK(accepted == 1);
  CHECK(duplicates == 39);
  CHECK(others == 0);
  CHECK(host.rows().size() == 1);
}

TEST_CASE("webhook: a key that sends too much is told when to come again, another key is not disturbed") {
  WebhookHost host("trust: operator", "",
                   "  - { name: mt-ic02, venue: metatrader, user: \"0x70997970C51812dc3A010C7d01b50e0d17dc79C8\", credentials: { key: "
                   "ea_ic02, secret: \"" + std::string(64, 'c') + "\" }, options: { ref: ic02, login: 5012346, server: Broker-Live } }\n");
  host.start();
  Signer t = host.signer();
  Answered last;
  int sent = 0;
  for (; sent < 1'500 && last.status != 429; ++sent) last = t.post(SignedRequest{.body = kHeartbeat});
  CHECK(sent > 200);
  REQUIRE(last.status == 429);
  CHECK(last.retry_after == "1");
  Signer other = host.signer("ea_ic02", std::string(64, 'c'));
  CHECK(other.post(SignedRequest{.body = kHeartbeat}).status == 200);
}

TEST_CASE("webhook: a user's invented profit is held, seizures flow, a price from elsewhere lets a small credit through") {
  WebhookHost host("trust: user, max_credit_per_close: 300, max_credit_per_day: 1000", "",
                   "  - { name: desk, venue: metatrader, trust: operator, user: \"0x70997970C51812dc3A010C7d01b50e0d17dc79C8\", credentials: { key: "
                   "ea_desk, secret: \"" + std::string(64, 'd') + "\" }, options: { ref: desk, login: 1, server: Desk } }\n");
  host.start();
  Signer user = host.signer(), desk = host.signer("ea_desk", std::string(64, 'd'));
  const auto now = [] {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  };
  const auto price = [&](Signer& who, const char* bid, const char* ask) {
    return who.post({{"type", "prices"}, {"prices", {{{"symbol", "XAUUSD"}, {"bid", bid}, {"ask", ask}, {"timestamp", now()}}}}});
  };
  // The user's own prices are taken, and never heard.
  CHECK(price(user, "2075.2", "2075.4").status == 200);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  Answered a = user.post(close_body("1"));
  CHECK(code_of(a) == "200 held");
  CHECK(a.body.at("reason") == "no_independent_price");
  for (const auto& p : host.host().status().prices) CHECK_FALSE(p.best_bid);

  CHECK(price(desk, "2074.9", "2075.5").status == 200);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  CHECK(code_of(user.post(close_body("2"))) == "200 accepted");
  json far = close_body("3", "200");
  far["entryPrice"] = "2280";
  far["exitPrice"] = "2300";
  a = user.post(far);
  CHECK(a.body.at("reason") == "exit_price");
  json large = close_body("4", "2480");
  large["size"] = "100";
  CHECK(user.post(large).body.at("reason") == "credit_limit");
  CHECK(user.post(close_body("5", "2480")).body.at("reason") == "pnl_mismatch");
  json loss = close_body("6", "-9000");
  loss["side"] = "short";
  loss["size"] = "362.90";
  CHECK(code_of(user.post(loss)) == "200 accepted");
  // A repeat of a held close is a duplicate: it is durable, the terminal may forget it.
  CHECK(code_of(user.post(far)) == "200 duplicate");
  std::map<std::string, int> states;
  for (const json& row : host.rows()) ++states[row.at("state")];
  CHECK(states["QUARANTINED"] == 4);
  CHECK(states["QUEUED"] == 2);
}

TEST_CASE("webhook: accounts that resolve to one login, one key or one reference are refused") {
  const auto problem = [](const std::string& key, const std::string& options) {
    WebhookHost host("trust: operator", "",
                     "  - { name: again, venue: metatrader, user: \"0x70997970C51812dc3A010C7d01b50e0d17dc79C8\", credentials: { key: " + key +
                         ", secret: \"" + std::string(64, 'e') + "\" }, options: " + options + " }\n");
    try {
      host.start();
      return std::string("started");
    } catch (const std::exception& e) {
      return std::string(e.what());
    }
  };
  CHECK(problem("other", "{ ref: ic02, login: 5012346, server: Broker-Live }") == "started");
  CHECK(problem("other", "{ ref: ic01, login: 5012346, server: Broker-Live }").find("the same ref") != std::string::npos);
  CHECK(problem("other", "{ ref: ic02, login: 5012345, server: Broker-Live }").find("the same server and login") != std::string::npos);
  CHECK(problem("ea_ic01", "{ ref: ic02, login: 5012346, server: Broker-Live }").find("one key") != std::string::npos);
  CHECK(problem("other", "{ ref: ic02 }").find("login: is needed") != std::string::npos);
  CHECK(problem("other", "{ ref: Ic02, login: 1 }").find("must match") != std::string::npos);
  CHECK(problem("other", "{ ref: ic02, login: 1, sever: x }").find("did you mean 'server'") != std::string::npos);

  // What the terminals themselves say counts too: a second account on the same login is not served.
  WebhookHost host("trust: operator", "",
                   "  - { name: again, venue: metatrader, user: \"0x70997970C51812dc3A010C7d01b50e0d17dc79C8\", credentials: { key: other, secret: \"" +
                       std::string(64, 'e') + "\" }, options: { ref: ic02, login: 5012345, server: Renamed } }\n");
  host.start();
  Signer first = host.signer(), second = host.signer("other", std::string(64, 'e'));
  const json beat{{"type", "heartbeat"}, {"timestamp", 1}, {"login", "5012345"}, {"server", "Broker-Live"}};
  CHECK(first.post(beat).status == 200);
  CHECK(second.post(beat).status == 200);  // the answer to the one that tells
  const Answered refused = second.post(beat);
  CHECK(refused.status == 403);
  CHECK(refused.body.at("error") == "account_refused");
  CHECK(first.post(beat).status == 200);
}

TEST_CASE("webhook: what the host says of an account follows its heartbeats, before_activation is refused, recorded") {
  WebhookHost host;
  host.start();
  Signer t = host.signer();
  CHECK_FALSE(host.host().status().accounts.at(0).good);
  CHECK(t.post(SignedRequest{.body = kHeartbeat}).status == 200);
  CHECK(host.host().status().accounts.at(0).good);
  json old = close_body("9");
  old["closedAt"] = 1'700'000'000;
  const Answered a = t.post(old);
  CHECK(code_of(a) == "422 before_activation");
  CHECK(host.rows().at(0).at("state") == "BEFORE_ACTIVATION");
}
