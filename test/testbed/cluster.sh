#!/usr/bin/env bash
# One real Kubernetes control plane on loopback: etcd, kube-apiserver, kube-controller-manager, kube-scheduler,
# KWOK (which plays the nodes and the life of pods) and testnode (which plays the containers: exec, attach, logs,
# port-forward).  Everything of a cluster lies in DIR, among it kubeconfig (administrator), agent.kubeconfig (what
# an mk8s-agent may do), audit.log (the cluster's own) and NAME.log of each process.
#
# With MK8S_TESTBED_NODES=none it has neither KWOK nor testnode nor nodes: kubelet.sh then adds a real one.
#
# usage: cluster.sh run DIR NAME    in the foreground until SIGTERM; DIR/ready appears when the cluster is ready
#        cluster.sh up DIR NAME     the same in the background; returns when it is ready
#        cluster.sh down DIR        ends it
#
# `run` is every process's parent: they die with it, even when it is killed.  Run it under
# `setpriv --pdeathsig TERM` and the cluster dies with the test that started it, too.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib.sh
. "$here/../../scripts/lib.sh"
# shellcheck source=test/testbed/processes.sh
. "$here/processes.sh"

readonly ready_seconds_max=120 # a busy machine needs 20
readonly stop_tenths_max=50
nodes=(node-1 node-2)
[[ ${MK8S_TESTBED_NODES:-} != none ]] || nodes=()

# Ports below the kernel's range for outgoing connections, so that nothing takes one in between.  The lock is
# inherited by every process of the cluster and so lasts as long as one of them does.
take_ports() {
  local base port
  for _ in {1..200}; do
    base=$((20000 + RANDOM % 1200 * 10))
    exec 8>"${TMPDIR:-/tmp}/mk8s-testbed-ports-$base-$UID"
    flock -n 8 || continue
    for port in $(seq "$base" $((base + 6))); do
      if (exec 7<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then continue 2; fi
    done
    etcd=$base peer=$((base + 1)) api=$((base + 2)) node=$((base + 3)) kwok=$((base + 4)) kcm=$((base + 5)) sched=$((base + 6))
    return
  done
  die "no ten free ports in a row between 20000 and 32000"
}

issue() { # NAME SUBJECT SUBJECT_ALT_NAME: a certificate by the cluster's CA; EC, for it takes no time
  openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"
  openssl req -new -key "$1.key" -subj "$2" -out "$1.csr"
  openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 365 -out "$1.crt" \
    -extfile <(printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth,clientAuth\n' "$3") 2>>openssl.log
}

make_certificates() {
  openssl ecparam -name prime256v1 -genkey -noout -out ca.key
  openssl req -x509 -new -key ca.key -out ca.crt -days 3650 -subj "/CN=$name-ca"
  issue server /CN=kube-apiserver IP:127.0.0.1,DNS:localhost,DNS:kubernetes,IP:10.0.0.1
  issue admin /O=system:masters/CN=admin DNS:admin
  issue agent /CN=mk8s-agent DNS:mk8s-agent
  issue proxy /CN=front-proxy DNS:front-proxy
  openssl ecparam -name prime256v1 -genkey -noout -out sa.key
  openssl ec -in sa.key -pubout -out sa.pub 2>>openssl.log
}

write_kubeconfig() { # FILE USER
  cat >"$1" <<K
apiVersion: v1
kind: Config
clusters:
- name: $name
  cluster: {server: "https://127.0.0.1:$api", certificate-authority-data: $(base64 -w0 ca.crt)}
users:
- name: $2
  user: {client-certificate-data: $(base64 -w0 "$2.crt"), client-key-data: $(base64 -w0 "$2.key")}
contexts:
- name: $name
  context: {cluster: $name, user: $2}
current-context: $name
K
}

start_api() {
  cat >audit-policy.yaml <<'K'
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules: [{level: Metadata}]
K
  start etcd KILL "$bin/etcd" --data-dir etcd --unsafe-no-fsync --log-level warn \
    --listen-client-urls "http://127.0.0.1:$etcd" --advertise-client-urls "http://127.0.0.1:$etcd" \
    --listen-peer-urls "http://127.0.0.1:$peer" --initial-advertise-peer-urls "http://127.0.0.1:$peer" \
    --initial-cluster "default=http://127.0.0.1:$peer"
  # The ServiceAccount admission plugin is off: a pod could else not be made before its namespace's account is.
  # Both CAs are one, so --requestheader-allowed-names must tell the front proxy's certificate from the others.
  start kube-apiserver KILL "$bin/kube-apiserver" --etcd-servers="http://127.0.0.1:$etcd" \
    --secure-port="$api" --bind-address=127.0.0.1 --advertise-address=127.0.0.1 \
    --tls-cert-file=server.crt --tls-private-key-file=server.key --client-ca-file=ca.crt \
    --service-account-key-file=sa.pub --service-account-signing-key-file=sa.key \
    --service-account-issuer=https://kubernetes.default.svc --service-cluster-ip-range=10.0.0.0/24 \
    --authorization-mode=Node,RBAC --disable-admission-plugins=ServiceAccount --allow-privileged \
    --kubelet-certificate-authority=ca.crt --kubelet-client-certificate=admin.crt --kubelet-client-key=admin.key \
    --kubelet-preferred-address-types=InternalIP \
    --requestheader-client-ca-file=ca.crt --requestheader-allowed-names=front-proxy \
    --requestheader-username-headers=X-Remote-User --requestheader-group-headers=X-Remote-Group \
    --requestheader-extra-headers-prefix=X-Remote-Extra- \
    --proxy-client-cert-file=proxy.crt --proxy-client-key-file=proxy.key --endpoint-reconciler-type=none \
    --audit-policy-file=audit-policy.yaml --audit-log-path="$PWD/audit.log"
}

start_rest() {
  local common=(--kubeconfig kubeconfig --authentication-kubeconfig kubeconfig --authorization-kubeconfig kubeconfig
    --bind-address 127.0.0.1 --leader-elect=false)
  start kube-scheduler KILL "$bin/kube-scheduler" "${common[@]}" --secure-port "$sched"
  start kube-controller-manager KILL "$bin/kube-controller-manager" "${common[@]}" --secure-port "$kcm" \
    --use-service-account-credentials=false --service-account-private-key-file sa.key --root-ca-file ca.crt
  ((${#nodes[@]})) || return 0
  # Without --server-address KWOK would listen on every address.
  start kwok KILL "$bin/kwok" --kubeconfig kubeconfig --config "$bin/kwok-stages.yaml" --manage-all-nodes=true \
    --server-address "127.0.0.1:$kwok" --node-ip 127.0.0.1 --node-port "$node" --node-lease-duration-seconds 40 \
    --tls-cert-file server.crt --tls-private-key-file server.key --cidr 10.99.0.0/16
  start testnode TERM "$bin/testnode" -listen "127.0.0.1:$node" -api "https://127.0.0.1:$api" -pki .
}

seed() { # the nodes, and what an mk8s-agent's installation puts into a cluster
  local node
  for node in "${nodes[@]}"; do
    printf -- '---\napiVersion: v1\nkind: Node\nmetadata:\n  name: %s\n  labels: {kubernetes.io/hostname: %s}\n' \
      "$node" "$node"
  done
  cat "$here/agent-rbac.yaml"
}

node_usable() { # ready, and the node-lifecycle controller has taken the not-ready taint away
  [[ $("$bin/kubectl" --kubeconfig kubeconfig get nodes \
    -o jsonpath='{range .items[*]}{.status.conditions[?(@.type=="Ready")].status}{.spec.taints[*].key}{","}{end}') == \
    "$(printf 'True,%.0s' "${nodes[@]}")" ]]
}

end_processes() {
  trap - EXIT TERM INT
  local pid
  rm -f ready
  end_process testnode "$stop_tenths_max" # it ends the containers' processes; nothing else here has state worth an orderly end
  for pid in *.pid; do
    if [[ -f $pid ]]; then kill -KILL "$(<"$pid")" 2>/dev/null || true; fi # it may have ended
    rm -f "$pid"
  done
}

run() {
  bin=$("$here/build.sh" --print)
  [[ -d $bin ]] || die "the test bed is not built yet: run test/testbed/build.sh"
  mkdir -p "$dir"
  cd "$dir"
  rm -rf etcd ready ./*.pid
  ulimit -n 16384
  take_ports
  make_certificates
  write_kubeconfig kubeconfig admin
  write_kubeconfig agent.kubeconfig agent
  trap end_processes EXIT
  trap 'exit 0' TERM INT
  start_api
  until_true "/readyz" curl -sf --cacert ca.crt --cert admin.crt --key admin.key "https://127.0.0.1:$api/readyz"
  start_rest
  until_true "namespace default" "$bin/kubectl" --kubeconfig kubeconfig get namespace default
  seed | "$bin/kubectl" --kubeconfig kubeconfig apply -f - >seed.log
  ((${#nodes[@]} == 0)) || until_true "ready nodes" node_usable
  echo "https://127.0.0.1:$api" >.ready
  mv .ready ready
  wait -n || true # whichever ended, its log says why
  all_run
}

up() {
  mkdir -p "$dir"
  rm -f "$dir/ready"
  setsid "${BASH_SOURCE[0]}" run "$dir" "$name" >"$dir/cluster.log" 2>&1 </dev/null &
  echo $! >"$dir/cluster.supervisor"
  until [[ -f $dir/ready ]]; do
    kill -0 "$(<"$dir/cluster.supervisor")" 2>/dev/null || die "cluster $name did not start: $(cat "$dir/cluster.log")"
    sleep 0.1
  done
  echo "export KUBECONFIG=$dir/kubeconfig"
}

down() {
  local supervisor
  [[ -f $dir/cluster.supervisor ]] || die "no cluster was started in $dir"
  supervisor=$(<"$dir/cluster.supervisor")
  kill -TERM "$supervisor" 2>/dev/null || say "the cluster in $dir had ended already"
  for _ in $(seq $((2 * stop_tenths_max))); do
    if ! kill -0 "$supervisor" 2>/dev/null; then
      rm "$dir/cluster.supervisor"
      return
    fi
    sleep 0.1
  done
  die "the cluster in $dir (process $supervisor) does not end"
}

usage() { die "usage: cluster.sh run|up DIR NAME, cluster.sh down DIR"; }

(($# >= 2)) || usage
dir=$(realpath -m "$2") name=${3:-} of="cluster ${3:-}"
case $1 in
  run | up) [[ -n $name ]] || usage; "$1" ;;
  down) down ;;
  *) usage ;;
esac
