#include "book.hpp"

#include <catch2/catch.hpp>

#include "anduin/json.hpp"
#include "instruments.hpp"
#include "support/shared.hpp"

using namespace anduin;
using namespace anduin::kraken;

TEST_CASE("the venue's own checksum examples") {
  ANDUIN_NEED_SHARED();
  int n = 0;
  for (const auto& row : test::shared_json("vectors/kraken.json")["bookChecksums"]) {
    CHECK(std::to_string(crc32(row["input"].get<std::string>())) == row["crc32"].get<std::string>());
    ++n;
  }
  CHECK(n == 2);
}

TEST_CASE("trailing zeros are part of a level") {
  CHECK(exact_lexeme("0.000022900").mantissa() == 22900);
  CHECK(exact_lexeme("45281.0").mantissa() == 452810);
  CHECK(exact_lexeme("0.10000000") == Decimal::of("0.1"));
  CHECK(exact_lexeme("1e-8") == Decimal::of("0.00000001"));
  for (const char* bad : {"", ".", "-1", "1.2.3", "abc", "1,5"}) CHECK_THROWS_AS(exact_lexeme(bad), BadFrame);

  OrderBook book;
  book.set_ask(exact_lexeme("5.010"), exact_lexeme("0.50"));
  book.set_bid(exact_lexeme("5.000"), exact_lexeme("1.00"));
  CHECK(checksum_input(book) ==
        "5010"
        "50"
        "5000"
        "100");
}

TEST_CASE("currency codes and pair names go by table, never by stripping letters") {
  CHECK(currency_code("XXBT") == "BTC");
  CHECK(currency_code("xbt") == "BTC");
  CHECK(currency_code("ZUSD") == "USD");
  CHECK(currency_code("XDG") == "DOGE");
  CHECK(currency_code("XTZ") == "XTZ");
  CHECK(currency_code("ZEC") == "ZEC");
  CHECK(currency_code("XRP") == "XRP");
  CHECK(readable_name("XBT/USD") == "BTC/USD");
  CHECK(readable_name("ADA/XBT") == "ADA/BTC");
  CHECK(readable_name("XTZ/USD") == "XTZ/USD");
}
