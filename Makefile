# A thin face over Meson: `make build` is the product, `make check` the inner loop. `make pgo` takes longer
# to build the product, which then takes less CPU: what is packed, tested and measured is that.
MESON_SETUP = PKG_CONFIG_PATH=$(CURDIR)/build/deps/lib/pkgconfig:$$PKG_CONFIG_PATH meson setup

.PHONY: build pgo check san tsan lint soak fuzz coverage bench bench-instr fmt dist clean

build: build/release/build.ninja
	@tools/build build/release queqiao

pgo: build/pgo/build.ninja build/release/build.ninja
	@tools/pgo build/pgo build/release

check: build/dev/build.ninja
	@tools/check

san: build/san/build.ninja
	@tools/build build/san

tsan: build/tsan/build.ninja
	@tools/build build/tsan

lint: build/clang/build.ninja
	@tools/lint

soak: build build/dev/build.ninja
	@tools/build build/dev tests/emulator/gemini-emulator
	@node tests/e2e/soak.mjs

fuzz: build/fuzz/build.ninja
	@tools/build build/fuzz
	@tools/fuzz $(FUZZ_SECONDS)

bench: pgo
	@bench/run

bench-instr: build/instr/build.ninja
	@tools/build build/instr queqiao
	@bench/instr

coverage: build/cov/build.ninja
	@tools/build build/cov
	@find build/cov -name '*.gcda' -delete
	@meson test -C build/cov --no-rebuild --print-errorlogs --num-processes 2 >build/cov/tests.log || { cat build/cov/tests.log; exit 1; }
	@tools/coverage

fmt:
	@git ls-files -co --exclude-standard '*.c' '*.h' | xargs $(or $(CLANG_FORMAT),$(shell command -v clang-format-14 || echo clang-format)) -i

dist: pgo
	@scripts/dist

clean:
	rm -rf build/release build/pgo build/instr build/dev build/clang build/san build/tsan build/fuzz build/cov dist

build/deps/stamp:
	@scripts/setup deps

build/release/build.ninja: | build/deps/stamp
	@$(MESON_SETUP) build/release -Dbuildtype=release -Doptimization=2 -Db_lto=true -Dtests=false >build/release.log || { cat build/release.log; exit 1; }

# The product, counting its branches.
build/pgo/build.ninja: | build/deps/stamp
	@$(MESON_SETUP) build/pgo -Dbuildtype=release -Doptimization=2 -Db_lto=true -Dtests=false -Db_pgo=generate >build/pgo.log || { cat build/pgo.log; exit 1; }

# The product with symbols.
build/instr/build.ninja: | build/deps/stamp
	@$(MESON_SETUP) build/instr -Dbuildtype=debugoptimized -Doptimization=2 -Db_lto=true -Dtests=false >build/instr.log || { cat build/instr.log; exit 1; }

build/dev/build.ninja: | build/deps/stamp
	@$(MESON_SETUP) build/dev -Dbuildtype=debugoptimized -Dstatic=false >build/dev.log || { cat build/dev.log; exit 1; }

build/clang/build.ninja: | build/deps/stamp
	@CC=clang $(MESON_SETUP) build/clang -Dbuildtype=debugoptimized -Dstatic=false >build/clang.log || { cat build/clang.log; exit 1; }

build/san/build.ninja: | build/deps/stamp
	@CC=clang $(MESON_SETUP) build/san -Dbuildtype=debugoptimized -Db_sanitize=address,undefined -Darena_malloc=true -Dtorture=true -Dhardened=false -Dstatic=false >build/san.log || { cat build/san.log; exit 1; }

build/tsan/build.ninja: | build/deps/stamp
	@CC=clang $(MESON_SETUP) build/tsan -Dbuildtype=debugoptimized -Db_sanitize=thread -Dhardened=false -Dstatic=false >build/tsan.log || { cat build/tsan.log; exit 1; }

build/fuzz/build.ninja: | build/deps/stamp
	@CC=clang $(MESON_SETUP) build/fuzz -Dbuildtype=debugoptimized -Db_sanitize=address,undefined -Darena_malloc=true -Dhardened=false -Dstatic=false -Dfuzz=true -Dtests=false >build/fuzz.log || { cat build/fuzz.log; exit 1; }

# Counted by gcov, whose lines are those of the source only without optimisation.
build/cov/build.ninja: | build/deps/stamp
	@$(MESON_SETUP) build/cov -Dbuildtype=debug -Db_coverage=true -Dwerror=false -Dhardened=false -Dstatic=false >build/cov.log || { cat build/cov.log; exit 1; }
