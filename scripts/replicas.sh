#!/usr/bin/env bash
# Starts several replicas that behave as one service. See --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/lib/setup.sh
source scripts/lib/setup.sh

usage='Usage: scripts/replicas.sh N [--demo]

Installs what is missing (Node, dependencies, Chromium, a Redis server, nginx) and runs N replicas of the service on this machine
until Ctrl-C: one Redis that they share and nginx in front, which listens on PORT (7044). For trying it out and for tests: what
they keep goes with them. Settings come from the environment or from a .env file, as for scripts/run.sh.

  N        How many replicas, from 1 to 100.
  --demo   Needs no account: runs against a built-in mock of the site, whose answers are canned.
  --help   Shows this.
'

count='' demo=()
for argument in "$@"; do
  case $argument in
    --demo) demo=(--demo) ;;
    -h | --help)
      printf '%s' "$usage"
      exit
      ;;
    [1-9] | [1-9][0-9] | 100)
      [ -z "$count" ] || die $exit_usage 'One number, please.' 'Try scripts/replicas.sh --help'
      count=$argument
      ;;
    *) die $exit_usage "Unknown option: $argument" 'Try scripts/replicas.sh --help' ;;
  esac
done
[ -n "$count" ] || die $exit_usage 'How many replicas?' 'Try scripts/replicas.sh --help'

if [ "$(setting RECAPTCHA_MODE)" = off ]; then setup production redis nginx; else setup production chromium redis nginx; fi
exec node scripts/replicas.ts "$count" "${demo[@]}"
