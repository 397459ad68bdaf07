#!/usr/bin/env bash
# Puts the owner of the published image into every file that names it. See --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage='Usage: scripts/set-owner.sh OWNER

Everything that pulls the image names it as deploy/image does, with its owner:  the GitHub user or organisation whose
workflow publishes it (.github/workflows/main.yml). This sets the owner in all of these files; run it again for another one.
'

owner=${1:-}
case $owner in
  -h | --help)
    printf '%s' "$usage"
    exit
    ;;
esac
# As GitHub takes names; the registry wants them in lower case.
owner=${owner,,}
if [ $# -ne 1 ] || ! [[ $owner =~ ^[a-z0-9]([a-z0-9-]{0,37}[a-z0-9])?$ ]]; then
  printf '%s' "$usage" >&2
  exit 64
fi

before=$(sed -n 's/^IMAGE=//p' deploy/image)
after=ghcr.io/$owner/genspark2api
# Only files that git knows, and of them those that name the image of before.
git grep -lzF "$before" | xargs -0r sed -i "s#${before//./\\.}#$after#g"
printf 'The image is %s now; commit the change.\n' "$after"
