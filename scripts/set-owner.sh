#!/usr/bin/env bash
# Puts the owner of the published image into every file that names it. See --help.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage='Usage: scripts/set-owner.sh OWNER

Everything that pulls the image or clones the repository names its owner as deploy/image does: the GitHub user or organisation whose
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
for host in ghcr.io github.com; do
  from=$host/${before#*/}
  git grep -lzF "$from" | xargs -0r sed -i "s#${from//./\\.}#$host/${after#*/}#g"
done
printf 'The image is %s now; commit the change.\n' "$after"
