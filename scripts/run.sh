#!/usr/bin/env bash
# Starts the service, after installing what it needs. See --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/lib/setup.sh
source scripts/lib/setup.sh

usage='Usage: scripts/run.sh [--demo | doctor [--report FILE | --json]]

Installs what is missing (Node, dependencies, Chromium, for BROWSER_HEADED=1 Xvfb) and runs the service in the foreground until Ctrl-C.
Settings come from the environment or from a .env file; .env.example lists them. At least set GS_COOKIE.

  --demo   Needs no account: runs against a built-in mock of the site, whose answers are canned.
           EMULATOR_GONE=agent or EMULATOR_GONE=copilot takes that chat route of the site away.
           EMULATOR_CHALLENGE=1 has the site challenge every client that is not a browser, EMULATOR_CHALLENGE=all browsers too.
  doctor   Looks at the settings, the site, each account, Redis and the making of a token, and says what to do about what is wrong.
           --report FILE also writes it to a file for a bug report, without secrets, names and addresses; - is standard output.
           --json prints one JSON object instead of lines.
  --help   Shows this.
'

entry=(src/start.js)
while [ $# -gt 0 ]; do
  argument=$1
  shift
  case $argument in
    --demo) entry=(src/start.js demo) ;;
    doctor)
      entry=(src/start.js doctor)
      if [ "${1:-}" = --report ] && [ $# -ge 2 ]; then
        entry+=("$1" "$2")
        shift 2
      elif [ "${1:-}" = --json ]; then
        entry+=("$1")
        shift
      fi
      ;;
    -h | --help)
      printf '%s' "$usage"
      exit
      ;;
    *) die $exit_usage "Unknown option: $argument" 'Try scripts/run.sh --help' ;;
  esac
done

packages=()
if [ "$(setting RECAPTCHA_MODE)" != off ] && [ -z "$(setting BROWSER_ENDPOINT)" ]; then packages+=(chromium); fi
case $(setting BROWSER_HEADED) in
  '' | 0 | false | no | off) ;;
  *) if [ -z "${DISPLAY:-}" ] && [ "$(uname)" = Linux ]; then packages+=(xvfb); fi ;;
esac
setup production "${packages[@]+"${packages[@]}"}"
# See ENTRYPOINT in Dockerfile.
exec node --max-semi-space-size=8 "${entry[@]}"
