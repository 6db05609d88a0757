#!/usr/bin/env bash
# A third party's way: install the SDK, build an example venue outside the source tree, replay a recording with it.
# The recording is the example's session.jsonl, or NAME.jsonl beside this script; NAME.events is what replay prints.
# A withdrawn quote prints nothing, so the number of frames that are errors is compared as well.
set -euo pipefail
build=$1 source=$2 anduin=$3 name=$4 errors=$5
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cmake --install "$build" --component sdk --prefix "$work/sdk" >/dev/null
cp -r "$source/examples/$name" "$work/src"
lines=$(cat "$work"/src/*.cpp "$work"/src/manifest.json "$work"/src/CMakeLists.txt | wc -l)
[ "$lines" -lt 100 ] || { echo "the example has grown to $lines lines"; exit 1; }
cmake -S "$work/src" -B "$work/out" -DCMAKE_PREFIX_PATH="$work/sdk" -DCMAKE_BUILD_TYPE=Release \
  -DCMAKE_CXX_FLAGS="-Wall -Wextra -Werror" >/dev/null
cmake --build "$work/out" >/dev/null
so="$work/out/anduin-$name.so"
[ "$(nm -D --defined-only "$so" | awk '{print $3}')" = anduin_plugin_v1 ] || { echo "not exactly one symbol"; exit 1; }
"$anduin" plugin inspect "$so" | grep -q "\"id\": \"$name\""
session="$work/src/session.jsonl"
[ -f "$session" ] || session="$here/$name.jsonl"
for batch in 1 64; do
  "$anduin" replay --plugin "$so" --batch "$batch" --stats "$session" > "$work/got" 2> "$work/stats"
  diff "$here/$name.events" "$work/got"
  grep -q "\"errors\":$errors,.*\"unanswered_requests\":0," "$work/stats" || { cat "$work/stats"; exit 1; }
done
# One symbol of them; what follows the list is a file, not another symbol.
one=$(grep -o '"symbol":"[^"]*"' "$here/$name.events" | head -1)
diff <(grep -e "$one" -e '"type":"status"' "$here/$name.events") <("$anduin" replay --plugin "$so" --symbols "$(cut -d'"' -f4 <<<"$one")" "$session")
echo "the example: $lines lines, built and replayed"
