#!/usr/bin/env bash
# Compiles sdk/include/anduin/plugin.h as C99, C11 and C++11 to C++20, strictly, and compares sizes across dialects.
set -euo pipefail
include=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat > "$work/use.c" <<'C'
#include "anduin/plugin.h"
int sizes[] = {sizeof(and_in), sizeof(and_rec), sizeof(and_plugin_v1), sizeof(and_host_v1), sizeof(and_rec_price),
               sizeof(and_rec_close_pos), sizeof(and_rec_instrument), sizeof(and_rec_http), sizeof(and_rec_account)};
C
strict="-Wall -Wextra -Wpadded -pedantic -Werror -fsyntax-only -I$include"
count=0
for pair in gcc:g++ clang:clang++; do
  cc=${pair%%:*} cxx=${pair##*:}
  command -v "$cc" >/dev/null || continue
  for std in c99 c11; do
    "$cc" -std=$std $strict "$work/use.c"
    "$cc" -std=$std $strict -fshort-enums "$work/use.c"
    count=$((count + 2))
  done
  command -v "$cxx" >/dev/null || continue
  for std in c++11 c++14 c++17 c++20; do
    "$cxx" -x c++ -std=$std $strict "$work/use.c"
    count=$((count + 1))
  done
done
[ "$count" -ge 8 ] || { echo "only $count dialects were compiled"; exit 1; }
echo "$count dialects compiled"
