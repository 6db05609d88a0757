#!/usr/bin/env bash
# Runs every benchmark of a build folder, each beside its floor. Quote the figures with the machine named here.
set -euo pipefail
build=${1:-build}
echo "machine: $(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2 | xargs), $(nproc) cores; commit $(git rev-parse --short HEAD)"
echo "== (a) frame to published aggregate, ns"
"$build/bin/decode_bench" --benchmark_repetitions=5 --benchmark_report_aggregates_only=true 2>/dev/null | grep -E 'median|Benchmark'
echo "== (b) loopback TLS"
"$build/bin/wire_bench"
echo "== webhook: the venues' p99 beside garbage at the door"
[ ! -x "$build/bin/webhook_load_test" ] || "$build/bin/webhook_load_test" 2>&1 | grep 'p99'
echo "== (c) settlement path"
(cd "$build" && bin/settle_bench)
