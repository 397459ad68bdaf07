#!/usr/bin/env bash
# Tries the two commands of the README on a machine that has never seen them. See --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage='Usage: sudo scripts/fresh-machine-test.sh [SUITE [MIRROR]]

Makes a fresh root of Debian by debootstrap (SUITE: bookworm, trixie; or noble of Ubuntu), with npm, no Chromium, and package
lists as old as the suite itself, copies what git knows of this clone into it, and runs there, one after the other,
  scripts/run.sh --demo     until it answers the line that it prints
  scripts/test.sh           whole; its last line is shown
Takes a quarter of an hour and 3 GB in TMPDIR. For a person, not for CI; needs root, debootstrap and the network.

  DEMO_ONLY=1   leaves out the second command
  KEEP=1        leaves the root behind
'
case ${1:-} in
  -h | --help)
    printf '%s' "$usage"
    exit
    ;;
esac
suite=${1:-bookworm}
case $suite in noble | jammy) components=main,universe ;; *) components=main ;; esac
# Without one debootstrap takes that of the distribution.
mirror=${2:-}
if [ "$(id -u)" != 0 ] || ! command -v debootstrap >/dev/null; then
  printf 'This needs root and debootstrap.\n' >&2
  exit 69
fi

root=$(mktemp -d)
inside() { chroot "$root" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb "$@"; }
clean_up() {
  for mount in proc sys dev; do umount -l "$root/$mount" 2>/dev/null || true; done
  if [ -z "${KEEP:-}" ]; then rm -rf --one-file-system "$root"; else printf 'The root is %s\n' "$root"; fi
}
trap clean_up EXIT

printf 'Making a root of %s ...\n' "$suite"
debootstrap --variant=minbase --components="$components" --include=ca-certificates "$suite" "$root" ${mirror:+"$mirror"} >"$root.log" 2>&1 ||
  { tail -n 20 "$root.log"; exit 1; }
for mount in proc sys dev; do mount --rbind "/$mount" "$root/$mount" && mount --make-rslave "$root/$mount"; done
cp /etc/resolv.conf "$root/etc/resolv.conf"
if [ -n "${APT_PROXY:-}" ]; then printf 'Acquire::http::Proxy "%s";\n' "$APT_PROXY" >"$root/etc/apt/apt.conf.d/99proxy"; fi
inside apt-get update >>"$root.log" 2>&1
inside env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends npm >>"$root.log" 2>&1 ||
  { tail -n 20 "$root.log"; exit 1; }
# The lists are those of the suite's release: fixes since are in the security suite, which an update alone brings.
mirror=$(awk '$1 == "deb" { print $2; exit }' "$root/etc/apt/sources.list")
case $suite in
  noble | jammy) printf 'deb %s %s-security main universe\n' "$mirror" "$suite" ;;
  *) printf 'deb %s-security %s-security main\n' "${mirror%/}" "$suite" ;;
esac >>"$root/etc/apt/sources.list"

mkdir "$root/clone"
git ls-files -z | tar --null --files-from=- -cf - | tar -xf - -C "$root/clone"
# Tests look at what git knows.
if inside sh -c 'command -v git' >/dev/null; then inside git -C /clone init -q; fi

printf 'scripts/run.sh --demo ...\n'
inside sh -c 'cd /clone && PORT=7944 exec ./scripts/run.sh --demo' >"$root/demo.log" 2>&1 &
demo=$!
for _ in $(seq 900); do
  if grep -q 'Ctrl-C ends it' "$root/demo.log"; then break; fi
  kill -0 $demo 2>/dev/null || break
  sleep 1
done
answer=$(inside /bin/sh -c 'command -v curl >/dev/null || exec node -e "
  fetch(\"http://127.0.0.1:7944/v1/chat/completions\", { method: \"POST\", headers: { \"content-type\": \"application/json\" },
    body: JSON.stringify({ model: \"gpt-5\", messages: [{ role: \"user\", content: \"Hello\" }] }) })
    .then((response) => response.text()).then(console.log)"
  curl -fsS http://127.0.0.1:7944/v1/chat/completions -H "Content-Type: application/json" \
    -d "{\"model\":\"gpt-5\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]}"' || true)
kill -INT $demo 2>/dev/null || true
wait $demo || true
case $answer in
  *'token accepted'*) printf 'The demo answers: %s\n' "$answer" ;;
  *)
    printf 'The demo does not answer:\n'
    tail -n 40 "$root/demo.log"
    exit 1
    ;;
esac

if [ -n "${DEMO_ONLY:-}" ]; then exit; fi
printf 'scripts/test.sh ...\n'
inside sh -c 'cd /clone && ./scripts/test.sh' >"$root/test.log" 2>&1 || { tail -n 60 "$root/test.log"; exit 1; }
tail -n 1 "$root/test.log"
