# Part of setup.sh: a Node.js that fits, and the npm packages.
# shellcheck shell=bash disable=SC2154

ensure_node() {
  local machine integrity target got
  if scripts/find-node.sh >/dev/null 2>&1; then return; fi
  command -v npm >/dev/null || stop 'npm is missing; install Node.js 20 or later together with npm, then run this again.'
  case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) machine=linux-x64 integrity=$NODE_SHA512_X64 ;;
    Linux-aarch64) machine=linux-arm64 integrity=$NODE_SHA512_ARM64 ;;
    *) stop "Node.js 24 or later is missing and cannot be fetched for $(uname -s) $(uname -m); install it, then run this again." ;;
  esac
  say "installs Node.js $NODE_VERSION into .tools/node (this machine's is $(node --version 2>/dev/null || echo missing))."
  # `node` itself fetches this package from an install script, which npm may be told not to run; so it is named directly.
  target=$work/node
  mkdir -p "$target"
  quietly npm install --prefix "$target" --global=false --ignore-scripts --no-save --no-package-lock --no-audit --no-fund \
    --include=optional "node@npm:node-$machine@$NODE_VERSION" ||
    stop "npm could not install node-$machine $NODE_VERSION; check its registry and proxy settings, then run this again."
  got=$(sed -n 's/.*"integrity": *"\([^"]*\)".*/\1/p' "$target/node_modules/.package-lock.json")
  [ "$got" = "$integrity" ] || stop "node-$machine $NODE_VERSION is not the file that was pinned (digest $got); nothing was installed."
  [ "$("$target/node_modules/node/bin/node" --version 2>&1)" = "v$NODE_VERSION" ] ||
    stop "Node.js $NODE_VERSION does not start on this system; install Node.js 24 or later yourself, then run this again."
  rm -rf .tools/node
  mv "$target" .tools/node
}

# What node_modules was installed from, and for which machine.
packages_stamp() { echo "$(sha256sum package-lock.json | cut -d ' ' -f 1) $(uname -sm)"; }

ensure_npm_packages() {
  local stamp node
  # An installed package: whoever installed it installed what it needs.
  [ -f package-lock.json ] || return 0
  stamp=$(packages_stamp)
  [ "$(cat node_modules/.nightreel-setup 2>/dev/null)" = "$stamp" ] && return
  node=$(scripts/find-node.sh)
  # Someone's `npm install` may have brought node_modules up to the lock file already.
  if ! "$node" scripts/setup-installed.mjs 2>/dev/null; then
    command -v npm >/dev/null || stop 'npm is missing; install Node.js 20 or later together with npm, then run this again.'
    say 'installs the npm packages of package-lock.json into node_modules.'
    # No package needs its install script: native parts come as packages of their own, and Chromium from the system.
    quietly env PATH="$(dirname "$node"):$PATH" NODE_ENV=development \
      npm ci --ignore-scripts --include=dev --include=optional --no-audit --no-fund --loglevel=error ||
      stop 'npm ci failed (its last words are above); check the network and the npm settings, then run this again.'
  fi
  echo "$stamp" >node_modules/.nightreel-setup
}
