#!/usr/bin/env bash
# Prints the path of a Node.js that fits (22.15 or later): the one that setup put into .tools/ because PATH had none, else PATH's.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
own=$root/.tools/node/node_modules/node/bin/node
if [ -x "$own" ]; then echo "$own"; exit 0; fi
if node=$(command -v node) && version=$("$node" --version 2>/dev/null) && [[ $version =~ ^v([0-9]+)\.([0-9]+) ]]; then
  major=${BASH_REMATCH[1]} minor=${BASH_REMATCH[2]}
  if ((major > 22 || (major == 22 && minor >= 15))); then echo "$node"; exit 0; fi
fi
echo "nightreel: needs Node.js 22.15 or later; run 'npm run setup' once, which installs one into .tools/." >&2
exit 3
