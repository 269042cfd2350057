#!/usr/bin/env bash
# One real node for a cluster that cluster.sh runs without its simulated ones (MK8S_TESTBED_NODES=none): kubelet,
# containerd and runc, with an image made of busybox.  Needs root, for it makes cgroups, mounts, a bridge and an
# address on the loopback interface, and lets kubelet set sysctls; all that is taken back at the end.
# usage: kubelet.sh check               says on stderr why this machine cannot do it, and fails; or says nothing
#        kubelet.sh run DIR CLUSTER_DIR  in the foreground until SIGTERM; DIR/ready appears when the node is ready
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib.sh
. "$here/../../scripts/lib.sh"
# shellcheck source=test/testbed/processes.sh
. "$here/processes.sh"

readonly address=10.213.77.1 # of the node; not a loopback one, which kubelet refuses
readonly bridge=mk8s-test0 subnet=10.213.78.0/24
readonly ready_seconds_max=120 end_tenths_max=200 of="the real node"
readonly image=test.invalid/box:1
readonly sysctls=(vm.overcommit_memory vm.panic_on_oom kernel.panic kernel.panic_on_oops kernel.keys.root_maxkeys
  kernel.keys.root_maxbytes net.ipv4.ip_forward)

check() {
  ((EUID == 0)) || die "a real kubelet needs root"
  local program
  for program in containerd runc ctr busybox ip; do
    command -v "$program" >/dev/null || die "$program is not installed: scripts/install-deps.sh kubelet"
  done
  [[ -x /usr/lib/cni/bridge ]] || die "containernetworking-plugins is not installed: scripts/install-deps.sh kubelet"
  [[ -w /sys/fs/cgroup ]] || die "/sys/fs/cgroup is read-only: this machine is a container without cgroups of its own"
  [[ -z $(find /sys/fs/cgroup -maxdepth 2 -name 'kubepods*') ]] || die "a kubelet runs here already (or left its cgroups)"
  local scratch
  scratch=$(mktemp -d)
  mkdir "$scratch"/{lower,upper,work,merged}
  if ! mount -t overlay -o "lowerdir=$scratch/lower,upperdir=$scratch/upper,workdir=$scratch/work" \
    overlay "$scratch/merged" 2>/dev/null; then
    rm -r "$scratch"
    die "the kernel lets no overlay be mounted on $scratch's file system"
  fi
  umount "$scratch/merged"
  rm -r "$scratch"
  ip link add "$bridge" type bridge 2>/dev/null || die "the kernel makes no bridge, or $bridge is there already"
  ip link del "$bridge"
}

make_image() { # a docker archive: one layer with busybox, which also stands in for the pause container
  local layer config
  mkdir -p image/root/{bin,tmp,etc}
  cp "$(command -v busybox)" image/root/bin/busybox
  for name in $(busybox --list); do [[ $name == busybox ]] || ln -s busybox "image/root/bin/$name"; done
  echo 'root:x:0:0:root:/:/bin/sh' >image/root/etc/passwd
  tar -C image/root -cf image/layer.tar .
  layer=$(sha256sum image/layer.tar | cut -d' ' -f1)
  cat >image/config.json <<K
{"architecture": "$(dpkg --print-architecture)", "os": "linux",
 "config": {"Env": ["PATH=/bin"], "Cmd": ["sleep", "1000000000"]},
 "rootfs": {"type": "layers", "diff_ids": ["sha256:$layer"]}}
K
  config=$(sha256sum image/config.json | cut -d' ' -f1)
  mv image/config.json "image/$config.json"
  printf '[{"Config":"%s.json","RepoTags":["%s"],"Layers":["layer.tar"]}]' "$config" "$image" >image/manifest.json
  tar -C image -cf image.tar manifest.json "$config.json" layer.tar
}

write_configs() {
  mkdir -p cni
  cat >cni/10-bridge.conf <<K
{"cniVersion": "0.4.0", "name": "test", "type": "bridge", "bridge": "$bridge",
 "ipam": {"type": "host-local", "ranges": [[{"subnet": "$subnet"}]], "dataDir": "$state/ipam"}}
K
  cat >containerd.toml <<K
version = 2
root = "$state/containerd"
state = "$state/run"
[grpc]
  address = "$state/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  disable_apparmor = true
  restrict_oom_score_adj = true # runc could else not start where this process's own score is not zero
  sandbox_image = "$image"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$dir/cni"
K
  cat >kubelet.yaml <<K
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: $address
readOnlyPort: 0
healthzPort: 0
tlsCertFile: $dir/kubelet.crt
tlsPrivateKeyFile: $dir/kubelet.key
authentication: {anonymous: {enabled: false}, webhook: {enabled: false}, x509: {clientCAFile: $cluster/ca.crt}}
authorization: {mode: AlwaysAllow}
containerRuntimeEndpoint: unix://$state/containerd.sock
cgroupDriver: cgroupfs
failCgroupV1: false
failSwapOn: false
enforceNodeAllocatable: []
makeIPTablesUtilChains: false
resolvConf: ""
podLogsDir: $state/logs
imageGCHighThresholdPercent: 100
evictionHard: {memory.available: 1Mi, nodefs.available: 1Mi, imagefs.available: 1Mi}
K
}

issue_certificate() {
  openssl req -newkey rsa:2048 -nodes -keyout kubelet.key -out kubelet.csr -subj /O=system:nodes/CN=system:node:real 2>openssl.log
  openssl x509 -req -in kubelet.csr -CA "$cluster/ca.crt" -CAkey "$cluster/ca.key" -CAcreateserial -CAserial ca.srl \
    -days 30 -out kubelet.crt -extfile <(printf 'subjectAltName=IP:%s\nextendedKeyUsage=serverAuth\n' "$address") 2>>openssl.log
}

containers() { ctr --address "$state/containerd.sock" --namespace k8s.io "$@"; }

# Everything here may or may not have been made yet.
take_back() {
  trap - EXIT TERM INT
  set +e
  local task mounted name
  rm -f "$dir/ready"
  end_process kubelet "$end_tenths_max"
  for task in $(containers tasks list --quiet 2>/dev/null); do containers tasks delete --force "$task"; done
  end_process containerd "$end_tenths_max"
  for mounted in $(cut -d' ' -f2 /proc/self/mounts | grep "^$state/" | tac); do umount -l "$mounted"; done
  for name in $(ls /run/netns 2>/dev/null | grep '^cni-' | grep -vxF -f namespaces.before); do
    umount "/run/netns/$name"
    rm -f "/run/netns/$name"
  done
  ip link del "$bridge"
  ip address del "$address/32" dev lo
  find /sys/fs/cgroup -depth -type d -path '*/kubepods*' -exec rmdir {} +
  sysctl --quiet --load sysctls.before
  rm -rf "$state"
} 2>>"$dir/end.log"

run() {
  check
  bin=$("$here/build.sh" --print --with-kubelet)
  [[ -x $bin/kubelet ]] || die "kubelet is not built yet: run test/testbed/build.sh --with-kubelet"
  mkdir -p "$dir"
  cd "$dir"
  rm -f ready ./*.pid
  state=$(mktemp -d /tmp/mk8s-kubelet.XXXXXX) # sockets need a short path
  sysctl "${sysctls[@]}" >sysctls.before 2>/dev/null || true # a kernel need not have all
  { echo; ls /run/netns 2>/dev/null || true; } >namespaces.before
  trap take_back EXIT
  trap 'exit 0' TERM INT
  make_image
  write_configs
  issue_certificate
  ip address add "$address/32" dev lo
  start containerd TERM containerd --config containerd.toml
  until_true "containerd" containers version
  containers images import --no-unpack image.tar >import.log
  start kubelet TERM "$bin/kubelet" --config kubelet.yaml --kubeconfig "$cluster/kubeconfig" --hostname-override real \
    --node-ip "$address" --root-dir "$state/kubelet"
  until_true "a ready node" "$bin/kubectl" --kubeconfig "$cluster/kubeconfig" wait node/real --for=condition=Ready --timeout=1s
  echo "$address" >ready
  wait -n || true # whichever ended, its log says why
  all_run
}

usage() { die "usage: kubelet.sh check, kubelet.sh run DIR CLUSTER_DIR"; }

case ${1:-} in
  check) dir=. && check ;;
  run)
    (($# == 3)) || usage
    dir=$(realpath -m "$2") cluster=$(realpath -m "$3")
    run
    ;;
  *) usage ;;
esac
