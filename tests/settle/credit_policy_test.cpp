// A user's own terminal can sign any profit: limits, its own figures and prices from elsewhere decide, and what they
// hold is a row that a person sees.
#include "settle/support.hpp"

#include <nlohmann/json.hpp>

using namespace anduin;
using namespace anduin::settle;
using namespace anduin::settle::test;

namespace {

class SymbolRates final : public RateSource {
 public:
  std::map<std::string, Rate, std::less<>> symbols;
  std::optional<Rate> usd_price(std::string_view currency, std::int64_t at_ms) const override {
    return symbol_price(std::string(currency) + "USD", at_ms);
  }
  std::optional<Rate> symbol_price(std::string_view symbol, std::int64_t) const override {
    const auto it = symbols.find(symbol);
    return it == symbols.end() ? std::nullopt : std::optional(it->second);
  }
};

AccountTerms user_terms(const char* per_close = "500", const char* per_day = "1000") {
  AccountTerms t = terms("mt", "MetaTrader");
  t.credit.trusted = false;
  if (per_close) t.credit.per_close_usd = Decimal::of(per_close);
  if (per_day) t.credit.per_day_usd = Decimal::of(per_day);
  return t;
}

/// (2075.30 - 2050.50) x 10 = 248
ClosedPosition gold(const std::string& id, const std::string& pnl = "248", const std::string& exit = "2075.30") {
  ClosedPosition c = close_of(id, pnl, "mt");
  c.venue = "MetaTrader";
  c.symbol = c.native_symbol = "XAUUSD";
  c.base_currency = "XAU";
  c.quote_currency = "USD";
  c.currency = c.fee_currency = "USD";
  c.entry_price = Decimal::of("2050.50");
  c.exit_price = Decimal::of(exit);
  c.size = Decimal(10);
  c.origin = Origin::kInbound;
  c.body = "{\"of\":\"" + id + "\"}";
  c.evidence = "evidence-" + id;
  return c;
}

struct Book {
  explicit Book(const AccountTerms& terms) : clock(kNow + 2'000) {
    LedgerOptions o;
    o.rates = &rates;
    ledger = open_ledger(dir, clock, o);
    AccountTerms t = terms;
    t.settle_from_ms = kNow;
    REQUIRE(ledger->register_account(t));
    rates.symbols["XAUUSD"] = {Decimal::of("2074.9"), kNow + 900, "aggregate XAUUSD bid"};
  }
  CloseOutcome commit(const ClosedPosition& c) {
    auto out = ledger->commit_batch({"mt", {c}, {}, {}});
    if (!out) FAIL(out.error().to_string());
    return out->front();
  }
  TempDir dir;
  ManualClock clock;
  SymbolRates rates;
  std::unique_ptr<Ledger> ledger;
};

std::string code(const CloseOutcome& o) { return o.reason.substr(0, o.reason.find(':')); }

}  // namespace

TEST_CASE("trust user: a credit within limits, figures and the market's price is paid", "[credit]") {
  Book b(user_terms());
  CHECK(b.commit(gold("a")).outcome == Outcome::kAccepted);
}

TEST_CASE("trust user: an invented profit is held, and the ledger says why", "[credit]") {
  Book b(user_terms());
  SECTION("beyond the limit of one close") {
    ClosedPosition c = gold("a", "5000");
    c.size = Decimal(210);
    CHECK(code(b.commit(c)) == "credit_limit");
  }
  SECTION("more than its own prices give") {
    CHECK(code(b.commit(gold("a", "400"))) == "pnl_mismatch");
  }
  SECTION("at a price that no other venue had") {
    ClosedPosition c = gold("a", "480", "2098.50");
    CHECK(code(b.commit(c)) == "exit_price");
  }
  SECTION("where no other venue has a price") {
    b.rates.symbols.clear();
    CHECK(code(b.commit(gold("a"))) == "no_independent_price");
  }
  SECTION("with a price that is too old or of later") {
    b.rates.symbols["XAUUSD"].at_ms = kNow + 1'000 - kRateAgeMaxMs - 1;
    CHECK(code(b.commit(gold("a"))) == "no_independent_price");
    b.rates.symbols["XAUUSD"].at_ms = kNow + 1'001;
    CHECK(code(b.commit(gold("b"))) == "no_independent_price");
  }
  SECTION("in a currency that its prices do not speak of") {
    ClosedPosition c = gold("a");
    c.quote_currency = "JPY";
    CHECK(code(b.commit(c)) == "unverified");
  }
  SECTION("without an entry price") {
    ClosedPosition c = gold("a");
    c.entry_price.reset();
    CHECK(code(b.commit(c)) == "unverified");
  }
  const auto rows = reader(b.dir)->list({});
  REQUIRE(rows);
  for (const auto& row : *rows) {
    CHECK(row.at("state") == "QUARANTINED");
    CHECK_FALSE(row.at("reason").get<std::string>().empty());
  }
  CHECK_FALSE(rows->empty());
  CHECK(b.ledger->queued(31337, address_of(0x5e), 10)->empty());
}

TEST_CASE("trust user: without limits every credit waits for a person, seizures flow", "[credit]") {
  for (const auto& t : {user_terms(nullptr, nullptr), user_terms("500", nullptr), user_terms(nullptr, "500")}) {
    Book b(t);
    CHECK(code(b.commit(gold("a"))) == "approval");
    CHECK(b.commit(gold("b", "-90000", "1000")).outcome == Outcome::kAccepted);
  }
}

TEST_CASE("trust user: the limit of a day counts what was let through, over restarts, and forgets after 24 hours",
          "[credit]") {
  Book b(user_terms("500", "600"));
  CHECK(b.commit(gold("a")).outcome == Outcome::kAccepted);
  CHECK(b.commit(gold("b")).outcome == Outcome::kAccepted);
  CHECK(code(b.commit(gold("c"))) == "credit_limit");
  CHECK(b.commit(gold("d", "-300", "2020.50")).outcome == Outcome::kAccepted);  // a loss makes no room
  CHECK(code(b.commit(gold("e"))) == "credit_limit");
  // Another process, the same book.
  b.ledger.reset();
  LedgerOptions o;
  o.rates = &b.rates;
  b.ledger = open_ledger(b.dir, b.clock, o);
  REQUIRE(b.ledger->register_account(user_terms("500", "600")));
  CHECK(code(b.commit(gold("f"))) == "credit_limit");
  b.clock.advance_ms(kCreditWindowMs);
  CHECK(b.commit(gold("g")).outcome == Outcome::kAccepted);
}

TEST_CASE("trust operator: nothing of this applies", "[credit]") {
  AccountTerms t = terms("mt", "MetaTrader");
  Book b(t);
  b.rates.symbols.clear();
  CHECK(b.commit(gold("a")).outcome == Outcome::kAccepted);
}

TEST_CASE("an inbound repeat with another content is a conflict, whatever its money, bodies are kept", "[credit]") {
  Book b(terms("mt", "MetaTrader"));
  const ClosedPosition first = gold("a");
  REQUIRE(b.commit(first).outcome == Outcome::kAccepted);
  CHECK(b.commit(first).outcome == Outcome::kDuplicate);
  const auto changed = [&](auto change) {
    ClosedPosition c = first;
    change(c);
    c.evidence = "another";
    c.body = "{\"another\":1}";
    return b.commit(c);
  };
  CHECK(changed([](auto& c) { c.symbol = "XAGUSD"; }).outcome == Outcome::kConflict);
  CHECK(changed([](auto& c) { c.side = Side::kShort; }).outcome == Outcome::kConflict);
  CHECK(changed([](auto& c) { c.entry_price = Decimal::of("2050.51"); }).outcome == Outcome::kConflict);
  CHECK(changed([](auto& c) { c.exit_price = Decimal::of("2075.31"); }).outcome == Outcome::kConflict);
  CHECK(changed([](auto& c) { c.size = Decimal(11); }).outcome == Outcome::kConflict);
  CHECK(changed([](auto& c) { c.closed_ms += 1; }).outcome == Outcome::kConflict);
  CHECK(changed([](auto& c) { c.pnl = Decimal(249); }).outcome == Outcome::kConflict);
  CHECK(changed([](auto& c) { c.size = Decimal::of("10.00"); }).outcome == Outcome::kDuplicate);
  // What stream and history say apart from the money may differ, as ever.
  ClosedPosition other = first;
  other.origin = Origin::kHistory;
  other.closed_ms += 5;
  CHECK(b.commit(other).outcome == Outcome::kDuplicate);
  const auto shown = reader(b.dir)->show("a");
  REQUIRE(shown);
  CHECK(shown->at("body") == first.body);
  REQUIRE_FALSE(shown->at("reports").empty());
  CHECK(shown->at("reports").front().at("body") == "{\"another\":1}");
}
