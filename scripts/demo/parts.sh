# The parts of the demo's world, each started on loopback and ended with it.  Sourced by demo.sh.
# shellcheck shell=bash disable=SC2154  # demo, root, own_* and the colours are demo.sh's and lib.sh's

password=a-password-for-the-demo
admin=admin@example.com
viewer=viewer@example.com
pids=()
declare -A kubeconfig_of=() context_of=()
clusters=()

build_all() {
  "$root/scripts/install-deps.sh" build
  use_ccache
  [[ -n $own_kubeconfig ]] || begin_testbed
  build_preset release
  bin=$root/build/release/bin
  if [[ -z $own_kubeconfig ]]; then
    finish_testbed || die "the test bed could not be built"
    kubectl=$testbed_bin/kubectl
  else
    kubectl=$(command -v kubectl) || die "no kubectl is installed; see https://kubernetes.io/docs/tasks/tools/"
  fi
}

# background NAME COMMAND...: dies with this script, whatever ends it
background() {
  local name=$1
  shift
  setpriv --pdeathsig TERM -- "$@" >"$demo/$name.log" 2>&1 </dev/null &
  pids+=($!)
}

# await SECONDS NAME FILE: until the part NAME, started last, has written FILE
await() {
  local deadline=$((SECONDS + $1))
  until [[ -s $3 ]]; do
    if ((SECONDS > deadline)) || ! kill -0 "${pids[-1]}" 2>/dev/null; then
      tail -n 30 "$demo/$2.log" >&2
      die "$2 did not start"
    fi
    sleep 0.1
  done
}

start_clusters() {
  local name
  clusters=(alpha beta)
  step "Starting two Kubernetes clusters: etcd, kube-apiserver, controllers, scheduler, simulated nodes"
  for name in "${clusters[@]}"; do
    background "$name" "$root/test/testbed/cluster.sh" run "$demo/$name" "$name"
    kubeconfig_of[$name]=$demo/$name/agent.kubeconfig context_of[$name]=$name
  done
  for name in "${clusters[@]}"; do await 120 "$name" "$demo/$name/ready"; done
  done_note "both ready after $SECONDS s"
}

use_own_cluster() {
  local context=${own_context:-$("$kubectl" --kubeconfig "$own_kubeconfig" config current-context)}
  clusters=(mine)
  step "Using your cluster: context $context of $own_kubeconfig"
  own=("$kubectl" --kubeconfig "$own_kubeconfig" --context "$context")
  "${own[@]}" auth can-i impersonate users --all-namespaces >/dev/null ||
    die "the context $context may not impersonate users; mk8s-agent needs that (cluster-admin may)"
  # What the agent's chart does: whom central lets through may act; central decides on what.
  "${own[@]}" create clusterrolebinding mk8s-demo --clusterrole=cluster-admin --group=mk8s:users >&2
  own_binding=1
  kubeconfig_of[mine]=$own_kubeconfig context_of[mine]=$context
}

start_central() {
  step "Starting mk8s-central (SQLite and a CA of its own, in $demo/central)"
  # Made before the first start, an administrator needs no one-time password.
  "$bin/mk8s-central" user create --dev --data-dir "$demo/central" --email "$admin" --role admin \
    --password-stdin <<<"$password" >"$demo/user-create.log" 2>&1
  MK8S_SERVER_HTTP_PORT=0 MK8S_SERVER_GRPC_PORT=0 MK8S_SERVER_DIAGNOSTICS_PORT=0 \
    background central "$bin/mk8s-central" serve --dev --data-dir "$demo/central" --ready-file "$demo/central.json"
  await 30 central "$demo/central.json"
  url=$(ready_value http) grpc=$(ready_value grpc) ca_file=$(ready_value ca_file)
  done_note "serving $url"
}

ready_value() { sed -n "s/.*\"$1\" *: *\"\([^\"]*\)\".*/\1/p" "$demo/central.json"; }

start_agents() {
  local name token
  step "Connecting an mk8s-agent per cluster (they dial out; no cluster opens a port)"
  for name in "${clusters[@]}"; do
    token=$(mk8s clusters add "$name" 2>/dev/null)  # stdout is the token, stderr says what to do with it
    [[ -n $token ]] || die "no token for the agent of $name"
    CENTRAL_URL=$grpc CLUSTER_NAME=$name AGENT_TOKEN=$token MK8S_TLS_CA_FILE=$ca_file MK8S_AGENT_DIAGNOSTICS_PORT=0 \
      MK8S_AGENT_BIND_ADDRESS=127.0.0.1 \
      MK8S_KUBERNETES_KUBECONFIG=${kubeconfig_of[$name]} MK8S_KUBERNETES_CONTEXT=${context_of[$name]} \
      background "agent-$name" "$bin/mk8s-agent" --ready-file "$demo/agent-$name.json"
    await 30 "agent-$name" "$demo/agent-$name.json"
  done
  done_note "connected: ${clusters[*]}"
}

# An administrator, and someone who may only look: each with a home of their own, as if on their own machine.
make_users() {
  export PATH=$bin:$PATH MK8S_KUBECTL=$kubectl MK8S_HOME=$demo/home
  mkdir -p "$demo/work"
  step "Signing in as $admin; a second user, $viewer, may only look"
  mk8s login "$url" --email "$admin" --password-stdin --ca-file "$ca_file" <<<"$password" >&2
  mk8s users create "$viewer" --role viewer --password-stdin <<<"$password" >&2
  MK8S_HOME=$demo/home-viewer mk8s login "$url" --email "$viewer" --password-stdin --ca-file "$ca_file" \
    <<<"$password" >&2
}

clean_up() {
  local status=$? pid
  trap - EXIT INT TERM
  end_testbed
  if [[ -n ${own_binding:-} ]]; then
    step "Removing the demo's namespace and ClusterRoleBinding from your cluster"
    "${own[@]}" delete --ignore-not-found --wait=false namespace/mk8s-demo clusterrolebinding/mk8s-demo >&2
  fi
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done # some may have ended
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done # a status of being ended is no news
  if ((status == 0 || status == 130)); then
    rm -rf "$demo"
  else
    tail -n 15 "$demo"/*.log >&2
    say "logs are kept in $demo"
  fi
  exit "$status"
}
