# Sourced by the other scripts: finds or installs what the tests need.

tools_dir="${XDG_CACHE_HOME:-$HOME/.cache}/pitwall/tools"
export PATH="$PATH:$tools_dir/usr/bin"

have() { command -v "$1" >/dev/null 2>&1; }

# Package lists are fetched once, and only when something is missing.
apt_update() {
  [ -n "${apt_updated:-}" ] || apt-get update -qq
  apt_updated=yes
}

# apt_install PROGRAM PACKAGE: installs a package as root, or says what to do.
apt_install() {
  have "$1" && return 0
  if [ "$(id -u)" = 0 ] && have apt-get; then
    echo "installing $2 for $1"
    apt_update
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$2" >/dev/null
  fi
  have "$1" && return 0
  echo "missing: $1. Install it (Debian, Ubuntu: apt-get install $2) and run make test again." >&2
  return 1
}

# prometheus and promtool are taken out of their package: installing that would
# start a server.
get_prometheus() {
  have promtool && have prometheus && return 0
  if have apt-get && have dpkg-deb; then
    echo "fetching prometheus and promtool"
    [ "$(id -u)" != 0 ] || apt_update
    local dir
    dir=$(mktemp -d)
    if (cd "$dir" && chmod 755 . && apt-get download -qq prometheus >/dev/null 2>&1) && dpkg-deb -x "$dir"/prometheus_*.deb "$dir/x"; then
      mkdir -p "$tools_dir/usr/bin"
      cp "$dir/x/usr/bin/promtool" "$dir/x/usr/bin/prometheus" "$tools_dir/usr/bin/"
    fi
    rm -rf "$dir"
  fi
  have promtool && have prometheus && return 0
  echo "missing: prometheus and promtool, which prove alert rules and the query API. Put both into PATH and run make test again." >&2
  return 1
}

need_tools() {
  local missing=0
  have go || { echo "missing: go. Install Go 1.26 or newer from https://go.dev/dl/." >&2; missing=1; }
  apt_install git git || missing=1
  get_prometheus || missing=1
  if [ -f web/package.json ]; then
    if ! have npm || [ "$(node -p 'process.versions.node.split(".")[0]')" -lt 20 ]; then
      echo "missing: Node.js 20 or newer with npm. Install it from https://nodejs.org/." >&2
      missing=1
    fi
    have chromium-browser || have google-chrome || apt_install chromium chromium || missing=1
  fi
  return $missing
}
