#!/usr/bin/env bash
# Runs real programs of others against the service. See --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage='Usage: scripts/clients-test.sh [PROGRAM...]

Installs coding agents from npm into a temporary folder (CLIENTS_FOLDER names one to keep) and runs each against the service,
whose site is the mock: a question, ten steps with a tool, a picture; Codex in both ways of setting it up, with an MCP server and a
compaction. Nothing of the home is read or written. Not part of
the tests: it downloads several hundred MB.

  PROGRAM  claude, codex, opencode, qwen, crush or cline; all when none is named.
  --help   Shows this.
'
if [[ ${1-} == -h || ${1-} == --help ]]; then
  printf '%s' "$usage"
  exit
fi
exec node scripts/clients-test.ts "$@"
