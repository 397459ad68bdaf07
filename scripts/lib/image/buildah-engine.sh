# The image under buildah, where there is no Docker: as root, in namespaces of our own. To be sourced by image-test.sh, which says
# what each of these does. The base is a stand-in: Debian by debootstrap, Node and npm by npm.

readonly base=localhost/genspark2api-base:bookworm
export BUILDAH_ISOLATION=chroot STORAGE_DRIVER=vfs
container_pid= working=

prepare_engine() {
  [ "$(id -u)" = 0 ] || die $exit_unavailable 'Without Docker this needs root.'
  command -v buildah >/dev/null || install_packages buildah
  if ! buildah inspect --type image "$base" >/dev/null 2>&1; then
    command -v debootstrap >/dev/null || install_packages debootstrap
    quietly 'Making a stand-in for the base image' make_base ||
      die $exit_unavailable 'The stand-in for node:24-bookworm-slim could not be made.'
  fi
}

make_base() {
  local rootfs=$work/base package version empty
  debootstrap --variant=minbase --include=ca-certificates bookworm "$rootfs" || return
  # As the true one has it.
  chroot "$rootfs" sh -c 'groupadd --gid 1000 node && useradd --uid 1000 --gid node --shell /bin/bash --create-home node'
  cp /etc/apt/sources.list.d/debian.sources "$rootfs/etc/apt/sources.list.d/" 2>/dev/null && rm -f "$rootfs/etc/apt/sources.list"
  for package in "$(node_package)@^$node_major" npm@^11; do
    npm install --prefix "$work/npm" --no-save --no-audit --no-fund "$package" || return
    case $package in
      npm@*) cp -a "$work/npm/node_modules" "$rootfs/usr/local/lib/" ;;
      *) install "$work/npm/node_modules/$(node_package)/bin/node" "$rootfs/usr/local/bin/node" && rm -rf "$work/npm" ;;
    esac
  done
  # Where a proxy with a certificate of its own stands before the registries, this machine knows it.
  cp /etc/ssl/certs/ca-certificates.crt "$rootfs/etc/ssl/certs/ca-certificates.crt"
  printf '#!/bin/sh\nexport NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt\nexec node /usr/local/lib/node_modules/npm/bin/npm-cli.js "$@"\n' >"$rootfs/usr/local/bin/npm"
  chmod +x "$rootfs/usr/local/bin/npm"
  rm -rf "$rootfs"/var/cache/apt/* "$rootfs"/var/lib/apt/lists/* "$rootfs"/usr/share/doc/* "$rootfs"/usr/share/man/*
  empty=$(buildah from scratch) && buildah copy --quiet "$empty" "$rootfs" / >/dev/null &&
    buildah commit --quiet --rm "$empty" "$base" >/dev/null
}

build_image() { buildah bud --quiet --layers --format docker --build-arg BASE="$base" --tag "$image" . >"$work/build.log" 2>&1 || die 1 'The build failed:' "$(tail -n 30 "$work/build.log")"; }
remove_image() { buildah rmi --force "$image" >/dev/null 2>&1 || true; }

image_config() { buildah inspect --type image --format "{{$1}}" "$image"; }

# Prints the words to run, as the image says.
entry_point() { image_config 'range .OCIv1.Config.Entrypoint}}{{.}} {{end'; }

start_container() {
  working=$(buildah from "$image")
  rootfs=$(buildah mount "$working")
  mkdir -p "$work/data"
  chown 1000:1000 "$work/data"
  enter "$@" >"$work/container.log" 2>&1 &
  unshare_pid=$!
  wait_for 10 find_init || die 1 'The container does not start.' "$(container_log)"
}

# enter NAME=VALUE... [-- ARGUMENT...]: the entry point as the first process of its own world, with the file system of the image read-only.
enter() {
  local variables=() arguments=()
  while [ $# -gt 0 ]; do
    if [ "$1" = -- ]; then
      shift
      arguments=("$@")
      break
    fi
    variables+=("$1")
    shift
  done
  # shellcheck disable=SC2046
  exec unshare --mount --pid --ipc --fork --kill-child=SIGKILL bash scripts/lib/image/enter-rootfs.sh "$rootfs" "$work/data" \
    "$(image_config .OCIv1.Config.User)" $(image_config 'range .OCIv1.Config.Env}}{{.}} {{end') "${variables[@]}" -- $(entry_point) "${arguments[@]}"
}

find_init() { container_pid=$(pgrep --parent "$unshare_pid") && grep -q tini "/proc/$container_pid/comm" 2>/dev/null; }

# With the environment of its first process, as Docker has it.
in_container() {
  local variables
  mapfile -d '' variables <"/proc/$container_pid/environ"
  nsenter --target "$container_pid" --mount --pid --ipc --root --wd --setuid 1000 --setgid 1000 -- env -i "${variables[@]}" "$@"
}

container_log() { tail -n 30 "$work/container.log"; }

stop_container() {
  kill -TERM "$container_pid"
  wait "$unshare_pid" || exit_code=$?
  container_pid=
}

stop_quietly() {
  if [ -n "$container_pid" ]; then kill -KILL "$container_pid" 2>/dev/null || true; fi
  if [ -n "$working" ]; then
    buildah umount "$working" >/dev/null 2>&1 || true
    buildah rm "$working" >/dev/null 2>&1 || true
  fi
}

run_once() {
  local command=$1
  shift
  (enter "$@" -- "$command")
}

# Sizes as an unpacked file system has them, and the step that made each.
print_layers() {
  local layers=$work/layers
  mkdir -p "$layers"
  buildah push --quiet "$image" "docker-archive:$layers/image.tar"
  tar -C "$layers" -xf "$layers/image.tar"
  node scripts/lib/image/print-layers.ts "$layers"
}
