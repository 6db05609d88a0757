/* The Anduin plugin ABI, major 1: a venue plugin is a pure function from (state, inputs) to (state, records).
 * It opens nothing, waits for nothing, reads no clock and holds no secret; the host does all of that for it.
 *
 * Thread tags used below:
 *   [instance]   called by any thread, one caller at a time for one instance; two instances may run at once
 *   [any-thread] callable at any moment from any thread
 * Lifetime: a pointer passed to a function is valid until that function returns, in both directions. Nothing that
 * one side allocated is freed by the other. Texts are UTF-8 without a terminating zero unless `const char *`.
 * Rules for growth: structs only ever grow at their end and begin with their size; a field exists iff
 * offsetof + sizeof <= size (records: <= fixed); kinds unknown to the reader are ignored.
 * Layout: little-endian, 64-bit, 8-byte alignment, padding explicit (rsv*, zero on write, ignored on read). */
#ifndef ANDUIN_PLUGIN_H
#define ANDUIN_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define AND_ABI_MAJOR 1
#define AND_ABI_MINOR 0

#if defined(_WIN32)
#define ANDUIN_EXPORT __declspec(dllexport)
#else
#define ANDUIN_EXPORT __attribute__((visibility("default")))
#endif

/* ---- return codes --------------------------------------------------------------------------------------------- */
#define AND_OK 0
#define AND_E_PROTOCOL (-1)    /* the input was not understood: counted, kept for the report, the instance goes on */
#define AND_E_CONFIG (-2)      /* create: the configuration cannot work; an ERROR record says where (JSON pointer) */
#define AND_E_UNSUPPORTED (-3) /* this plugin does not do that (save, restore, a query) */
#define AND_E_LIMIT (-4)       /* a budget of the manifest was exceeded: the instance is stopped */
#define AND_E_STATE (-5)       /* not legal in this state */
#define AND_E_NOMEM (-6)
#define AND_E_AUTH (-7)        /* the venue refused the credentials: do not hammer */
#define AND_E_FATAL (-8)       /* the instance is poisoned: only destroy is legal now */

/* ---- basic types, frozen for the major ------------------------------------------------------------------------ */
/* Bytes [len, cap) are readable. Frames, bodies and meta have cap - len >= 64, and those 64 bytes are zero. */
typedef struct and_bytes { const uint8_t *p; uint32_t len; uint32_t cap; } and_bytes;
/* A buffer of the caller: the callee writes at most cap bytes, sets len, or sets need if cap is too small. */
typedef struct and_buf { uint32_t size; uint32_t need; uint8_t *p; uint32_t len; uint32_t cap; } and_buf;
/* A text inside a record: offset from the record's first byte. len 0 = absent. */
typedef struct and_ref { uint32_t off; uint32_t len; } and_ref;
/* (hi:lo as a signed 128-bit integer) * 10^exp10. */
typedef struct and_dec { uint64_t lo; int64_t hi; int32_t exp10; uint32_t flags; } and_dec;
#define AND_DEC_ABSENT 1u  /* the venue does not say */
#define AND_DEC_INEXACT 2u /* digits were dropped; refused in pnl, fee and balances */

/* ---- inputs: host -> plugin ----------------------------------------------------------------------------------- */
typedef struct and_in {
  uint32_t size;     /* sizeof at the writer's build */
  uint16_t kind;     /* AND_IN_* */
  uint16_t flags;    /* 0 */
  uint32_t id;       /* connection, request, timer or query */
  int32_t code;      /* opcode, HTTP status, close code: see the kind */
  uint64_t seq;      /* number of this input; records name it in ref_seq */
  uint64_t mono_ns;  /* monotonic nanoseconds */
  int64_t wall_ms;   /* ms since the Unix epoch, UTC, corrected by the venue's clock offset where known */
  and_bytes data;    /* frame, body, watermark */
  and_bytes meta;    /* canonical JSON, rare */
} and_in;

/* data: last durable watermark (account instances). meta: {"feeds":[..],"settle_from":ms,"entropy":"hex"} */
#define AND_IN_START 1
#define AND_IN_RESUME 2
/* meta: {"added":[native names],"removed":[..]} to subscribe and unsubscribe */
#define AND_IN_SYMBOLS 3
/* id = connection: answer with OPEN (now or after a request). data = watermark, meta {"settle_from":ms,"attempt":n} */
#define AND_IN_DIAL_DUE 4
/* id = connection. data, meta as DIAL_DUE */
#define AND_IN_OPENED 5
/* id = connection, code = WebSocket close code or 0; meta {"reason":text} */
#define AND_IN_CLOSED 6
/* id = connection, code = opcode (1 text, 2 binary), data = the message */
#define AND_IN_FRAME 7
/* id = request, code = HTTP status or a negative AND_HTTP_* code, data = body, meta = {"headers":{lower-case name:value}} */
#define AND_IN_HTTP_DONE 8
/* id = timer */
#define AND_IN_TIMER 9
/* id = inbound request, data = body, meta {"method":..,"path":..,"identity":..}: verified by the host */
#define AND_IN_INBOUND 10
/* id = 0, meta {"ref_seq":n,"id":close id,"outcome":accepted|duplicate|conflict|held|refused,"ref_id":..,"reason":..} */
#define AND_IN_CLOSE_RESULT 11
/* a commit failed: resume from this watermark (data) */
#define AND_IN_CURSOR 12
/* id = query, meta {"what":"balance"} */
#define AND_IN_QUERY 13
#define AND_IN_DRAIN 14
#define AND_IN_STOP 15

#define AND_HTTP_TRANSPORT (-1) /* no answer: connect, TLS, time-out; meta {"reason":text} */
#define AND_HTTP_REFUSED (-2)   /* the host did not send it: not on the egress list, or a bad template */

/* ---- records: plugin -> host ---------------------------------------------------------------------------------- */
typedef struct and_rec {
  uint32_t size;     /* whole record, texts included, <= AND_REC_SIZE_MAX */
  uint16_t kind;     /* AND_REC_* */
  uint16_t fixed;    /* bytes of the writer's fixed part; texts lie behind it */
  uint32_t id;       /* connection, request, timer, instrument or query: see the kind */
  uint32_t flags;    /* per kind, and AND_REC_REQUIRED */
  uint64_t ref_seq;  /* seq of the input that caused it */
} and_rec;
#define AND_REC_REQUIRED 0x80000000u /* a host that does not know this kind must stop the plugin */
#define AND_REC_SIZE_MAX 1048576u

/* Keep connection `id` alive: the host asks DIAL_DUE at once and after every back-off, until CLOSE. */
#define AND_REC_DIAL 1
/* The answer to DIAL_DUE. */
#define AND_REC_OPEN 2
typedef struct and_rec_open {
  and_rec h;          /* id = connection */
  and_ref endpoint;   /* id in the manifest; its url is the default */
  and_ref url;        /* whole url where the venue handed one out; must match the manifest's hosts */
  and_ref target;     /* path and query instead of the endpoint's (template) */
  and_ref headers;    /* "Name: value\n" lines (template) */
  uint32_t decode;    /* AND_DECODE_* */
  uint32_t rsv0;
} and_rec_open;
#define AND_DECODE_NONE 0u
#define AND_DECODE_GZIP 1u
#define AND_DECODE_DEFLATE 2u
/* Close connection `id` and forget it (flags 0), or close and dial again after back-off (AND_CLOSE_REDIAL). */
#define AND_REC_CLOSE 3
#define AND_CLOSE_REDIAL 1u
typedef struct and_rec_close { and_rec h; and_ref reason; } and_rec_close;
#define AND_REC_SEND 4
typedef struct and_rec_send {
  and_rec h;          /* id = connection */
  and_ref payload;    /* template */
  and_ref sign;       /* name of a sign program of the manifest */
  and_ref args;       /* JSON object: its typed arguments, also {{arg.NAME}} in templates */
  and_ref rate;       /* rate class of the manifest */
  uint32_t opcode;    /* 1 text, 2 binary */
  uint32_t cost;      /* tokens, 0 = 1 */
} and_rec_send;
#define AND_REC_HTTP 5
typedef struct and_rec_http {
  and_rec h;          /* id = request, chosen by the plugin, not in flight already */
  and_ref endpoint, method, target, headers, body; /* target, headers, body are templates */
  and_ref sign, args, rate;
  uint32_t timeout_ms; /* 0 = 10 s */
  uint32_t cost;
} and_rec_http;
#define AND_HTTP_IDEMPOTENT 1u /* may be sent again by the host on a broken keep-alive connection */
#define AND_REC_TIMER 6
#define AND_TIMER_CANCEL 1u
typedef struct and_rec_timer { and_rec h; uint64_t delay_ms; } and_rec_timer;
#define AND_REC_REPLY 7
typedef struct and_rec_reply { and_rec h; and_ref content_type, body; int32_t status; uint32_t rsv0; } and_rec_reply;

#define AND_REC_INSTRUMENT 16
typedef struct and_rec_instrument {
  and_rec h;          /* id chosen by the plugin, stable for the instance; a repeat completes the description */
  and_ref native;     /* the venue's own spelling, as it is sent */
  and_ref base, quote, settle; /* the venue's currency codes; the host knows XBT, XDG */
  and_ref market;     /* product: linear, inverse, spot, futures */
  and_ref aliases;    /* other spellings of the venue, '\n' between them */
  uint32_t kind;      /* AND_KIND_* */
  uint32_t rsv0;
  and_dec contract_size; /* base units a contract (linear), USD a contract (inverse); ABSENT = 1 */
  and_dec tick;
} and_rec_instrument;
#define AND_KIND_UNKNOWN 0u
#define AND_KIND_SPOT 1u
#define AND_KIND_LINEAR_PERPETUAL 2u
#define AND_KIND_INVERSE_PERPETUAL 3u
#define AND_KIND_LINEAR_DATED 4u
#define AND_KIND_INVERSE_DATED 5u
#define AND_INSTRUMENT_NO_CANONICAL 1u /* never gets a canonical name: scaled, dated, tokenised */
#define AND_INSTRUMENT_PNL_SPLIT 2u    /* realized figures are paid over time: closes are held */
#define AND_INSTRUMENT_SECOND 4u       /* a canonical name only through `symbols:` (Kraken PI_) */

#define AND_REC_PRICE 17
typedef struct and_rec_price {
  and_rec h;          /* id = instrument */
  and_dec bid, ask, bid_size, ask_size;
  int64_t venue_ms;   /* 0 = not said */
} and_rec_price;
#define AND_PRICE_TIME_UNUSABLE 1u /* venue_ms must not be used for ordering or age */
#define AND_PRICE_WITHDRAWN 2u     /* there is no two-sided quote now: leave the aggregate */

#define AND_REC_CLOSE_POS 18
typedef struct and_rec_close_pos {
  and_rec h;
  and_ref close_id;   /* unique per close by the venue sheet's rule; the host adds a uid prefix where needed */
  and_ref symbol;     /* native */
  and_ref market;
  and_ref currency, fee_currency;
  and_ref pnl_raw, fee_raw; /* the venue's characters */
  and_ref hold;       /* not empty: a person must look, and why */
  uint32_t side;      /* AND_SIDE_*: of the position that was closed */
  uint32_t origin;    /* AND_ORIGIN_* */
  int64_t closed_ms;  /* ms since the Unix epoch, UTC */
  and_dec entry, exit, size, pnl, fee, funding; /* size in native contracts; fee: cost not inside pnl; funding: what is
                         inside pnl and no price result (fees, funding, penalties; a cost < 0): for the plausibility check */
} and_rec_close_pos;
#define AND_SIDE_LONG 1u
#define AND_SIDE_SHORT 2u
#define AND_ORIGIN_STREAM 1u
#define AND_ORIGIN_HISTORY 2u
#define AND_ORIGIN_INBOUND 3u
#define AND_CLOSE_ENTRY_DERIVED 1u
#define AND_CLOSE_SIZE_DERIVED 2u
#define AND_CLOSE_SIZE_IN_BASE 4u /* size is base units already, not contracts */

/* Everything emitted as CLOSE_POS since the previous WATERMARK is covered by it; stored in the same transaction. */
#define AND_REC_WATERMARK 19
typedef struct and_rec_watermark { and_rec h; and_ref cursor; uint32_t version; uint32_t rsv0; } and_rec_watermark;
#define AND_REC_BALANCE 20
typedef struct and_rec_balance { and_rec h; and_ref currency; and_dec total, available; } and_rec_balance;
#define AND_REC_STATUS 21
typedef struct and_rec_status { and_rec h; and_ref feed, detail; uint32_t state; uint32_t rsv0; } and_rec_status;
#define AND_STATE_READY 1u
#define AND_STATE_RESYNC 2u
#define AND_STATE_FAILED 3u
/* A backfill has looked at [from, to]: proven = 1 complete, 0 = the venue could not show all of it. */
#define AND_REC_COVERAGE 22
typedef struct and_rec_coverage {
  and_rec h; int64_t from_ms, to_ms; and_ref reason; uint32_t proven; uint32_t rsv0;
} and_rec_coverage;
/* The venue's own answer on whose key this is and what it may do. */
#define AND_REC_ACCOUNT 23
typedef struct and_rec_account {
  and_rec h;
  and_ref uid, detail;
  int64_t expires_ms; /* 0 = none or not said */
  uint32_t can_trade, can_withdraw, can_transfer, ip_bound, sub_account; /* AND_TRI_* */
  uint32_t rsv0;
} and_rec_account;
#define AND_TRI_UNKNOWN 0u
#define AND_TRI_NO 1u
#define AND_TRI_YES 2u
/* The venue's time as answered to request `id`; the host corrects by half the round trip. */
#define AND_REC_CLOCK 24
typedef struct and_rec_clock { and_rec h; int64_t venue_ms; uint32_t resolution_ms; uint32_t rsv0; } and_rec_clock;
/* A limit that stands in a body or header: remaining < 0 = not said; reset_ms = venue time, 0 = not said. */
#define AND_REC_RATE 25
typedef struct and_rec_rate { and_rec h; and_ref rate; int64_t remaining; int64_t reset_ms; } and_rec_rate;
#define AND_REC_LOG 26
typedef struct and_rec_log { and_rec h; and_ref text; uint32_t level; uint32_t rsv0; } and_rec_log;
#define AND_LOG_DEBUG 1u
#define AND_LOG_INFO 2u
#define AND_LOG_WARN 3u
#define AND_REC_ERROR 27
typedef struct and_rec_error { and_rec h; and_ref text, where; int32_t code; uint32_t rsv0; } and_rec_error;
/* A perpetual's funding rate; id = instrument. Positive: longs pay shorts. */
#define AND_REC_FUNDING 28
typedef struct and_rec_funding {
  and_rec h;
  and_dec rate;      /* of one interval, a fraction: 0.0001 is 0.01 % */
  and_dec next_rate; /* predicted for the interval after; ABSENT = not said */
  int64_t due_ms;    /* when `rate` is paid, ms since the Unix epoch UTC; 0 = not said */
  int64_t venue_ms;  /* 0 = not said */
} and_rec_funding;

/* ---- the two tables ------------------------------------------------------------------------------------------- */
typedef struct and_host_v1 {
  uint32_t size;
  uint16_t abi_minor;
  uint16_t flags;
  void *ctx;
  /* [instance] Only inside create, step and restore, on the calling thread. The record is copied before return.
   * AND_OK, AND_E_LIMIT (stop emitting and return it), AND_E_STATE. */
  int32_t (*emit)(void *ctx, const and_rec *rec);
  /* [instance] A host service by id ("anduin.NAME/REV"), NULL if unknown; static tables. */
  const void *(*get_ext)(void *ctx, const char *id);
} and_host_v1;

typedef struct and_plugin_v1 {
  uint32_t size;          /* sizeof at the plugin's build */
  uint16_t abi_minor;     /* of the header it was built with */
  uint16_t abi_minor_min; /* oldest host minor it can live with */
  const char *id;         /* equal to the manifest's */
  const char *version;
  /* [any-thread] config: {"instance":"public"|"account","options":{..}} checked against the manifest, defaults
   * filled. *inst is owned by the plugin until destroy. */
  int32_t (*create)(const and_host_v1 *host, and_bytes config_json, void **inst);
  /* [instance] Legal in every state; the instance is gone on return. */
  void (*destroy)(void *inst);
  /* [instance] n inputs in order; the outcome does not depend on how inputs are cut into calls. */
  int32_t (*step)(void *inst, const and_in *const *in, uint32_t n);
  /* [instance] State as bytes, at an input boundary. AND_E_UNSUPPORTED is a fair answer. */
  int32_t (*save)(void *inst, and_buf *out);
  /* [instance] Fresh instance only; may refuse. */
  int32_t (*restore)(void *inst, and_bytes blob);
  /* [any-thread] A plugin extension by id, NULL if unknown; static tables. */
  const void *(*get_ext)(const char *id);
  /* The manifest: the same bytes as in the section named .anduin. */
  const char *manifest;
  uint64_t manifest_len;
} and_plugin_v1;

/* Smallest sizes ever released: constants, never sizeof of today's struct. */
#define AND_PLUGIN_V1_SIZE_MIN 88u
#define AND_HOST_V1_SIZE_MIN 32u
#define AND_IN_SIZE_MIN 72u

/* The only dynamic symbol of a plugin. */
extern ANDUIN_EXPORT const and_plugin_v1 anduin_plugin_v1;

#ifdef __cplusplus
}
#endif
#endif
