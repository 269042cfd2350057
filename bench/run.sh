#!/usr/bin/env bash
# Installs what the benchmark needs, builds the optimised programs and runs bench/run.py.  usage: run.sh [--quick] [--out FILE]
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
"$root/scripts/install-deps.sh" build bench
cmake --preset release -S "$root" >/dev/null
cmake --build "$root/build/release"
exec /usr/bin/python3 "$root/bench/run.py" "$@"
