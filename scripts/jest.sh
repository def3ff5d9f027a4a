#!/usr/bin/env bash
# Runs Jest with the project's Node in ES module mode; arguments go to Jest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
node=$(scripts/find-node.sh)
exec "$node" --experimental-vm-modules --disable-warning=ExperimentalWarning node_modules/jest/bin/jest.js "$@"
