#!/usr/bin/env bash
# Builds src/rendering/capture/i420/i420.wasm, or the file given. The result is committed: rendering needs no compiler.
set -euo pipefail
cd "$(dirname "$0")/.."
"$(scripts/find-node.sh)" node_modules/assemblyscript/bin/asc.js src/rendering/capture/i420/assembly/i420.ts \
  --outFile "${1:-src/rendering/capture/i420/i420.wasm}" --enable simd --runtime stub --importMemory --noAssert -O3 --converge
