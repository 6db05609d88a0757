#include "anduin/time.hpp"

#include <catch2/catch.hpp>

using anduin::parse_iso_ms;

TEST_CASE("time: ISO 8601 to milliseconds, floored, anything else is nothing") {
  CHECK(parse_iso_ms("1970-01-01T00:00:00Z") == 0);
  CHECK(parse_iso_ms("2026-04-01T11:00:00.123456Z") == 1775041200123);
  CHECK(parse_iso_ms("2026-04-01T11:00:00.9Z") == 1775041200900);
  CHECK(parse_iso_ms("2024-02-29T23:59:59.999+00:00") == 1709251199999);
  for (const char* bad : {"", "2026-04-01", "2026-04-01T11:00:00", "2026-13-01T11:00:00Z", "2026-04-01T11:00:00.Z",
                          "2026-04-01T11:00:00+02:00", "x026-04-01T11:00:00Z"})
    CHECK_FALSE(parse_iso_ms(bad));
}
