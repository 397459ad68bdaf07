#!/usr/bin/env bash
# Starts the service, after installing what it needs. See --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/lib/setup.sh
source scripts/lib/setup.sh

usage='Usage: scripts/run.sh [--demo | doctor]

Installs what is missing (Node, dependencies, Chromium) and runs the service in the foreground until Ctrl-C.
Settings come from the environment or from a .env file; .env.example lists them. At least set GS_COOKIE.

  --demo   Needs no account: runs against a built-in mock of the site, whose answers are canned.
           EMULATOR_GONE=agent or EMULATOR_GONE=copilot takes that chat route of the site away.
           EMULATOR_CHALLENGE=1 has the site challenge every client that is not a browser, EMULATOR_CHALLENGE=all browsers too.
  doctor   Looks at the settings, the site, each account, Redis and the making of a token, and says what to do about what is wrong.
  --help   Shows this.
'

entry=(src/start.js)
for argument in "$@"; do
  case $argument in
    --demo) entry=(scripts/demo.ts) ;;
    doctor) entry=(src/start.js doctor) ;;
    -h | --help)
      printf '%s' "$usage"
      exit
      ;;
    *) die $exit_usage "Unknown option: $argument" 'Try scripts/run.sh --help' ;;
  esac
done

if [ "$(setting RECAPTCHA_MODE)" = off ]; then setup; else setup chromium; fi
exec node "${entry[@]}"
