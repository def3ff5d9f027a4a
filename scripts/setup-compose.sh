#!/usr/bin/env bash
# Puts in place what `npm run test:compose` needs on top of setup-tests.sh: the Temporal server of docker-compose.yml, of the same version,
# with its schema and the tool that applies it, in .tools/temporal-server. Needs Go; takes some minutes the first time.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { echo "setup: $*" >&2; }
stop() { say "$*"; exit 3; }

version=v$(sed -n 's|^ *image: temporalio/server:||p' docker-compose.yml)
target=.tools/temporal-server
if [ "$(cat $target/version 2>/dev/null)" = "$version" ]; then exit 0; fi
go=$(command -v go || { [ -x /usr/local/go/bin/go ] && echo /usr/local/go/bin/go; }) ||
  stop 'go is missing; install it (Debian: `apt-get install golang-go`), then run this again.'

say "builds Temporal's server $version into $target; this takes some minutes."
build=$(mktemp -d "$PWD/.tools/tmp-temporal.XXXXXX")
trap 'rm -rf "$build"' EXIT
module=go.temporal.io/server
GOBIN=$build "$go" install "$module/cmd/server@$version" "$module/cmd/tools/sql@$version" >"$build/log" 2>&1 || {
  tail -n 15 "$build/log" >&2
  stop 'go could not build it (its last words are above); check its proxy settings, then run this again.'
}
mv "$build/server" "$build/temporal-server"
mv "$build/sql" "$build/temporal-sql-tool"
source=$("$go" mod download -json "$module@$version" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
cp -R "$source/schema" "$build/schema"
chmod -R u+w "$build/schema"
echo "$version" >"$build/version"
rm -rf "$target"
mv "$build" "$target"
