#!/usr/bin/env bash
# Every header compiles alone. headers.sh SOURCE sdk|all
set -uo pipefail
cd "$1" || exit 2
folders=(sdk/include); [ "${2:-sdk}" = all ] && folders+=(host plugins)
bad=0
while IFS= read -r header; do
  # A plugin's own headers are found from their folder.
  out=$(echo "#include \"$header\"" | nice "${CXX:-c++}" -std=c++20 -fsyntax-only -Wall -Wextra -D_GNU_SOURCE -x c++ \
    -I. -Ihost -Isdk/include -I"$(dirname "$header")" - 2>&1) || { bad=$((bad + 1)); echo "$header does not compile alone:"; head -5 <<<"$out"; }
done < <(find "${folders[@]}" -name '*.hpp' -o -name '*.h' | sort)
echo "headers: $bad that do not compile alone"
[ "$bad" -eq 0 ]
