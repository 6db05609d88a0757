#!/usr/bin/env bash
# Every plugin binary that was ever released: loaded by this host, driven over its recording, the same lines.
# released.sh HOST
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
host=$1
[ "$(uname -m)" = x86_64 ] || { echo "SKIPPED: the kept binaries are for x86-64"; exit 0; }
count=0
for kept in "$here"/released/*/; do
  plugin=$(ls "$kept"anduin-*.so)
  for batch in 1 64; do
    "$host" replay --plugin "$plugin" --feed "$(cat "$kept/feed")" --batch "$batch" "$kept/recording.jsonl" |
      diff - "$kept/events.jsonl" || { echo "$plugin gives other events on this host"; exit 1; }
  done
  count=$((count + 1))
done
[ "$count" -gt 0 ] || { echo "no released binary is kept"; exit 1; }
echo "$count released binaries give the events that they gave"
