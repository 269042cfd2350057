# Shared by the scripts: where caches lie, and how a long step says what it does and how far it is.
# Sourced, never run.  Messages go to stderr, so that stdout stays the scripts' own output.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck disable=SC2034  # used by those who source this
cache_dir=${XDG_CACHE_HOME:-$HOME/.cache}/mk8s

if [[ -t 2 && -z ${NO_COLOR:-} && ${TERM:-dumb} != dumb ]]; then
  bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'
else
  bold='' dim='' red='' green='' plain=''
fi

say() { printf '%s\n' "$*" >&2; }
step() { printf '%s==>%s %s\n' "$bold" "$plain" "$*" >&2; }
note() { printf '    %s%s%s\n' "$dim" "$*" "$plain" >&2; }
done_note() { printf '    %s%s%s\n' "$green" "$*" "$plain" >&2; }
die() {
  printf '%serror:%s %s\n' "$red" "$plain" "$*" >&2
  exit 1
}

# with_progress LOG MEASURE COMMAND...: runs COMMAND with its output in LOG.  MEASURE is a function that
# prints how far it is from LOG's content: on a terminal in one line each second, else each half minute.
# When COMMAND fails, the end of LOG is shown.
with_progress() {
  local log=$1 measure=$2 started=$SECONDS said=$SECONDS pid status=0
  shift 2
  "$@" >"$log" 2>&1 &
  pid=$!
  # shellcheck disable=SC2064  # the pid of now
  trap "kill $pid 2>/dev/null; exit 130" INT TERM
  while kill -0 "$pid" 2>/dev/null; do
    sleep 1
    if [[ -t 2 ]]; then
      printf '\r\e[K    %s%4ds  %s%s' "$dim" $((SECONDS - started)) "$("$measure" "$log")" "$plain" >&2
    elif ((SECONDS - said >= 30)); then
      said=$SECONDS
      note "$(printf '%4ds  %s' $((SECONDS - started)) "$("$measure" "$log")")"
    fi
  done
  wait "$pid" || status=$?
  trap - INT TERM
  [[ ! -t 2 ]] || printf '\r\e[K' >&2
  if ((status)); then
    say "    the end of $log:"
    tail -n 100 "$log" >&2
    return "$status"
  fi
  done_note "done in $((SECONDS - started)) s"
}

# Compilers' results are shared by every clone and build folder of the user.
use_ccache() {
  export CCACHE_DIR=${CCACHE_DIR:-$cache_dir/ccache} CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1
}

ninja_of() { grep -o '^\[[0-9]*/[0-9]*\]' "$1" | tail -n 1; }

# build_preset NAME [TARGET...]: configures when that was not done, then builds in build/NAME.
build_preset() {
  local preset=$1
  shift
  step "Building mk8s ($preset)"
  mkdir -p "$root/build"
  with_progress "$root/build/$preset.log" ninja_of build_in_root "$preset" "$@"
}
build_in_root() {
  local preset=$1
  shift
  cd "$root" || return
  [[ -f build/$preset/build.ninja ]] || cmake --preset "$preset"
  cmake --build --preset "$preset" ${1:+--target "$@"}
}

# The test bed takes ten minutes to build the first time: begin_testbed starts that in the background, behind
# whatever else is built meanwhile, and finish_testbed waits for it and sets testbed_bin.
begin_testbed() { # [--with-kubelet]
  mkdir -p "$root/build"
  nice -n 10 "$root/test/testbed/build.sh" "$@" >"$root/build/testbed.bin" 2>"$root/build/testbed.log" &
  testbed_pid=$!
}
finish_testbed() {
  if kill -0 "$testbed_pid" 2>/dev/null; then
    step "Building Kubernetes for the test bed (from source, once; ten minutes on two cores)"
    with_progress "$root/build/testbed.wait" testbed_of tail --pid="$testbed_pid" -f /dev/null
  fi
  if ! wait "$testbed_pid"; then
    tail -n 100 "$root/build/testbed.log" >&2
    return 1
  fi
  # shellcheck disable=SC2034  # used by those who source this
  testbed_bin=$(<"$root/build/testbed.bin")
  testbed_pid=''
}
end_testbed() { [[ -z ${testbed_pid:-} ]] || kill "$testbed_pid" 2>/dev/null || true; } # it may have ended
testbed_of() { sed -n 's/^ *\(==>\)* *//; $p' "$root/build/testbed.log"; }
