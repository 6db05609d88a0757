// The released layout of the ABI: these numbers never change within major 1; structs only grow behind them.
#include <catch2/catch.hpp>
#include <cstddef>

#include "anduin/plugin.h"

static_assert(sizeof(and_bytes) == 16 && sizeof(and_buf) == 24 && sizeof(and_ref) == 8 && sizeof(and_dec) == 24);
static_assert(sizeof(and_rec) == 24 && offsetof(and_rec, kind) == 4 && offsetof(and_rec, fixed) == 6 &&
              offsetof(and_rec, id) == 8 && offsetof(and_rec, flags) == 12 && offsetof(and_rec, ref_seq) == 16);
static_assert(sizeof(and_in) == 72 && offsetof(and_in, id) == 8 && offsetof(and_in, code) == 12 && offsetof(and_in, seq) == 16 &&
              offsetof(and_in, mono_ns) == 24 && offsetof(and_in, wall_ms) == 32 && offsetof(and_in, data) == 40 &&
              offsetof(and_in, meta) == 56);
static_assert(offsetof(and_rec_price, bid) == 24 && offsetof(and_rec_price, ask) == 48 && offsetof(and_rec_price, venue_ms) == 120);
static_assert(offsetof(and_rec_close_pos, close_id) == 24 && offsetof(and_rec_close_pos, side) == 88 &&
              offsetof(and_rec_close_pos, closed_ms) == 96 && offsetof(and_rec_close_pos, entry) == 104 &&
              offsetof(and_rec_close_pos, pnl) == 176 && sizeof(and_rec_close_pos) == 248);
static_assert(offsetof(and_plugin_v1, id) == 8 && offsetof(and_plugin_v1, create) == 24 && offsetof(and_plugin_v1, manifest) == 72 &&
              sizeof(and_plugin_v1) == AND_PLUGIN_V1_SIZE_MIN && sizeof(and_host_v1) == AND_HOST_V1_SIZE_MIN &&
              sizeof(and_in) == AND_IN_SIZE_MIN);

TEST_CASE("layout: record kinds and input kinds keep their numbers") {
  CHECK(AND_IN_START == 1);
  CHECK(AND_IN_FRAME == 7);
  CHECK(AND_IN_QUERY == 13);
  CHECK(AND_REC_DIAL == 1);
  CHECK(AND_REC_HTTP == 5);
  CHECK(AND_REC_PRICE == 17);
  CHECK(AND_REC_CLOSE_POS == 18);
  CHECK(AND_REC_WATERMARK == 19);
  CHECK(AND_REC_ERROR == 27);
}
