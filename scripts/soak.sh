#!/usr/bin/env bash
# The large counts: every test with the label soak, with ANDUIN_SOAK=1. The log, with machine and commit, is kept as
# docs/evidence/soak-<date>.log; what it says counts only for that commit.
#   scripts/soak.sh [BUILD]
set -uo pipefail
cd "$(dirname "$0")/.."
build=${1:-build}
[ -e "$build/CTestTestfile.cmake" ] || { echo "soak: $build is no build folder; run make build" >&2; exit 2; }
mkdir -p docs/evidence
log=docs/evidence/soak-$(date -u +%F).log
commit=$(git -c safe.directory='*' rev-parse --short HEAD 2>/dev/null || echo unknown)
[ -z "$(git -c safe.directory='*' status --porcelain --untracked-files=no 2>/dev/null)" ] || commit="$commit, with changes that are not committed"
{
  echo "commit:  $commit"
  echo "started: $(date -u +%FT%TZ)"
  echo "machine: $(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2 | xargs), $(nproc) cores"
  echo "command: ANDUIN_SOAK=1 ctest -L soak -V"
} >"$log"
# -V: the counts that a test prints are the evidence; one at a time, so that the times mean something.
(cd "$build" && ANDUIN_SOAK=1 ctest -L soak -V --no-tests=error) 2>&1 |
  sed -E "s#$(pwd)/##g; s#$(pwd)#.#g; s#$(cd "$build" && pwd)#build#g" | tee -a "$log"
status=${PIPESTATUS[0]}
if grep -q 'SKIPPED' "$log"; then echo "soak: some were skipped" | tee -a "$log"; status=1; fi
echo "ended:   $(date -u +%FT%TZ), status $status" >>"$log"
echo "soak: status $status, log in $log"
exit "$status"
