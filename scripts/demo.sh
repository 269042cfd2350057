#!/usr/bin/env bash
# A tour of mk8s on two real Kubernetes clusters: builds what is missing, starts everything on loopback, shows the
# main job command by command, and stays up for your own tries.  Nothing outlives it; the first run takes about
# twenty minutes (it builds Kubernetes from source), every later one seconds.
# usage: demo.sh [--once] [--kubeconfig FILE [--context C]]
#   --once             end after the tour
#   --kubeconfig FILE  use a cluster of yours (where you are cluster-admin) and build no Kubernetes.  The demo makes
#                      the namespace mk8s-demo and the ClusterRoleBinding mk8s-demo there, and removes both.
set -euo pipefail

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=scripts/demo/parts.sh
. "$root/scripts/demo/parts.sh"
# shellcheck source=scripts/demo/tour.sh
. "$root/scripts/demo/tour.sh"

once='' own_kubeconfig='' own_context=''
while (($#)); do
  case $1 in
    --once) once=1 ;;
    --kubeconfig) own_kubeconfig=$(realpath -e "${2:?a file}") && shift ;;
    --context) own_context=${2:?a context} && shift ;;
    *) die "unknown argument $1; usage: demo.sh [--once] [--kubeconfig FILE [--context C]]" ;;
  esac
  shift
done
[[ -z $own_context || -n $own_kubeconfig ]] || die "--context goes with --kubeconfig"

demo=$(mktemp -d "${TMPDIR:-/tmp}/mk8s-demo.XXXXXX")
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

build_all
if [[ -n $own_kubeconfig ]]; then use_own_cluster; else start_clusters; fi
start_central
make_users
start_agents
tour
how_to_go_on
if [[ -z $once ]]; then
  say "Everything stays up until Ctrl-C."
  wait -n "${pids[@]}" || true # whichever it was, its log says why
  die "something ended by itself; see the logs in $demo"
fi
