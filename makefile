# engd. `make help` lists the targets.
#
# PETSc and SLEPc come from PETSC_DIR [PETSC_ARCH] and SLEPC_DIR when set, else from pkg-config. A user may also set CC (mpicc,
# clang, ...), OPTFLAGS, CPPFLAGS, LDFLAGS, LDLIBS, MPIEXEC, B (where to build), and V=1 to see the commands.

PACKAGES       := pkg-config librandom123-dev
PETSC_PACKAGES := petsc-dev slepc-dev libopenmpi-dev openmpi-bin libopenblas-dev libhdf5-openmpi-dev
TEST_PACKAGES  := libcmocka-dev clang clang-format python3-numpy python3-h5py
PLOT_PACKAGES  := python3-matplotlib python3-h5py

MAKEFLAGS += --no-print-directory
SHELL     := /bin/bash
comma     := ,
ifeq ($(origin CC),default)
CC := mpicc
endif
OPTFLAGS ?= -O3 -march=native
MPIEXEC  ?= mpirun
FORMAT   ?= clang-format
B        ?= build
CORES    := $(shell nproc 2>/dev/null || echo 1)
JOBS      = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(CORES))

# Flags of the libraries
ifdef PETSC_DIR
prefixes := $(SLEPC_DIR)/$(PETSC_ARCH) $(SLEPC_DIR) $(PETSC_DIR)/$(PETSC_ARCH) $(PETSC_DIR)
space    := $(subst ,, )
missing  := $(if $(wildcard $(foreach p,$(prefixes),$(p)/lib/pkgconfig/petsc.pc $(p)/lib/pkgconfig/PETSc.pc)),,yes)
export PKG_CONFIG_PATH := $(subst $(space),:,$(addsuffix /lib/pkgconfig,$(prefixes))):$(PKG_CONFIG_PATH)
else
PACKAGES += $(PETSC_PACKAGES)
endif
pkg     = $(shell PKG_CONFIG_PATH='$(PKG_CONFIG_PATH)' pkg-config $(1) 2>/dev/null)
petsc  := $(or $(if $(call pkg,--modversion petsc),petsc),PETSc)
slepc  := $(or $(if $(call pkg,--modversion slepc),slepc),SLEPc)
pieces := $(slepc) $(petsc) $(if $(PETSC_DIR),,hdf5-openmpi)
libdir := $(if $(missing),,$(call pkg,--variable=libdir $(petsc)) $(call pkg,--variable=libdir $(slepc)))
shared := $(wildcard $(addsuffix /libpetsc*.so,$(libdir)) $(addsuffix /libpetsc*.dylib,$(libdir)))
blas   := $(filter %blas %lapack -lscalapack% -lmkl%,$(call pkg,--libs --static $(petsc)))
# PETSc knows where its HDF5 is, and petsc.pc does not say
hdf5    = $(if $(PETSC_DIR),$(shell cat $(wildcard $(addsuffix /lib/petsc/conf/petscvariables,$(prefixes))) /dev/null | sed -n 's/^$(1) = *//p'))
rpath  := $(if $(PETSC_DIR),$(addprefix -Wl$(comma)-rpath$(comma),$(libdir)))
# A compiler that is no MPI wrapper gets what Open MPI's or MPICH's mpicc would add
ifeq ($(findstring mpi,$(notdir $(CC))),)
mpi_cflags := $(shell { mpicc --showme:compile || mpicc -compile_info | cut -d' ' -f2-; } 2>/dev/null)
mpi_libs   := $(shell { mpicc --showme:link || mpicc -link_info | cut -d' ' -f2-; } 2>/dev/null)
endif

# Warnings are errors, but for a user with a PETSc that nobody has tried; its headers are not ours to warn about
WERROR   ?= $(if $(PETSC_DIR),,-Werror)
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes $(WERROR)
headers  := $(patsubst -I%,-isystem %,$(call pkg,--cflags $(pieces)) $(call hdf5,HDF5_INCLUDE) $(mpi_cflags))
CFLAGS   := -std=c11 $(OPTFLAGS) $(WARNINGS) -fPIC -MMD -MP -Iinclude $(headers) $(CPPFLAGS)
LIBS     := $(call pkg,--libs $(if $(shared),,--static) $(pieces)) $(rpath) $(call hdf5,HDF5_LIB) $(blas) $(mpi_libs) $(LDLIBS) -lm -ldl

# What is built from what
SOURCES := $(sort $(wildcard src/*.c src/*/*.c src/*/*/*.c src/*/*/*/*.c))
OBJECTS := $(patsubst %.c,$(B)/%.o,$(filter-out src/main.c,$(SOURCES))) $(B)/registered.o
UNITS   := $(patsubst %.c,$(B)/%,$(wildcard tests/unit/test_*.c))
DRIVERS := $(patsubst %.c,$(B)/%,$(wildcard tests/run/*.c))
FUZZERS := $(patsubst %.c,$(B)/%,$(filter-out %/replay.c,$(wildcard tests/fuzz/*.c)))
BENCHES := $(patsubst tests/bench/%.c,$(B)/bench/%,$(wildcard tests/bench/*.c))
ifeq ($(B),build)
PROGRAM := engd
LIBRARY := lib/libengd.a
else
PROGRAM := $(B)/engd
LIBRARY := $(B)/libengd.a
endif
# Programs that link the library find it by the first two numbers of its version
VERSION := $(shell sed -n 's/^.define ENGD_VERSION *"\(.*\)"/\1/p' include/engd.h)
ABI     := $(basename $(VERSION))
SHARED  := $(LIBRARY:.a=.so).$(VERSION)
PREFIX  ?= /usr/local
CODE := $(SOURCES) $(wildcard include/*.h include/*/*.h src/*/*.h src/*/*/*.h src/*/*/*/*.h tests/*/*.[ch] examples/*.c examples/*/*.[ch])

export OMPI_MCA_btl_vader_single_copy_mechanism ?= none
ifeq ($(shell id -u),0)
export OMPI_ALLOW_RUN_AS_ROOT := 1
export OMPI_ALLOW_RUN_AS_ROOT_CONFIRM := 1
endif

.PHONY: all poisson check check-all test warnings asan valgrind fuzz fuzzers hostile traps libraries bench install uninstall format format-check problems install-packages clean help build-tests run-tests FORCE
.DELETE_ON_ERROR:
.SECONDARY:

all: $(PROGRAM) $(LIBRARY) $(SHARED) ## build ./engd and the library in lib/ (default)

poisson: ## install what is missing, build, and solve the first example
	@$(MAKE) install-packages WANTED="$(PACKAGES)" && $(MAKE) $(JOBS) all
	@ranks=$$(lscpu -p=core,socket 2>/dev/null | grep -v '^#' | sort -u | wc -l); cores=$(CORES); \
	for bound in $$cores 4; do ((ranks < bound && ranks > 0)) || ranks=$$bound; done; \
	echo "$(MPIEXEC) -n $$ranks ./engd -options_file poisson.opts"; \
	$(MPIEXEC) -n $$ranks ./engd -options_file poisson.opts

# One program a floor of the data flow, and the first command of README.md; on one core in some ten seconds
CHECKS := tests/unit/test_expression tests/unit/test_expression_names tests/unit/test_points tests/unit/test_jet tests/unit/test_operators tests/unit/test_gramian \
  tests/unit/test_kfac tests/unit/test_symmetric tests/unit/test_solver tests/unit/test_archive tests/run/first
check: all $(addprefix $(B)/,$(filter tests/unit/%,$(CHECKS))) ## a quick test of what was built, in less than 20 seconds
	@B=$(B) PROGRAM=$(PROGRAM) MPIEXEC="$(MPIEXEC)" SELECT="$(CHECKS)" tests/run.sh

test: ## install what is missing, build, and run all tests; ends with "N passed, N failed"
	@$(MAKE) install-packages WANTED="$(PACKAGES) $(TEST_PACKAGES)" && $(MAKE) $(JOBS) build-tests \
	|| { echo "0 passed, 1 failed"; exit 1; }
	+@$(MAKE) run-tests

build-tests: all $(UNITS) $(DRIVERS) $(BENCHES) $(FUZZERS)
	+@$(MAKE) -s install PREFIX=$(abspath $(B))/prefix DESTDIR= >/dev/null

run-tests:
	+@B=$(B) PROGRAM=$(PROGRAM) MPIEXEC="$(MPIEXEC)" tests/run.sh \
	  "formatting: $(MAKE) -s format-check" \
	  "every option has a sentence: tests/check_options.py src" \
	  "every header compiles alone: tests/check_headers.sh $(CC) $(filter-out -MMD -MP,$(CFLAGS))" \
	  "docs/problems.md is up to date (make problems): docs/problems.py --check" \
	  "files of optimisers leave nothing to problems: tests/check_optimisers.py options" \
	  $(foreach f,$(notdir $(FUZZERS)),"corpus of the fuzzer $(f): $(B)/tests/fuzz/$(f) tests/fuzz/corpus/$(f)") \
	  "clang without a warning: $(MAKE) -s B=$(B)/clang CC=clang OPTFLAGS=-O0 warnings"

# A compiler's warnings need no code, and PETSc's headers read once, with all that the system's headers have
READ := $(filter-out -MMD -MP,$(CFLAGS)) -DENGD_COMMIT='""'
warnings: $(B)/registered.c
	@{ echo '#define _GNU_SOURCE'; printf '#include <%s.h>\n' slepc petsctao petscts; } >$(B)/library.h
	@$(CC) $(READ) -x c-header $(B)/library.h -o $(B)/library.pch
	@echo $< $(SOURCES) $(wildcard tests/*/*.c) | xargs -P $(CORES) -n 40 $(CC) $(READ) -fsyntax-only -include-pch $(B)/library.pch

SANITIZE := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
asan: ## the tests under the address, leak and undefined-behaviour sanitizers
	@$(MAKE) install-packages WANTED="$(PACKAGES) $(TEST_PACKAGES)"
	@$(MAKE) $(JOBS) build-tests B=$(B)/asan OPTFLAGS="$(SANITIZE)" LDFLAGS="$(LDFLAGS) -fsanitize=address,undefined"
	@B=$(B)/asan PROGRAM=$(B)/asan/engd MPIEXEC="$(MPIEXEC)" SANITIZED=2 tests/run.sh

# valgrind knows no AVX-512, which -march=native may mean
valgrind: ## some of the tests under valgrind, on one and two ranks
	@$(MAKE) install-packages WANTED="$(PACKAGES) $(TEST_PACKAGES) valgrind"
	@$(MAKE) $(JOBS) build-tests B=$(B)/valgrind OPTFLAGS="-O1 -g -march=x86-64"
	@B=$(B)/valgrind PROGRAM=$(B)/valgrind/engd MPIEXEC="$(MPIEXEC)" tests/valgrind.sh

# Coverage-guided, by clang's libFuzzer; what it finds stays in $(B)/fuzz, and what broke something belongs into tests/fuzz/corpus
FUZZ_SECONDS ?= 60
fuzz: ## fuzz expressions, options files, points files and checkpoints: FUZZ_SECONDS=60 each
	@$(MAKE) $(JOBS) fuzzers B=$(B)/fuzz CC=clang FUZZING=1 OPTFLAGS="-O1 -g -fsanitize=fuzzer-no-link,address"
	@set -e; for f in $(notdir $(FUZZERS)); do echo "fuzzing $$f"; mkdir -p $(B)/fuzz/found/$$f; \
	  ASAN_OPTIONS=detect_leaks=0 $(B)/fuzz/tests/fuzz/$$f -max_total_time=$(FUZZ_SECONDS) -timeout=30 -rss_limit_mb=4096 -detect_leaks=0 -print_final_stats=1 \
	    -artifact_prefix=$(B)/fuzz/$$f. $(B)/fuzz/found/$$f tests/fuzz/corpus/$$f 2>&1 | \
	    grep -E '^(stat|==|SUMMARY|ERROR)|ALARM|Test unit' ; test $${PIPESTATUS[0]} = 0; done
fuzzers: $(FUZZERS)

hostile: build-tests ## all tables of hostile command lines and signals in tests/hostile; the tests take a sample
	@B=$(B) PROGRAM=$(PROGRAM) MPIEXEC="$(MPIEXEC)" HOSTILE_EVERY=1 SELECT=tests/run/hostile TEST_TIMEOUT=900 tests/run.sh

traps: all ## PETSc's traps, -fp_trap and -malloc_dump, for each direction and output
	@B=$(B) PROGRAM=$(PROGRAM) MPIEXEC="$(MPIEXEC)" tests/traps.sh

# Every leg runs, whatever the one before said; the names of those that failed come last
LEGS := test hostile traps asan valgrind fuzz libraries
check-all: ## all of `make test`, and what takes longer: hostile input, traps, sanitizers, valgrind, fuzzers, other builds of PETSc
	+@failed=; for leg in $(LEGS); do echo "== $$leg"; $(MAKE) $$leg || failed="$$failed $$leg"; done; \
	echo "legs: $(LEGS)"; [ -z "$$failed" ] || { echo "failed:$$failed"; exit 1; }

libraries: ## a quick test against 64-bit and debugging builds of PETSc and SLEPc, where they are
	@tests/libraries.sh

# Headers for authors of types: extend.h and what it includes
AUTHORS := extend $(shell sed -n 's/^.include <engd.\(.*\)\.h>/\1/p' include/engd/extend.h)

# The installed program takes the library from beside itself, so that a plug-in linked with the library meets the same one
install: all ## install program, library, headers, options files and documents: PREFIX=/usr/local DESTDIR=
	@root='$(DESTDIR)$(PREFIX)'; echo "installing into $$root"; \
	install -d $$root/bin $$root/lib/pkgconfig $$root/include/engd $$root/share/engd $$root/share/man/man1 && \
	install -m 755 $(B)/installed/engd $$root/bin/engd && \
	install -m 644 $(LIBRARY) $$root/lib/libengd.a && \
	install -m 755 $(SHARED) $$root/lib/libengd.so.$(VERSION) && \
	ln -sf libengd.so.$(VERSION) $$root/lib/libengd.so.$(ABI) && ln -sf libengd.so.$(ABI) $$root/lib/libengd.so && \
	install -m 644 include/engd.h $$root/include/engd.h && \
	install -m 644 $(addprefix include/engd/,$(addsuffix .h,$(AUTHORS))) $$root/include/engd && \
	install -m 755 runs/plot.py runs/report.py runs/engd.py $$root/share/engd && \
	install -m 644 docs/engd.1 $$root/share/man/man1/engd.1 && \
	rm -rf $$root/share/doc/engd && install -d $$root/share/doc/engd/docs $$root/share/doc/engd/runs && \
	install -m 644 README.md CITATION.cff $$root/share/doc/engd && install -m 644 docs/*.md docs/*.png $$root/share/doc/engd/docs && \
	install -m 644 runs/*.md runs/*.png $$root/share/doc/engd/runs && \
	rm -rf $$root/share/engd/options && cp -R options $$root/share/engd/options && \
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' -e 's|@REQUIRES@|$(slepc) $(petsc)|' \
	  engd.pc.in > $$root/lib/pkgconfig/engd.pc
install: $(B)/installed/engd

uninstall: ## remove what `make install` wrote, with the same PREFIX and DESTDIR
	@root='$(DESTDIR)$(PREFIX)'; \
	rm -rf $$root/bin/engd $$root/lib/libengd.* $$root/lib/pkgconfig/engd.pc $$root/include/engd.h $$root/include/engd $$root/share/engd \
	  $$root/share/doc/engd $$root/share/man/man1/engd.1

bench: $(BENCHES) ## measure products and least squares against DGEMM, and against what STORE=1 kept
	MPIEXEC="$(MPIEXEC)" runs/bench.py $(if $(STORE),--store) $(filter-out %/messages,$(BENCHES))

format: ## put all code into the format of .clang-format (version 14)
	$(FORMAT) -i $(CODE)

problems: ## write docs/problems.md, the table of the options files, from their first comments
	docs/problems.py

format-check: ## fail when `make format` would change something
	$(FORMAT) --dry-run -Werror $(CODE)

WANTED ?= $(PACKAGES) $(TEST_PACKAGES) $(PLOT_PACKAGES)
install-packages: ## install the Debian packages that are missing, those for tests and plots too (root or sudo)
	@command -v dpkg-query >/dev/null || exit 0; \
	missing=$$(for p in $(WANTED); do \
	  dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q ' installed$$' || echo $$p; done | xargs); \
	[ -n "$$missing" ] || exit 0; \
	sudo=; [ $$(id -u) = 0 ] || sudo=sudo; \
	if command -v apt-get >/dev/null && { [ -z "$$sudo" ] || sudo -n true 2>/dev/null || { [ -t 0 ] && command -v sudo >/dev/null; }; } && \
	  echo "missing Debian packages: $$missing"; echo "they are installed by $${sudo:+$$sudo }apt-get update and apt-get install" && \
	  $$sudo apt-get update -q && \
	  $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $$missing; \
	then update-alternatives --get-selections | awk '/^lib(blas|lapack)\.so\.3-/ && $$3 !~ /openblas/ { \
	    print "slow: " $$1 " is not OpenBLAS; to change it: update-alternatives --config " $$1}'; \
	else echo "These packages are missing and could not be installed from here; run, as root:" >&2; \
	  echo "  apt-get update && apt-get install -y $$missing" >&2; exit 1; fi

clean: ## remove all that was built
	rm -rf build lib engd

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-17s %s\n", $$1, $$2}' makefile

# How; V=1 shows the commands in full
Q   := $(if $(V),,@)
say  = @printf '%-8s %s\n' $(1) $(2)

$(PROGRAM): $(B)/src/main.o $(LIBRARY)
	$(call say,link,$@)
	$(Q)$(CC) $(OPTFLAGS) $(LDFLAGS) -rdynamic -o $@ $< -Wl,--whole-archive $(LIBRARY) -Wl,--no-whole-archive $(LIBS)
	@[ -e $(@D)/options ] || ln -s $(CURDIR)/options $(@D)/options

$(LIBRARY): $(OBJECTS)
	$(call say,archive,$@)
	@mkdir -p $(@D) && rm -f $@
	$(Q)ar rcs $@ $^

$(SHARED): $(OBJECTS)
	$(call say,link,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(OPTFLAGS) $(LDFLAGS) -shared -Wl,-soname,libengd.so.$(ABI) -o $@ $^ $(LIBS)
	@ln -sf $(@F) $(@D)/libengd.so.$(ABI)

$(B)/installed/engd: $(B)/src/main.o $(SHARED)
	$(call say,link,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(OPTFLAGS) $(LDFLAGS) -o $@ $^ '-Wl,-rpath,$$ORIGIN/../lib' $(LIBS)

# Eighty links: ld takes 0.6 s of a core for each, gold, where there is one, 0.1 s; what tests compute is too little for -O3 to pay.
# Of objects with sanitizers gold warns in hundreds of lines.
GOLD       := $(if $(findstring sanitize,$(OPTFLAGS)),,$(shell command -v ld.gold))
TESTS_LINK := $(CC) $(OPTFLAGS) $(if $(GOLD),-fuse-ld=gold) $(LDFLAGS)
$(UNITS:%=%.o): FAST := -O1

$(B)/tests/unit/%: $(B)/tests/unit/%.o $(LIBRARY)
	$(call say,link,$@)
	$(Q)$(TESTS_LINK) -o $@ $< $(LIBRARY) -lcmocka $(LIBS)

$(B)/tests/run/%: $(B)/tests/run/%.o $(LIBRARY)
	$(call say,link,$@)
	$(Q)$(TESTS_LINK) -rdynamic -o $@ $< -Wl,--whole-archive $(LIBRARY) -Wl,--no-whole-archive $(LIBS)

$(B)/tests/fuzz/%: $(B)/tests/fuzz/%.o $(if $(FUZZING),,$(B)/tests/fuzz/replay.o) $(LIBRARY)
	$(call say,link,$@)
	$(Q)$(TESTS_LINK) $(if $(FUZZING),-fsanitize=fuzzer) -o $@ $(filter %.o,$^) $(LIBRARY) $(LIBS)

$(B)/bench/%: $(B)/tests/bench/%.o $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,link,$@)
	$(Q)$(TESTS_LINK) -o $@ $< $(LIBRARY) $(LIBS)

# glibc's vector tanh and exp are used under -ffast-math only; never on the link, where it would change the whole program
$(B)/src/network/activation.o $(B)/src/network/activation_kernels.o: FAST := -ffast-math -fopenmp-simd

$(B)/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(call say,compile,$<)
	$(Q)$(CC) $(CFLAGS) $(FAST) -c -o $@ $<

$(B)/registered.o: $(B)/registered.c $(B)/flags
	$(call say,compile,$<)
	$(Q)$(CC) $(CFLAGS) -c -o $@ $<

# The table of the built-in types: changes when a file that names one comes, goes or is renamed
$(B)/registered.c: FORCE
	@mkdir -p $(@D) && grep '^ENGD_REGISTER_' $(SOURCES) | LC_ALL=C sort -t: -k2 | awk -f src/registered.awk >$@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

# What the summaries of runs name, where the sources are a clone
COMMIT := $(shell [ -e .git ] && git describe --always --dirty --abbrev=12 --exclude='*' 2>/dev/null)
$(B)/src/system/version.o: FAST := -DENGD_COMMIT='"$(COMMIT)"'
$(B)/src/system/version.o: $(B)/commit
$(B)/commit: FORCE
	@mkdir -p $(@D); echo '$(COMMIT)' | cmp -s - $@ || echo '$(COMMIT)' > $@

# Changes when the compiler or its flags do, so that objects of two kinds are never mixed
$(B)/flags: FORCE
	$(if $(strip $(libdir)),,$(error PETSc and SLEPc are not found$(if $(PETSC_DIR), in PETSC_DIR=$(PETSC_DIR) PETSC_ARCH=$(PETSC_ARCH)): `make install-packages`, or set PETSC_DIR [PETSC_ARCH] and SLEPC_DIR))
	@mkdir -p $(@D); echo '$(CC) $(CFLAGS)' | cmp -s - $@ || echo '$(CC) $(CFLAGS)' > $@

-include $(shell [ -d $(B) ] && find $(B) -name '*.d')
