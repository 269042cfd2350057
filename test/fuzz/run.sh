#!/usr/bin/env bash
# Runs the fuzzers, as many at once as there are cores, and prints a line "passed NAME" or "failed NAME" for each.
# usage: run.sh BINARIES OUT [REGEX]     BINARIES holds NAME_fuzz; OUT gets logs and the input of a failure; REGEX picks names
#
# A minute each for what stands where attackers do: request heads, upgrades (whether a WebSocket or SPDY is asked for),
# attributes, HTTP/2 frames, filtered lists, Tables and watches, continue tokens.  The bytes of an upgrade to a cluster are
# relayed unread, and filtered lists are asked for as JSON, so neither SPDY nor Kubernetes' protobuf lists have a parser
# here; WebSocket messages are read from callers of exec only, who are logged in.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export here binaries=$1 out=$2
regex=${3:-.}
long=" h1_server upgrade_head kube_target h2_server list_filter table_filter watch_filter continue_token "
long_seconds=60 short_seconds=5
mkdir -p "$out"

run_one() { # NAME SECONDS
  local found
  # What is found is kept for this run only: the corpus in the repository is the small one that people read.
  found=$(mktemp -d) && rm -f "$out/$1-"*
  if "$binaries/$1_fuzz" -max_total_time="$2" -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="$out/$1-" "$found" "$here/corpus/$1" >"$out/$1.log" 2>&1; then
    echo "passed $1: $(sed -n 's/^stat::number_of_executed_units: *//p' "$out/$1.log") inputs"
  else
    echo "failed $1: $(ls "$out/$1-"* 2>/dev/null || echo "see $out/$1.log")"
    tail -n 60 "$out/$1.log" >&2
  fi
  rm -rf "$found"
}
export -f run_one

for source in "$here"/*_fuzz.cc; do
  name=$(basename "$source" _fuzz.cc)
  if [[ ! $name =~ $regex ]]; then continue; fi
  if [[ $long == *" $name "* ]]; then echo "$name $long_seconds"; else echo "$name $short_seconds"; fi
done | sort -k2,2nr | xargs -r -P "$(nproc)" -L 1 bash -c 'run_one "$@"' run_one
