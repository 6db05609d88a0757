#!/usr/bin/env bash
# Fuzzes what reads bytes from outside: JSON, decimals, RLP, recordings, manifests, plugin files, WebSocket frames.
# Built with clang outside the normal build. What breaks something is kept, and named, in build-fuzz/<target>/.
#   scripts/fuzz.sh [SECONDS each, 30] [TARGET...]
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-30}
shift || true
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(json decimal rlp recording manifest elf ws_codec)
out=${FUZZ_BUILD:-build-fuzz}

missing=()
for package in clang libclang-rt-14-dev; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  echo "fuzz: installing ${missing[*]}" >&2
  as_root=(); [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  "${as_root[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi

cmake -S tests/fuzz -B "$out" -G Ninja -DCMAKE_CXX_COMPILER=clang++ >/dev/null
cmake --build "$out" --target "${targets[@]/#/fuzz_}"

# Something true to begin with: a fuzzer that must invent a manifest finds nothing in half a minute.
seed() { # target
  local dir=$out/$1/corpus
  mkdir -p "$dir"
  case $1 in
    json) printf '{"topic":"orderbook.1.BTCUSDT","ts":1,"data":{"b":[["1.5","2"]],"a":[],"u":null,"t":true}}' >"$dir/frame" ;;
    decimal) printf '%s' '-123.4500 1e-7' >"$dir/two" ;;
    rlp) printf '\xc8\x83cat\x83dog' >"$dir/list" ;;
    recording) printf '{"ts_ms":1.5,"kind":"http","url":"https://x.example/a","dir":"in","status":200,"base64":"aGk="}' >"$dir/line" ;;
    manifest) local m; for m in plugins/*/manifest.json; do cp "$m" "$dir/$(basename "$(dirname "$m")").json"; done ;;
    elf) local so; for so in build/plugins/anduin-*.so; do if [ -f "$so" ]; then cp "$so" "$dir/"; fi; done ;;
    ws_codec) printf '\x00\x80\x81\x02hi\x89\x00\x01\x01a\x80\x01b\x88\x02\x03\xe8' >"$dir/frames" ;;
  esac
}

failed=0
for target in "${targets[@]}"; do
  seed "$target"
  echo "== $target, $seconds s"
  (cd "$out/$target" && ../fuzz_"$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
    -verbosity=0 corpus 2>log) && grep -E 'stat::(number_of_executed_units|average_exec)' "$out/$target/log" ||
    { failed=1; echo "FAILED: see $out/$target/log and the file it names; again: $out/fuzz_$target FILE"; tail -25 "$out/$target/log"; }
done
exit $failed
