#!/usr/bin/env bash
# Does the prefix test see what it is for? Forbidden edits of the header must fail, allowed ones must pass.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
header=$1
frozen=$header
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
try() {  # try <ok|bad> <what> <sed script>
  sed -E "$3" "$header" > "$work/plugin.h"
  cmp -s "$header" "$work/plugin.h" && { echo "the edit '$2' changes nothing"; exit 1; }
  if node "$here/prefix.mjs" "$frozen" "$work/plugin.h" > "$work/said"; then result=ok; else result=bad; fi
  [ "$result" = "$1" ] || { echo "'$2' should be $1, is $result:"; cat "$work/said"; exit 1; }
}
try bad "a field in the middle" 's/^  and_dec bid, ask, bid_size, ask_size;/  and_dec bid, ask, last, bid_size, ask_size;/'
try bad "another type" 's/uint32_t side;  /int32_t side;   /'
try bad "another order" 's/and_ref symbol;  /and_ref tmp_;    /; s/and_ref market;$/and_ref symbol;/; s/and_ref tmp_;/and_ref market;/'
try bad "another name" 's/int64_t closed_ms;/int64_t closed_at;/'
try bad "another signature" 's/\(\*save\)\(void \*inst, and_buf \*out\)/(*save)(void *inst, and_bytes out)/'
try bad "another number of a kind" 's/#define AND_REC_PRICE 17/#define AND_REC_PRICE 18/'
try bad "a constant that is gone" '/#define AND_CLOSE_SIZE_DERIVED/d'
try ok "a field at the end" 's/^  uint64_t manifest_len;/  uint64_t manifest_len;\n  int32_t (*extra)(void *inst);/'
try ok "a new kind" 's/^#define AND_REC_FUNDING 28/#define AND_REC_FUNDING 28\n#define AND_REC_NEXT 29/'
try ok "a newer minor" 's/^#define AND_ABI_MINOR 0/#define AND_ABI_MINOR 1/'
echo "7 forbidden and 3 allowed edits told apart"
