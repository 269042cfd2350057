#!/usr/bin/env bash
# Installs what mk8s needs from Debian 12's own packages, and nothing when all is there (which takes no second).
# usage: install-deps.sh [GROUP...]     groups: build, test, clients, kubelet, bench; without any, build and test
# Changes nothing outside apt.  As a user it asks sudo, only when something is missing.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib.sh
. "$here/lib.sh"

build=(
  g++ cmake ninja-build make ccache mold pkg-config git curl ca-certificates openssl
  libboost1.81-dev libboost-json1.81-dev libboost-url1.81-dev
  libnghttp2-dev libssl-dev libprotobuf-dev protobuf-compiler libsqlite3-dev libpq-dev
  libyaml-cpp-dev libcli11-dev libspdlog-dev libfmt-dev libcrypt-dev
  python3 python3-venv # the test bed's Go comes from PyPI when the machine has none
)
test=(
  libgtest-dev libgmock-dev clang-14 libclang-rt-14-dev clang-format-14 postgresql-15
  python3 python3-pytest python3-yaml python3-grpcio python3-protobuf python3-websocket protobuf-compiler-grpc python3-hpack
)
clients=() # what runs clients in other languages; a machine's own, from wherever, will do
command -v npm >/dev/null || clients+=(nodejs npm)
command -v mvn >/dev/null || clients+=(maven default-jdk-headless)
kubelet=(containerd runc containernetworking-plugins busybox-static iproute2 procps) # for one real node
bench=(libbenchmark-dev wrk nghttp2-client nginx-light haproxy curl)

(($#)) || set -- build test
wanted=()
for group in "$@"; do
  case $group in
    build) wanted+=("${build[@]}") ;;
    test) wanted+=("${test[@]}") ;;
    kubelet) wanted+=("${kubelet[@]}") ;;
    clients) wanted+=("${clients[@]}") ;;
    bench) wanted+=("${bench[@]}") ;;
    *) die "no group \"$group\": build, test, clients, kubelet or bench" ;;
  esac
done

# dpkg-query fails when it knows nothing at all of a package, which is an answer here.
installed=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' "${wanted[@]}" 2>/dev/null || true)
missing=()
for package in $(printf '%s\n' "${wanted[@]}" | sort -u); do
  grep -qx "ii  $package" <<<"$installed" || missing+=("$package")
done
((${#missing[@]})) || exit 0

if ((EUID == 0)); then
  as_root=(env)
elif command -v sudo >/dev/null; then
  as_root=(sudo env)
else
  die "root (or sudo) is needed to install: ${missing[*]}"
fi
# RUNLEVEL=1: PostgreSQL's and nginx's packages then start no server; the tests start their own.
as_root+=(DEBIAN_FRONTEND=noninteractive RUNLEVEL=1)

installed_of() {
  echo "$(grep -c '^Get:' "$1") files fetched, $(grep -c '^Unpacking ' "$1") packages unpacked," \
    "$(grep -c '^Setting up ' "$1") set up"
}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
step "Installing ${#missing[@]} Debian packages: ${missing[*]}"
with_progress "$log" installed_of "${as_root[@]}" apt-get update
with_progress "$log" installed_of "${as_root[@]}" apt-get install -y --no-install-recommends "${missing[@]}"
