#!/usr/bin/env bash
# Prints the path of a Node.js that fits (24 or later: the sources use `await using`, which 22 does not know): the one that setup
# put into .tools/ because PATH had none, else PATH's.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
own=$root/.tools/node/node_modules/node/bin/node
if [ -x "$own" ]; then echo "$own"; exit 0; fi
if node=$(command -v node) && version=$("$node" --version 2>/dev/null) && [[ $version =~ ^v([0-9]+)\. ]]; then
  if ((BASH_REMATCH[1] >= 24)); then echo "$node"; exit 0; fi
fi
echo "nightreel: needs Node.js 24 or later; run 'nightreel setup' once (in a checkout: npm run setup), which installs one into .tools/." >&2
exit 3
