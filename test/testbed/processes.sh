# The processes that cluster.sh and kubelet.sh are the parents of, each with NAME.pid and NAME.log in the current folder.
# Sourced by both behind scripts/lib.sh, never run.  Both set: ready_seconds_max; of, which says whose they are.
# shellcheck shell=bash disable=SC2154

start() { # NAME SIGNAL COMMAND...: SIGNAL is what it gets when this script dies
  local name=$1 signal=$2
  shift 2
  setpriv --pdeathsig "$signal" -- "$@" >"$name.log" 2>&1 &
  echo $! >"$name.pid"
}

all_run() { # or this script ends, and says which one did and why
  local pid
  for pid in *.pid; do
    kill -0 "$(<"$pid")" 2>/dev/null || die "${pid%.pid} of $of ended: $(tail -n 5 "${pid%.pid}.log")"
  done
}

until_true() { # WHAT COMMAND...
  local what=$1
  shift
  until "$@" >/dev/null 2>&1; do
    all_run
    ((SECONDS < ready_seconds_max)) || die "$of: $what not within $ready_seconds_max s; see $PWD/*.log"
    sleep 0.1
  done
}

end_process() { # NAME TENTHS_MAX: asks it to end, and kills it if it has not by then
  [[ -f $1.pid ]] || return 0
  local pid
  pid=$(<"$1.pid")
  kill -TERM "$pid" 2>/dev/null || true # it may have ended
  for _ in $(seq "$2"); do
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  kill -KILL "$pid" 2>/dev/null || true
  rm "$1.pid"
}
