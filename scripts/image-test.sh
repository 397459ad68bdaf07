#!/usr/bin/env bash
# Builds the image and tries it as an operator would. See --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/lib/setup.sh
source scripts/lib/setup.sh

usage='Usage: scripts/image-test.sh [--keep]

Builds the image and starts it as a user without rights, with a read-only root, against the mock of the site: waits until
it is healthy, streams a chat whose token comes from the Chromium inside, ends it with SIGTERM within the grace and runs
the doctor. Prints the size of each layer and the time to start.

With Docker (or Podman as docker) that builds on the true base image. Without, buildah is used (root, Debian: it is installed
when missing) on a stand-in for the base: Debian by debootstrap, Node by npm.

  --keep   Leaves the image behind.
  --help   Shows this.
'

keep=
for argument in "$@"; do
  case $argument in
    --keep) keep=1 ;;
    -h | --help)
      printf '%s' "$usage"
      exit
      ;;
    *) die $exit_usage "Unknown option: $argument" 'Try scripts/image-test.sh --help' ;;
  esac
done

readonly image=localhost/genspark2api:test grace_s=30
work=$(mktemp -d)
emulator_pid=

if docker info >/dev/null 2>&1; then
  # shellcheck source=scripts/lib/image/docker-engine.sh
  source scripts/lib/image/docker-engine.sh
else
  # shellcheck source=scripts/lib/image/buildah-engine.sh
  source scripts/lib/image/buildah-engine.sh
fi

clean_up() {
  stop_quietly
  if [ -n "$emulator_pid" ]; then kill "$emulator_pid" 2>/dev/null || true; fi
  if [ -z "$keep" ]; then remove_image; fi
  rm -rf "$work"
}
trap clean_up EXIT

# wait_for SECONDS COMMAND...
wait_for() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    if [ $SECONDS -ge $deadline ]; then return 1; fi
    sleep 0.05
  done
}

milliseconds() { date +%s%3N; }

setup production
prepare_engine
say "Building $image ..."
build_image

start_emulator() {
  node test/emulator/main.ts --port 0 --challenge >"$work/emulator.log" 2>&1 &
  emulator_pid=$!
  wait_for 20 grep -q listening "$work/emulator.log"
  emulator=$(sed -n 's/^emulator listening on //p' "$work/emulator.log")
}
start_emulator
port=$(node -e 'const s = require("node:net").createServer().listen(0, () => { console.log(s.address().port); s.close() })')
readonly url=http://127.0.0.1:$port

say 'Starting it with a read-only root ...'
begun=$(milliseconds)
start_container PORT="$port" GENSPARK_BASE_URL="$emulator" GS_COOKIE=session_id=demo API_SECRET=sk-image SHUTDOWN_GRACE_S=$grace_s
answers() { curl -fsS -o /dev/null "$url/livez" 2>/dev/null; }
wait_for 30 answers || die 1 'It does not answer.' "$(container_log)"
live_ms=$(($(milliseconds) - begun))
ready() { curl -fsS -o /dev/null "$url/readyz" 2>/dev/null; }
wait_for 30 ready || die 1 'It does not get ready.' "$(container_log)"
ready_ms=$(($(milliseconds) - begun))

in_container node src/start.js healthcheck || die 1 'The health check of the image fails.'
[ "$(in_container id -u)" != 0 ] || die 1 'It runs as root.'
if in_container sh -c 'touch /app/written 2>/dev/null'; then die 1 'Its root can be written to.'; fi
if in_container sh -c 'command -v npm' >/dev/null; then die 1 'npm is in the image.'; fi

answer=$(curl -fsSN "$url/v1/chat/completions" -H 'Authorization: Bearer sk-image' -H 'Content-Type: application/json' \
  -d '{"model":"gpt-5","stream":true,"messages":[{"role":"user","content":"Hello from the image"}]}')
text=$(sed -n 's/.*"content":"\([^"]*\)".*/\1/p' <<<"$answer" | tr -d '\n')
case "$text ${answer##*data: }" in
  *'token accepted'*'[DONE]'*) ;;
  *) die 1 'The chat did not come whole, or without a token of its Chromium:' "$answer" "$(container_log)" ;;
esac
chat_ms=$(($(milliseconds) - begun))

begun_end=$(milliseconds)
exit_code=0
stop_container
end_ms=$(($(milliseconds) - begun_end))
[ "$exit_code" = 0 ] || die 1 "It ended with $exit_code after SIGTERM." "$(container_log)"
[ $end_ms -lt $((grace_s * 1000)) ] || die 1 "It took $end_ms ms to end."

say 'Asking its doctor ...'
run_once doctor GENSPARK_BASE_URL="$emulator" GS_COOKIE=session_id=demo API_SECRET=sk-image || die 1 'The doctor finds fault.'

printf '\nSize by layer:\n'
print_layers
printf '\nanswers %s ms after its start, ready after %s ms, first chat whole after %s ms; ended %s ms after SIGTERM\n' \
  "$live_ms" "$ready_ms" "$chat_ms" "$end_ms"
echo 'The image works.'
