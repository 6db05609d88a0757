#!/usr/bin/env bash
# A third party's way: install the SDK, build the example venue outside the source tree, replay a recording with it.
set -euo pipefail
build=$1 source=$2 anduin=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cmake --install "$build" --component sdk --prefix "$work/sdk" >/dev/null
cp -r "$source/examples/acme" "$work/acme"
lines=$(cat "$work"/acme/acme.cpp "$work"/acme/manifest.json "$work"/acme/CMakeLists.txt | wc -l)
[ "$lines" -lt 100 ] || { echo "the example has grown to $lines lines"; exit 1; }
cmake -S "$work/acme" -B "$work/out" -DCMAKE_PREFIX_PATH="$work/sdk" -DCMAKE_BUILD_TYPE=Release \
  -DCMAKE_CXX_FLAGS="-Wall -Wextra -Werror" >/dev/null
cmake --build "$work/out" >/dev/null
so="$work/out/anduin-acme.so"
[ "$(nm -D --defined-only "$so" | awk '{print $3}')" = anduin_plugin_v1 ] || { echo "not exactly one symbol"; exit 1; }
cat > "$work/rec.jsonl" <<'R'
{"ts_ms":1700000000000,"kind":"ws","url":"wss://stream.acme.example/v1","dir":"in","text":"{\"op\":\"subscribed\"}"}
{"ts_ms":1700000000100,"kind":"ws","url":"wss://stream.acme.example/v1","dir":"in","text":"{\"symbol\":\"BTCUSDT\",\"bid\":\"100.10\",\"ask\":\"100.20\",\"time\":1700000000099}"}
{"ts_ms":1700000000200,"kind":"ws","url":"wss://stream.acme.example/v1","dir":"in","text":"{\"symbol\":\"BTCUSDT\",\"bid\":\"100.10\",\"ask\":\"100.20\",\"time\":1700000000199}"}
{"ts_ms":1700000000300,"kind":"ws","url":"wss://stream.acme.example/v1","dir":"in","text":"{\"symbol\":\"BTCUSDT\",\"bid\":\"101\",\"ask\":\"100\",\"time\":1700000000299}"}
{"ts_ms":1700000000400,"kind":"ws","url":"wss://stream.acme.example/v1","dir":"in","text":"{\"symbol\":\"BTCUSDT\",\"bid\":\"99.5\",\"ask\":"}
{"ts_ms":1700000000500,"kind":"ws","url":"wss://stream.acme.example/v1","dir":"in","text":"{\"symbol\":\"BTCUSDT\",\"bid\":\"99.5\",\"ask\":\"100\",\"time\":1700000000499}"}
R
"$anduin" replay --plugin "$so" "$work/rec.jsonl" > "$work/got"
cat > "$work/want" <<'W'
{"type":"price","venue":"Acme","symbol":"BTCUSDT","bid":100.1,"ask":100.2,"timestamp":1700000000099}
{"type":"price","venue":"Acme","symbol":"BTCUSDT","bid":99.5,"ask":100,"timestamp":1700000000499}
W
diff "$work/want" "$work/got"
"$anduin" plugin inspect "$so" | grep -q '"Acme"'
echo "the example: $lines lines, built and replayed"
