#!/usr/bin/env bash
# Installs what is missing on a bare Debian 12: packages by apt, the test tools (EVM node, Solidity compiler, an
# independent venue client) by npm from the lock file. Does nothing when all is there. Root, or sudo, is needed only
# when a package is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(
  g++ cmake ninja-build pkg-config ccache git ca-certificates
  libboost1.81-dev libssl-dev libyaml-cpp-dev nlohmann-json3-dev libsimdjson-dev rapidjson-dev
  libsecp256k1-dev libcrypto++-dev libspdlog-dev libcli11-dev libsqlite3-dev zlib1g-dev
  catch2 libbenchmark-dev curl abigail-tools clang
)
# The commands decide, not the packages: many machines have another Node.js.
command -v node >/dev/null || packages+=(nodejs)
command -v npm >/dev/null || packages+=(npm)

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  echo "setup: installing ${missing[*]}" >&2
  as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  "${as_root[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi

stamp=tests/node/node_modules/.installed
if [ ! -e "$stamp" ] || [ tests/node/package-lock.json -nt "$stamp" ]; then
  echo "setup: npm packages of the tests" >&2
  (cd tests/node && npm ci --no-audit --no-fund --loglevel=error)
  touch "$stamp"
fi
