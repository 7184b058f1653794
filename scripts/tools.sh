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

# unpack PACKAGE PROGRAM…: takes programs out of a package; installing one of
# these would start a server.
unpack() {
  local package=$1 dir
  shift
  have apt-get && have dpkg-deb || return 0
  echo "fetching $*"
  [ "$(id -u)" != 0 ] || apt_update
  dir=$(mktemp -d)
  if (cd "$dir" && chmod 755 . && apt-get download -qq "$package" >/dev/null 2>&1) && dpkg-deb -x "$dir/$package"_*.deb "$dir/x"; then
    mkdir -p "$tools_dir/usr/bin"
    for program in "$@"; do cp "$dir/x/usr/bin/$program" "$tools_dir/usr/bin/$program"; done
    # Alertmanager looks for its templates where its package would put them.
    if [ "$(id -u)" = 0 ] && [ -d "$dir/x/usr/share/prometheus/alertmanager" ]; then
      mkdir -p /usr/share/prometheus/alertmanager
      cp "$dir"/x/usr/share/prometheus/alertmanager/*.tmpl /usr/share/prometheus/alertmanager/
    fi
  fi
  rm -rf "$dir"
}

get_prometheus() {
  have promtool && have prometheus && return 0
  unpack prometheus promtool prometheus
  have promtool && have prometheus && return 0
  echo "missing: prometheus and promtool, which prove alert rules and the query API. Put both into PATH and run make test again." >&2
  return 1
}

get_alertmanager() {
  have alertmanager && [ -f /usr/share/prometheus/alertmanager/default.tmpl ] && return 0
  unpack prometheus-alertmanager prometheus-alertmanager
  [ ! -f "$tools_dir/usr/bin/prometheus-alertmanager" ] || ln -sf prometheus-alertmanager "$tools_dir/usr/bin/alertmanager"
  have alertmanager && [ -f /usr/share/prometheus/alertmanager/default.tmpl ] && return 0
  echo "missing: alertmanager with its templates, which receives the alerts that the tests send. Install it (Debian, Ubuntu: apt-get install prometheus-alertmanager) and run make test again." >&2
  return 1
}

need_tools() {
  local missing=0
  have go || { echo "missing: go. Install Go 1.26 or newer from https://go.dev/dl/." >&2; missing=1; }
  apt_install git git || missing=1
  get_prometheus || missing=1
  get_alertmanager || missing=1
  if [ -f web/package.json ]; then
    if ! have npm || [ "$(node -p 'process.versions.node.split(".")[0]')" -lt 20 ]; then
      echo "missing: Node.js 20 or newer with npm. Install it from https://nodejs.org/." >&2
      missing=1
    fi
    have chromium-browser || have google-chrome || apt_install chromium chromium || missing=1
  fi
  return $missing
}
