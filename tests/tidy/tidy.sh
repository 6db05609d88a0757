#!/usr/bin/env bash
# The rules that a reviewer should not have to repeat, over the files that git knows. Prints file:line: what is wrong;
# exit 1 when something is. Exceptions stand in long_files.txt, each with its reason.
#   tidy.sh SOURCE        checks the tree
#   tidy.sh --self-test   checks that each rule catches what it is for
set -uo pipefail
shopt -s lastpipe  # so that a loop at the end of a pipe counts in this shell
here=$(cd "$(dirname "$0")" && pwd)
kLineWarn=130 kLineMax=160 kFileMax=450 kTestFileMax=600
failures=0

say() { echo "$1"; failures=$((failures + 1)); }
# grep over files, comments cut off; prints file:line:text
code_grep() { # regex file...
  local regex=$1; shift
  [ $# -eq 0 ] || awk -v r="$regex" '{t=$0; sub(/\/\/.*/, "", t); if (t ~ r) print FILENAME ":" FNR ": " $0}' "$@"
}
each() { while IFS= read -r line; do [ -z "$line" ] || say "$1: $line"; done; }
files() { grep -E "$1" <<<"$all" | while IFS= read -r f; do [ ! -f "$f" ] || echo "$f"; done; }

check_words() {
  local list; mapfile -t list < <(files '^(host|sdk|plugins|bench|scripts|tests)/.*\.(c|h|cpp|hpp|sh|mjs|sol|txt|cmake)$|^docs/|^README')
  grep -nE '\b(TO''DO|FIX''ME|X''XX|HA''CK)\b' "${list[@]}" /dev/null | each 'banned word'
  grep -nE '(^|[^A-Za-z0-9_.])/(h''ome|ro''ot|Us''ers|wo''rk)/[A-Za-z0-9]' "${list[@]}" /dev/null | each 'a path of one machine'
}

check_lines() {
  local list; mapfile -t list < <(files '^(host|sdk|plugins|bench|tests)/.*\.(c|h|cpp|hpp)$')
  [ ${#list[@]} -eq 0 ] && return
  awk -v warn=$kLineWarn -v max=$kLineMax '
    length($0) > max && FILENAME !~ /^(tests|bench)/ { print FILENAME ":" FNR ": " length($0) " columns" }
    length($0) > warn { long++ }
    END { if (long) print "tidy: " long " lines over " warn " columns (reported only)" > "/dev/stderr" }' "${list[@]}" | each "line over $kLineMax columns"
  local f n max
  for f in "${list[@]}"; do
    n=$(wc -l <"$f")
    max=$kFileMax; if [[ $f == tests/* ]]; then max=$kTestFileMax; fi
    if [ "$n" -gt $max ]; then
      grep -qE "^$f  *[^ ]" "$here/long_files.txt" || say "$f: $n lines, over $max: split it, or give a reason in tests/tidy/long_files.txt"
    elif grep -qE "^$f " "$here/long_files.txt"; then
      say "$f: $n lines: it needs its exception in tests/tidy/long_files.txt no more"
    fi
  done
}

check_calls() {
  local list
  # Time, chance and threads come through interfaces, or a replay and the simulation would not be exact.
  mapfile -t list < <(files '^host/.*\.(cpp|hpp)$' | grep -vE '^host/(base|net|cli)/|^host/(settle/(submitter_thread|ledger_writer)|pipeline/live_vault|chain/rpc_endpoint)\.')
  code_grep 'std::chrono::(system_clock|steady_clock|high_resolution_clock)|std::(rand|srand|thread|jthread|async|random_device)[^a-z_]|[^a-z_](time|clock_gettime|gettimeofday)[(]' "${list[@]}" | each 'clock, chance or thread outside the interfaces'
  mapfile -t list < <(files '^plugins/.*\.(cpp|hpp)$')
  code_grep '#include <(thread|chrono|random|fstream|iostream|mutex|atomic|filesystem|sys/.*|unistd.h)>|std::(rand|thread|getenv|cout|cerr)[^a-z_]|[^a-z_]printf[(]' "${list[@]}" | each 'a plugin is a pure function'
  # Money knows no binary floating point; deleted overloads say so to the compiler.
  mapfile -t list < <(files '^host/(settle|chain)/.*\.(cpp|hpp)$|^plugins/.*\.(cpp|hpp)$')
  code_grep '(^|[^A-Za-z0-9_])(double|float|stod|strtod)([^A-Za-z0-9_]|$)' "${list[@]}" | grep -v '= delete;' | each 'binary floating point near money'
  mapfile -t list < <(files '^(host|plugins)/.*\.(cpp|hpp)$' | grep -v '^host/net/')
  code_grep 'boost/(beast|asio)' "${list[@]}" | each 'only host/net names Asio and Beast'
}

# Dependencies point downward: room -> rooms it may include.
allowed() {
  case $1 in
    base) echo 'base' ;;
    net | plugin | market) echo "base|$1" ;;
    chain) echo 'base|net|chain' ;;
    venue) echo 'base|net|plugin|market|venue' ;;  # market: replay names symbols
    settle) echo 'base|chain|settle' ;;
    ops) echo 'base|net|chain|settle|market|venue|ops' ;;
    pipeline) echo 'base|net|plugin|chain|venue|market|settle|ops|pipeline' ;;
    cli) echo '[a-z]+' ;;
    *) echo '[a-z]+' ;;
  esac
}
check_rooms() {
  local room list
  for room in base net plugin chain venue market settle ops pipeline; do
    mapfile -t list < <(files "^host/$room/.*\.(cpp|hpp)$")
    [ ${#list[@]} -eq 0 ] && continue
    grep -nE '#include "(base|net|plugin|chain|venue|market|settle|pipeline|ops|cli)/' "${list[@]}" /dev/null |
      grep -vE "#include \"($(allowed "$room"))/" | each "host/$room may not know that room"
  done
}

check_files() {
  local f dir
  for f in $(files '^(host|plugins|bench|tests)/.*\.cpp$' | grep -vE '^tests/(fuzz|.*/compile_fail)/'); do
    dir=$(dirname "$f")
    while [ "$dir" != . ]; do
      if [ -f "$dir/CMakeLists.txt" ] && grep -qE "$(basename "$f" .cpp)|GLOB" "$dir/CMakeLists.txt"; then continue 2; fi
      dir=$(dirname "$dir")
    done
    say "$f: no CMakeLists.txt names it: a dead file"
  done
  for f in $(files '^(host|sdk|plugins)/.*\.hpp$'); do
    [[ $(head -c 2 "$f") == // ]] || say "$f:1: a header begins with what it is, its thread and its lifetime"
    grep -q '^#pragma once' "$f" || say "$f: no #pragma once"
  done
}

# CTest cuts a name at a semicolon and the program takes a leading dash for an option: such a case would not run.
check_test_names() {
  local list; mapfile -t list < <(files '^tests/.*\.cpp$')
  [ ${#list[@]} -eq 0 ] && return
  # A long name begins on the line below.
  awk '/TEST_CASE\(/ { name = $0; at = FNR; if (name ~ /TEST_CASE\($/) { getline; name = name $0 }
       if (name ~ /TEST_CASE\( *"(-|[^"]*;)/) print FILENAME ":" at ": " name }' "${list[@]}" |
    each 'a test name with a semicolon or a leading dash'
}

check_all() { check_words; check_lines; check_calls; check_rooms; check_files; check_test_names; }

if [ "${1:-}" = --self-test ]; then
  dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
  mkdir -p host/settle host/market plugins/x docs tests
  echo 'TEST_CASE("one; two") {' >tests/bad_test.cpp
  { echo '#include "venue/runner.hpp"'; echo 'double amount;'; echo 'auto t = std::chrono::system_clock::now();'
    echo "// TO""DO"; printf '%0200d\n' 0; for i in $(seq 500); do echo ';'; done; } >host/settle/bad.cpp
  echo '#include <boost/beast.hpp>' >host/market/bad.hpp
  echo '#include <thread>' >plugins/x/bad.cpp
  echo "see /ho""me/somebody" >docs/bad.md
  all=$(find . -type f | sed 's#^\./##')
  got=$(check_all 2>/dev/null)
  for want in 'banned word' 'a path of one machine' 'line over' 'lines, over' 'clock, chance or thread' 'pure function' \
              'floating point' 'only host/net' 'may not know' 'dead file' 'a header begins' 'no #pragma once' \
              'a test name with'; do
    grep -qF -- "$want" <<<"$got" || { echo "not caught: $want"; exit 1; }
  done
  echo "every rule catches what it is for"
  exit 0
fi

cd "${1:?usage: tidy.sh SOURCE}" || exit 2
all=$(git -c safe.directory='*' ls-files 2>/dev/null)
[ -n "$all" ] || { echo "SKIPPED: not a git work tree"; exit 0; }
check_all
echo "tidy: $(wc -l <<<"$all") files, $failures problems"
[ "$failures" -eq 0 ]
