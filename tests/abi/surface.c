/* Every type of the ABI in one object, for the type baseline. */
#include "anduin/plugin.h"

ANDUIN_EXPORT const and_plugin_v1 anduin_plugin_v1 = {0};
ANDUIN_EXPORT const and_host_v1 surface_host = {0};
ANDUIN_EXPORT and_in surface_in;
#define S(type) ANDUIN_EXPORT type surface_##type
S(and_rec_open); S(and_rec_send); S(and_rec_http); S(and_rec_timer); S(and_rec_reply); S(and_rec_instrument);
S(and_rec_price); S(and_rec_close_pos); S(and_rec_watermark); S(and_rec_balance); S(and_rec_status);
S(and_rec_coverage); S(and_rec_account); S(and_rec_clock); S(and_rec_rate); S(and_rec_log); S(and_rec_error);
S(and_rec_funding); S(and_rec_close);
