#!/usr/bin/env bash
# The large counts: every test with the label soak, or those whose name matches a regular expression, with ANDUIN_SOAK=1.
# The log, with machine and commit, is kept as docs/evidence/soak-<date>[-<part>].log; what it says counts only for that
# commit. Tests run beside each other on all cores unless they ask to be alone.
#   scripts/soak.sh [BUILD] [NAME-REGEX]
set -uo pipefail
cd "$(dirname "$0")/.."
build=${1:-build}
regex=${2:-}
[ -e "$build/CTestTestfile.cmake" ] || { echo "soak: $build is no build folder; run make build" >&2; exit 2; }
part=$(tr -cs 'A-Za-z0-9\n' '-' <<<"$regex" | sed 's/^-*//; s/-*$//')
mkdir -p docs/evidence
log=docs/evidence/soak-$(date -u +%F)${part:+-$part}.log
commit=$(git -c safe.directory='*' rev-parse --short HEAD 2>/dev/null || echo unknown)
[ -z "$(git -c safe.directory='*' status --porcelain --untracked-files=no 2>/dev/null)" ] || commit="$commit, with changes that are not committed"
ctest=(ctest -L soak -V --no-tests=error -j "$(nproc)")
[ -z "$regex" ] || ctest+=(-R "$regex")
{
  echo "commit:  $commit"
  echo "started: $(date -u +%FT%TZ)"
  echo "machine: $(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2 | xargs), $(nproc) cores"
  echo "command: ANDUIN_SOAK=1 ${ctest[*]}"
} >"$log"
# -V: the counts that a test prints are the evidence.
(cd "$build" && ANDUIN_SOAK=1 "${ctest[@]}") 2>&1 |
  sed -E "s#$(pwd)/##g; s#$(pwd)#.#g; s#$(cd "$build" && pwd)#build#g" | tee -a "$log"
status=${PIPESTATUS[0]}
if grep -q 'SKIPPED' "$log"; then echo "soak: some were skipped" | tee -a "$log"; status=1; fi
echo "ended:   $(date -u +%FT%TZ), status $status" >>"$log"
echo "soak: status $status, log in $log"
exit "$status"
