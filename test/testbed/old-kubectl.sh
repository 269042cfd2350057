#!/usr/bin/env bash
# Fetches Debian 12's kubectl (1.20, the oldest that mk8s is held to), without installing it: once, outside the tree.
# usage: old-kubectl.sh [--print]     prints its path; --print fetches nothing
set -euo pipefail

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"

kubectl=$cache_dir/kubectl-1.20/kubectl.1.20
if [[ ${1:-} != --print && ! -x $kubectl ]]; then
  new=$(mktemp -d)
  trap 'rm -rf "$new"' EXIT
  step "Fetching kubectl 1.20 (Debian's kubernetes-client, 8 MB)"
  (cd "$new" && apt-get download -q kubernetes-client >&2 && dpkg-deb -x kubernetes-client_1.*.deb .)
  version=$("$new/usr/bin/kubectl" version --client --short 2>/dev/null)
  [[ $version == *v1.20.* ]] || die "Debian's kubernetes-client is not 1.20 any more: $version"
  mkdir -p "${kubectl%/*}"
  mv "$new/usr/bin/kubectl" "$kubectl"
fi
echo "$kubectl"
