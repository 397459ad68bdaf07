# The image under Docker. To be sourced by image-test.sh, which says what each of these does.

readonly container=genspark2api-image-test-$$
readonly run_options=(--read-only --tmpfs /tmp --network host --security-opt no-new-privileges)

prepare_engine() { :; }
build_image() { docker build --quiet --tag "$image" . >/dev/null; }
remove_image() { docker image rm --force "$image" >/dev/null 2>&1 || true; }

# start_container NAME=VALUE...
start_container() {
  docker run --detach --name "$container" "${run_options[@]}" --volume "$container:/app/data" "${@/#/--env=}" "$image" >/dev/null
}

in_container() { docker exec "$container" "$@"; }
container_log() { docker logs "$container" 2>&1 | tail -n 30; }

# Ends it with SIGTERM and sets exit_code.
stop_container() {
  docker stop --time $((grace_s + 5)) "$container" >/dev/null
  exit_code=$(docker inspect --format '{{.State.ExitCode}}' "$container")
}

stop_quietly() {
  docker rm --force "$container" >/dev/null 2>&1 || true
  docker volume rm "$container" >/dev/null 2>&1 || true
}

# run_once COMMAND NAME=VALUE...
run_once() {
  local command=$1
  shift
  docker run --rm "${run_options[@]}" "${@/#/--env=}" "$image" "$command"
}

print_layers() { docker history --format '{{.Size}}\t{{.CreatedBy}}' "$image" | grep -v '^0B' | cut -c 1-110; }
