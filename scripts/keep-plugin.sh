#!/usr/bin/env bash
# Keeps a released plugin binary as a test of later hosts: scripts/keep-plugin.sh PLUGIN.so RECORDING FEED
# The binary (stripped), its recording and what today's host makes of it go under tests/abi/released/<id>-<version>/.
# A later host must load the same bytes and print the same lines.
set -euo pipefail
cd "$(dirname "$0")/.."
plugin=${1:?plugin file} recording=${2:?recording of our own} feed=${3:-prices}
host=${ANDUIN:-build/bin/anduin}
described=$("$host" plugin inspect "$plugin" --json)
name=$(node -e 'const p = JSON.parse(process.argv[1]); console.log(`${p.id ?? p.manifest.id}-${p.version ?? p.manifest.version}`)' "$described")
into=tests/abi/released/$name
[ ! -e "$into" ] || { echo "$into is there already: a released binary never changes"; exit 1; }
mkdir -p "$into"
strip --strip-unneeded -o "$into/anduin-${name%-*}.so" "$plugin"
cp "$recording" "$into/recording.jsonl"
echo "$feed" > "$into/feed"
"$host" replay --plugin "$into/anduin-${name%-*}.so" --feed "$feed" "$into/recording.jsonl" > "$into/events.jsonl"
echo "kept $into: $(wc -l < "$into/events.jsonl") event lines"
