# SPDX-License-Identifier: GPL-2.0-or-later
# A thin front of Meson. Each target installs the packages that it needs and the
# system lacks (scripts/need-packages). Builds are below build/, one folder each.

PREFIX ?= /usr/local
DESTDIR ?=

need = @scripts/need-packages
release = build/release

.DEFAULT_GOAL := build
.PHONY: build demo demo-library image bench test test-long check coverage format install clean

build:
	$(need) build
	@test -e $(release)/build.ninja || \
		meson setup $(release) --buildtype=release --libdir=lib -Dtests=false >/dev/null
# In a terminal, with Ninja's line that says how far it is; otherwise with what goes wrong alone.
	@quiet=; test -t 1 || quiet=--quiet; \
		ninja -C $(release) -n | grep -q 'no work to do' || ninja -C $(release) $$quiet

demo: build
	$(need) demo
	@$(release)/src/exclave demo

demo-library: build
	@$(release)/demo/sgx-demo

image: build
	$(need) image
	@$(release)/src/exclave image

bench: build
	@$(release)/bench/sgx-bench
	@$(release)/bench/mmu-bench
	@$(release)/bench/engine-bench
	@$(release)/src/exclave run -- $(release)/bench/exit-bench
	@bench/sgx_guest_bench.py --exclave $(release)/src/exclave
	@bench/smp_bench.py --exclave $(release)/src/exclave
	@bench/boot_bench.py --exclave $(release)/src/exclave

test:
	$(need) test
	@scripts/run-tests

test-long:
	$(need) test-long
	@scripts/run-tests --long

check:
	$(need) check
	@scripts/run-tests check

coverage:
	$(need) coverage
	@find build/coverage -name '*.gcda' -delete 2>/dev/null || true
	@mkdir -p build/coverage/html
	@scripts/run-tests coverage; status=$$?; \
		gcovr --root . --filter src/ --html-details build/coverage/html/index.html \
			--print-summary build/coverage && \
		echo "Line by line: build/coverage/html/index.html"; exit $$status

format:
	$(need) format
	@scripts/check-format --fix

install: build
	@meson configure $(release) -Dprefix="$(PREFIX)" >/dev/null
	@ninja -C $(release) --quiet >/dev/null
	@destdir="$(DESTDIR)"; case $$destdir in '' | /*) ;; *) destdir=$$PWD/$$destdir ;; esac; \
		DESTDIR=$$destdir meson install --no-rebuild --quiet -C $(release)

clean:
	@rm -rf build
