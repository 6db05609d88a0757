// The refId vectors and the rules on ids.
#include "settle/ref_id.hpp"

#include "settle/support.hpp"
#include "support/shared.hpp"

using namespace anduin;
using namespace anduin::settle;

TEST_CASE("refId: every row of the vectors, and the ids that are refused", "[refid]") {
  ANDUIN_NEED_SHARED();
  const auto rows = anduin::test::shared_json("vectors/evm.json").at("refId");
  for (const auto& row : rows) {
    const auto venue = row.at("venue").get<std::string>(), id = row.at("positionId").get<std::string>();
    CAPTURE(venue, id);
    const auto made = ref_id(venue, id), old = ref_id(venue, id, RefIdHash::kSha256);
    if (id.empty() || id.size() > kIdBytesMax || id.back() == ' ') {
      CHECK_FALSE(made);
      CHECK_FALSE(old);
      continue;
    }
    REQUIRE(made);
    CHECK(made->to_string() == row.at("refId").get<std::string>());
    CHECK(old->to_string() == row.at("sha256Contrast").get<std::string>());
    CHECK(made->to_string() != row.at("noSeparatorContrast").get<std::string>());
  }
}

TEST_CASE("refId: what an id may not be", "[refid]") {
  CHECK(ref_id("Bybit", "12345"));
  CHECK(ref_id("Bybit", "a b/c:d"));
  CHECK(ref_id("Bybit", std::string(200, 'x')));
  for (const std::string& bad :
       {std::string(), std::string(" 1"), std::string("1 "), std::string("1\n2"), std::string("1\t"),
        std::string("a\0b", 3), std::string("\x7f"), std::string(201, 'x')}) {
    const auto made = ref_id("Bybit", bad);
    REQUIRE_FALSE(made);
    CHECK(made.error().kind == ErrorKind::kBadRequest);
    CHECK(made.error().venue == "Bybit");
  }
  CHECK_FALSE(ref_id("", "1"));
  CHECK_FALSE(ref_id("By:bit", "1"));
}
