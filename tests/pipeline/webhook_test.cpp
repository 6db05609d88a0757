// The webhook of a running host, over TLS: what is answered, and that a close which was answered is in the ledger.
#include <catch2/catch.hpp>

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
