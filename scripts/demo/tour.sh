# What the demo shows: each command is printed, then really run, and one that does not do what it should ends the
# demo with a failure.  Sourced by demo.sh.
# shellcheck shell=bash disable=SC2154  # demo, clusters, url and the colours are demo.sh's, parts.sh's and lib.sh's

if [[ -t 1 && -z ${NO_COLOR:-} && ${TERM:-dumb} != dumb ]]; then
  prompt=$'\e[1;32m$\e[0m' typed=$'\e[1m' faint=$'\e[2m' end=$'\e[0m'
else
  prompt='$' typed='' faint='' end=''
fi

chapter() { printf '\n%s── %s %s%s\n' "$faint" "$1" "$(printf '─%.0s' $(seq $((72 - ${#1}))))" "$end"; }
say_why() { printf '%s# %s%s\n' "$faint" "$*" "$end"; }
type_out() { printf '\n%s %s%s%s\n' "$prompt" "$typed" "$*" "$end"; }

# show COMMAND_LINE: prints it as one would type it and runs exactly that
show() {
  type_out "$1"
  (cd "$demo/work" && eval "$1") 2>&1
}

# show_code CODE COMMAND_LINE: the same for one whose failure is the point
show_code() {
  local code=0
  type_out "$2"
  (cd "$demo/work" && eval "$2") 2>&1 || code=$?
  printf '%s# exit status %s%s\n' "$faint" "$code" "$end"
  ((code == $1)) || die "expected exit status $1 of: $2"
}

# show_until PATTERN COMMAND_LINE [TRIGGER]: one that does not end; runs TRIGGER once it flows, stops it at PATTERN
show_until() {
  local out=$demo/until.out pid deadline=$((SECONDS + 60)) pattern=$1 triggered=''
  type_out "$2"
  # shellcheck disable=SC2086  # a command line
  (cd "$demo/work" && exec setpriv --pdeathsig KILL -- $2) >"$out" 2>&1 &
  pid=$!
  until grep -q "$pattern" "$out"; do
    if [[ -z $triggered && -s $out && -n ${3:-} ]]; then triggered=1 && "$3"; fi
    if ((SECONDS > deadline)) || ! kill -0 "$pid" 2>/dev/null; then
      cat "$out"
      die "no \"$pattern\" from: $2"
    fi
    sleep 0.1
  done
  kill "$pid"
  wait "$pid" 2>/dev/null || true # ended by us
  cat "$out"
  say_why "stopped here (Ctrl-C)"
}

free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 12000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
  done
  echo "$port"
}

# A small web site in a pod.  It listens on the pod's loopback: port-forward reaches that, and where nodes are
# simulated (the pod's process then runs on this machine) nobody else does.
write_manifest() { # CLUSTER
  port=$(free_port) site=$demo/site-$1
  cat >"$demo/work/web.yaml" <<K
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: mk8s-demo, labels: {app: web}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: web
    image: python:3.12-alpine
    command:
    - sh
    - -c
    - mkdir -p $site && cd $site && echo serving && exec python3 -u -m http.server $port --bind 127.0.0.1
K
}

on_cluster() { # NAME
  write_manifest "$1"
  chapter "kubectl on $1"
  show "mk8s clusters use $1"
  show "mk8s kubectl get nodes"
  show "mk8s kubectl create namespace mk8s-demo"
  show "mk8s kubectl apply -f web.yaml"
  show "mk8s kubectl -n mk8s-demo wait pod/web --for=condition=Ready --timeout=180s"
  show "mk8s k -n mk8s-demo get pods -o wide"
  chapter "into the pod on $1"
  show_code 7 "mk8s k -n mk8s-demo exec web -- sh -c 'echo inside \$HOSTNAME; exit 7'"
  show "echo 'through stdin and back' | mk8s k -n mk8s-demo exec -i web -- cat"
  show "echo 'copied into $1' > notes.txt; mk8s k -n mk8s-demo cp notes.txt web:$site/notes.txt"
  forward "$1"
  show_until 'GET /notes.txt' "mk8s k -n mk8s-demo logs -f web"
  show "mk8s k -n mk8s-demo delete pod web"
}

forward() { # CLUSTER
  local local_port
  local_port=$(free_port)
  show_until "Handling connection" "mk8s k -n mk8s-demo port-forward pod/web $local_port:$port" fetch_notes
  grep -qx "copied into $1" "$demo/fetched" || die "port-forward brought something else: $(cat "$demo/fetched")"
  type_out "curl http://127.0.0.1:$local_port/notes.txt      # meanwhile, in another terminal"
  cat "$demo/fetched"
}
fetch_notes() { curl -sS --retry 5 --retry-connrefused --retry-delay 1 -o "$demo/fetched" "http://127.0.0.1:$local_port/notes.txt"; }

# Reads are written in groups, so the last refusal may come a moment after its answer.
await_audit() { # WORD
  local deadline=$((SECONDS + 5))
  until mk8s audit list --status denied | grep -q "$1"; do
    ((SECONDS < deadline)) || die "no refusal of $1 in the audit log"
    sleep 0.1
  done
}

tour() {
  local name
  chapter "one login, all clusters"
  show "mk8s status"
  show "mk8s clusters list"
  for name in "${clusters[@]}"; do on_cluster "$name"; done

  chapter "who may do what"
  say_why "the same machine, signed in as $viewer, whose role is viewer"
  export MK8S_HOME=$demo/home-viewer
  show "mk8s clusters use ${clusters[0]}"
  show "mk8s k get pods -n mk8s-demo"
  show_code 1 "mk8s k delete namespace mk8s-demo"
  show_code 1 "mk8s k get secrets -n mk8s-demo"
  export MK8S_HOME=$demo/home

  chapter "who did what"
  await_audit secrets
  show "mk8s audit list --status denied"
  show "mk8s audit list --since 10m --limit 500"
  for name in "${clusters[@]}"; do
    mk8s k --cluster "$name" delete namespace mk8s-demo --wait=false >"$demo/delete.log" 2>&1
  done
  show "mk8s status"
}

how_to_go_on() {
  chapter "go on by hand"
  cat <<K

    export PATH=$bin:\$PATH MK8S_HOME=$MK8S_HOME MK8S_KUBECTL=$MK8S_KUBECTL
    mk8s clusters list
    mk8s kubectl get pods -A

  Signed in as $admin (password: $password); $viewer has the same.
  Central: $url · logs and data: $demo
  A new shell elsewhere:   mk8s login $url --ca-file $ca_file --email $admin

K
}
