# The ways to build, test, measure and install mk8s; each is a script or a CMake preset that can be run by itself.
PREFIX ?= /usr/local
cache := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/mk8s
export CCACHE_DIR ?= $(cache)/ccache
export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := 1

.PHONY: all test bench install clean

all: build/release/build.ninja
	cmake --build --preset release

build/release/build.ninja:
	cmake --preset release

test:
	scripts/test.sh

bench: all
	bench/run.sh

install: all
	install -d "$(DESTDIR)$(PREFIX)/bin"
	install -m 755 build/release/bin/mk8s build/release/bin/mk8s-central build/release/bin/mk8s-agent \
	  "$(DESTDIR)$(PREFIX)/bin"

clean:
	rm -rf build
