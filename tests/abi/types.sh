#!/usr/bin/env bash
# The tripwire: any change of the ABI's types needs a new baseline in the same commit (types.sh INCLUDE --update).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
include=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$here/surface.c" "$work/"
# Compiled by its bare name, so that no folder of a machine stands in the baseline.
(cd "$work" && gcc -std=c11 -g -O0 -shared -fPIC -fvisibility=hidden -fdebug-prefix-map="$work"=. -I"$include" surface.c -o surface.so)
for name in $(grep -o 'typedef struct and_rec_[a-z_]*' "$include/anduin/plugin.h" | sed 's/.* //'); do
  grep -q "S($name)" "$here/surface.c" || { echo "$name is missing in surface.c"; exit 1; }
done
abidw --no-show-locs --no-corpus-path --no-comp-dir-path "$work/surface.so" --out-file "$work/surface.abi"
if [ "${2:-}" = --update ]; then
  cp "$work/surface.abi" "$here/types.abi"
else
  abidiff --harmless "$here/types.abi" "$work/surface.abi"
fi
