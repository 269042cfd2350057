#!/usr/bin/env bash
# Runs every test: unit tests under ASan and UBSan, functional tests with the optimised binaries against real
# Kubernetes clusters, fuzzers, layer and style checks.  Last line: "N passed, N failed"; non-zero when any failed.
# usage: test.sh [--full] [--only unit|functional|fuzz|checks] [-k EXPR]
#   --full    also the tests that take minutes (marked "full")
#   -k EXPR   only the functional tests that pytest's -k selects, the unit tests and fuzzers that match it as a regex
set -euo pipefail

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$root"

full='' only='' expression=''
while (($#)); do
  case $1 in
    --full) full=1 ;;
    --only) only=${2:?unit, functional, fuzz or checks} && shift ;;
    -k) expression=${2:?an expression} && shift ;;
    *) die "unknown argument $1; usage: test.sh [--full] [--only unit|functional|fuzz|checks] [-k EXPR]" ;;
  esac
  shift
done
[[ $only =~ ^(|unit|functional|fuzz|checks)$ ]] || die "--only $only: unit, functional, fuzz or checks"
wants() { [[ -z $only || $only == "$1" ]]; }

use_ccache
out=$root/build/test
mkdir -p "$out"
rm -f "$out"/*.xml
passed=0 failed=0
count() { # PASSED FAILED WHAT
  passed=$((passed + $1)) failed=$((failed + $2))
  if (($2)); then say "    $red$3: $1 passed, $2 failed$plain"; else done_note "$3: $1 passed"; fi
}

# A run that left no results, or found no test, is a failure in itself.
count_junit() { # FILE WHAT STATUS
  local numbers
  if ! numbers=$(/usr/bin/python3 - "$1" <<'P'
import sys, xml.etree.ElementTree as tree
suites = list(tree.parse(sys.argv[1]).getroot().iter("testsuite"))
total = lambda *keys: sum(int(s.get(k) or 0) for s in suites for k in keys)
bad = total("failures", "errors")
print(total("tests") - bad - total("skipped", "disabled"), bad)
P
  ) || [[ $numbers == "0 0" && -z $expression ]] || [[ $3 != 0 && $numbers == *" 0" && -z $expression ]]; then
    numbers="0 1"
    say "    $2: no results (exit status $3)"
  fi
  # shellcheck disable=SC2086  # two numbers
  count $numbers "$2"
}

check() { # WHAT COMMAND...
  local what=$1
  shift
  step "$what"
  if "$@"; then count 1 0 "$what"; else count 0 1 "$what"; fi
}

build_failed() { count 0 1 "build of $1"; }

trap end_testbed EXIT

step "Packages"
"$root/scripts/install-deps.sh" build test ${full:+clients kubelet}

if wants functional; then begin_testbed ${full:+--with-kubelet}; fi

if wants checks; then
  check "layers" tools/check_layers
  check "style" tools/tidy
  check "documentation" tools/check_docs
  check "tables of the documentation" tools/docs_tables
fi

if wants unit; then
  if build_preset asan; then
    step "Unit tests (ASan, UBSan)"
    status=0
    ctest --preset asan -j "$(nproc)" --output-on-failure --no-tests=error --output-junit "$out/unit.xml" \
      ${expression:+-R "$expression"} >"$out/unit.log" 2>&1 || status=$?
    ((status == 0)) || tail -n 400 "$out/unit.log" >&2
    count_junit "$out/unit.xml" "unit tests" "$status"
  else
    build_failed asan
  fi
fi

if wants functional; then
  built=1
  build_preset release || { built='' && build_failed release; }
  if ! finish_testbed; then
    build_failed "the test bed"
  elif [[ -n $built ]]; then
    [[ -z $full ]] || "$root/test/testbed/old-kubectl.sh" >/dev/null || note "the tests do without kubectl 1.20"
    step "Functional tests"
    status=0
    /usr/bin/python3 -m pytest test/functional --junitxml "$out/functional.xml" ${expression:+-k "$expression"} \
      ${full:+--full} >&2 || status=$?
    count_junit "$out/functional.xml" "functional tests" "$status"
  fi
fi

fuzzers_of() { echo "$(grep -c '^\(passed\|failed\) ' "$1") of $(ls test/fuzz/*_fuzz.cc | wc -l) fuzzers"; }
if wants fuzz; then
  if build_preset fuzz fuzzers; then
    step "Fuzzers (a minute each for what attackers reach)"
    rm -rf "$out/fuzz"
    with_progress "$out/fuzz.log" fuzzers_of test/fuzz/run.sh build/fuzz/bin "$out/fuzz" ${expression:+"$expression"} || true
    good=$(grep -c '^passed ' "$out/fuzz.log" || true) bad=$(grep -c '^failed ' "$out/fuzz.log" || true)
    ((bad == 0)) || cat "$out/fuzz.log" >&2
    if ((good + bad == 0)) && [[ -z $expression ]]; then bad=1; fi
    count "$good" "$bad" "fuzzers"
  else
    build_failed fuzzers
  fi
fi

note "took $SECONDS s"
echo "$passed passed, $failed failed"
((failed == 0))
