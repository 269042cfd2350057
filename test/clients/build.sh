#!/usr/bin/env bash
# Makes one of the clients that are not built with the test bed ready to run, once: what it needs comes from its
# language's registry, as its lock file says, and is kept outside the tree under the hash of that client's folder.
# usage: build.sh python|javascript|java     the last line on stdout is the command that runs it
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib.sh
. "$here/../../scripts/lib.sh"

make_python() { # FOLDER
  /usr/bin/python3 -m venv "$1"
  "$1/bin/pip" install --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: \
    -r "$here/python/requirements.txt"
  cp "$here/python/client.py" "$1"
}
run_python() { echo "$1/bin/python $1/client.py"; }

make_javascript() { # FOLDER
  mkdir "$1"
  cp "$here"/javascript/* "$1"
  npm ci --prefix "$1" --ignore-scripts --no-audit --no-fund
}
run_javascript() { echo "node $1/client.js"; }

make_java() { # FOLDER
  mkdir "$1"
  mvn --batch-mode --quiet -f "$here/java/pom.xml" "-Dmaven.repo.local=$1/repository" \
    org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies "-DoutputDirectory=$1/jars" -DincludeScope=runtime
  rm -r "$1/repository" # what Maven itself is made of
  (cd "$1/jars" && sha256sum --check --strict --quiet "$here/java/jars.sha256")
  [[ $(ls "$1/jars") == "$(cut -c67- "$here/java/jars.sha256")" ]] || die "other jars than in jars.sha256"
  javac -cp "$1/jars/*" -d "$1/classes" "$here/java/Client.java"
}
run_java() { echo "java -cp $1/jars/*:$1/classes Client"; }

name=${1:-}
[[ $name =~ ^(python|javascript|java)$ ]] || die "usage: build.sh python|javascript|java"
store=$cache_dir/clients
made=$store/$name-$(cd "$here/$name" && find . -type f | LC_ALL=C sort | xargs sha256sum | sha256sum | cut -c1-12)
if [[ ! -f $made/.complete ]]; then
  mkdir -p "$store"
  exec 9>"$store/$name.lock"
  flock 9
fi
if [[ ! -f $made/.complete ]]; then # another may have made it meanwhile
  step "Getting what the $name client needs"
  rm -rf "$made" # of a try that was ended
  if ! "make_$name" "$made" >"$store/$name.log" 2>&1; then
    tail -n 40 "$store/$name.log" >&2
    die "the $name client could not be made (its registry must be reachable the first time); see $store/$name.log"
  fi
  touch "$made/.complete"
fi
"run_$name" "$made"
