#!/usr/bin/env bash
# What `npm pack` packs and git does not hold: the compiled code with its types in dist/lib, the workflow code's bundles in
# dist/workflows, the bill of materials. npm runs it before it packs (`prepack`).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
node=$(scripts/find-node.sh)

rm -rf dist/lib
"$node" node_modules/typescript/bin/tsc --project tsconfig.build.json
# What the code reads at run time lies beside it.
find src -type f ! -name '*.ts' ! -path 'src/rendering/capture/i420/assembly/*' -exec cp --parents {} dist/lib \;
scripts/node.sh scripts/build-workflows.ts >/dev/null
npm sbom --sbom-format cyclonedx --sbom-type application --omit dev --package-lock-only >dist/sbom.cdx.json
