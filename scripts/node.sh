#!/usr/bin/env bash
# Runs a program of this repository with the project's Node: `scripts/node.sh scripts/build-workflows.ts`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
node=$(scripts/find-node.sh)
exec "$node" --experimental-strip-types --disable-warning=ExperimentalWarning "$@"
