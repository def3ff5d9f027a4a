#!/usr/bin/env bash
# Prints the path of a Node.js that fits (22.15 or later): the one on PATH, else the one that setup put into .tools/.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
fits() { [ -x "$1" ] && "$1" -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 22 || (a === 22 && b >= 15) ? 0 : 1)'; }
for candidate in "$(command -v node || true)" "$root/.tools/node/node_modules/node/bin/node"; do
  if [ -n "$candidate" ] && fits "$candidate"; then echo "$candidate"; exit 0; fi
done
echo "nightreel: needs Node.js 22.15 or later; run 'npm run setup' once, which installs one into .tools/." >&2
exit 3
