#!/usr/bin/env bash
# Checks everything: types, lint and format, tests. The last line is "N passed, N failed". See --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/lib/setup.sh
source scripts/lib/setup.sh

usage='Usage: scripts/test.sh

Installs what is missing (Node, dependencies, Chromium, Xvfb, a Redis server, nginx, curl), then checks types, lint, format and
tests.
The last line counts the tests: "N passed, N failed"; a check that fails counts as one more failure.
The exit status is 0 when nothing failed.
'

for argument in "$@"; do
  case $argument in
    -h | --help)
      printf '%s' "$usage"
      exit
      ;;
    *) die $exit_usage "Unknown option: $argument" 'Try scripts/test.sh --help' ;;
  esac
done

setup all chromium xvfb redis nginx curl
exec node scripts/check.ts
