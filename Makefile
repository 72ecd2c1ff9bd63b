# make quickstart  installs what the build needs, builds, runs code in a sandbox
# make check       installs what the tests need, runs every test
#
# make             the program, in build/
# make install     into $(DESTDIR)$(prefix); uninstall undoes it
# make generate    manuals and completions, from the tables in cmd/
# make asan tsan   the tests under sanitizers, each in a folder of its own
# make lint        clang-format, clang-tidy, cppcheck, shellcheck, groff, lengths
# make fuzz        every fuzzer for FUZZ_SECONDS (60)
# make cover       line coverage per folder
# make soak        every call of the executor fails once; hours
# make guest       Debian 13 in a virtual machine: systemd, cgroup v2, power cuts
# make bench       speed and memory against bubblewrap, runc and a bare spawn loop
# make dist        a tarball that builds without git
# make deps        says what is missing and the line that installs it
# make clean help
#
# SANITIZE=address,undefined and FAULTS=1 each build into a folder of their
# own, so that switching costs nothing. V=1 shows the commands. WERROR= for
# packagers whose compiler has new warnings.

VERSION := 0.1.0
prefix = /usr/local
DESTDIR =
bindir = $(prefix)/bin
libdir = $(prefix)/lib
libexecdir = $(prefix)/libexec
includedir = $(prefix)/include
datadir = $(prefix)/share
unitdir = $(prefix)/lib/systemd/system

CC = cc
OBJCOPY = objcopy
CFLAGS = -O2 -g
CPPFLAGS =
LDFLAGS =
WERROR = -Werror

comma := ,
FLAVOUR := $(notdir $(CC))$(if $(SANITIZE),-$(subst $(comma),-,$(SANITIZE)))$(if $(FAULTS),-faults)$(if $(COVERAGE),-coverage)
B := build/$(FLAVOUR)

WARN = -Wall -Wextra $(WERROR) -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wold-style-definition -Wpointer-arith \
	-Wwrite-strings -Wvla -Wimplicit-fallthrough -Wundef \
	-Wno-missing-field-initializers
HARDEN = -fstack-protector-strong -fstack-clash-protection \
	$(if $(SANITIZE)$(COVERAGE),,-D_FORTIFY_SOURCE=2)
ALL_CPPFLAGS = -I. -D_GNU_SOURCE -DFAAS_VERSION='"$(VERSION)"' \
	$(if $(FAULTS),-DFAAS_FAULTS) $(if $(COVERAGE),-DFAAS_COVERAGE) $(CPPFLAGS)
ALL_CFLAGS = -std=gnu11 $(WARN) $(HARDEN) -fvisibility=hidden $(CFLAGS) \
	$(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer) \
	$(if $(COVERAGE),--coverage)
# What lib/base/fault-call.c can let fail.
FAULT_CALLS := malloc calloc realloc open open64 openat openat64 read write pwrite pwrite64 fsync \
	fdatasync syncfs ftruncate ftruncate64 rename renameat renameat2 unlink unlinkat mkdir \
	mkdirat linkat symlinkat socket socketpair accept4 sendmsg recvmsg memfd_create mmap \
	mmap64 clock_gettime
WRAP := $(if $(FAULTS),$(FAULT_CALLS:%=-Wl$(comma)--wrap=%))
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(LDFLAGS) $(WRAP) \
	$(if $(SANITIZE),-fsanitize=$(SANITIZE)) $(if $(COVERAGE),--coverage)

# The lean program: its libraries are inside it, so that nothing but libc is
# loaded when it starts.
LIBS = $(if $(STATIC),-ljansson -lsqlite3 -lseccomp -lsodium -lm,-Wl,-Bstatic -ljansson -lsqlite3 -lseccomp -lsodium -Wl,-Bdynamic -lm)
# The program itself is static too: what the dynamic loader does at every start
# costs as much as the rest of a start. Sanitizers need it dynamic.
STATIC = $(if $(SANITIZE)$(COVERAGE),,-static-pie)

# lib/spawner is the static program that becomes the sandbox; lib/archive, lib/oci and
# lib/statehelper are helpers of their own, with libraries that faas has not.
ROLE_DIRS := lib/spawner lib/archive lib/oci lib/statehelper
LIB_SRC := $(filter-out $(ROLE_DIRS:%=%/%),$(wildcard lib/*/*.c)) lib/spawner/message.c
SPAWNER_SRC := $(wildcard lib/spawner/*.c)
ARCHIVE_SRC := $(wildcard lib/archive/*.c)
OCI_SRC := $(wildcard lib/oci/*.c lib/image/*.c)
STATE_SRC := $(wildcard lib/statehelper/*.c lib/state/*.c lib/crypto/*.c)
DOCGEN_SRC := $(wildcard cmd/docgen*.c)
CMD_SRC := $(filter-out cmd/faas.c $(DOCGEN_SRC),$(wildcard cmd/*.c))
UNIT_SRC := $(wildcard tests/unit/test-*.c)
obj = $(patsubst %.c,$(B)/%.o,$(1))

Q = $(if $(V),,@printf '  %-5s %s\n' $(1) $(2);)

.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:
.PHONY: all help clean

all: $(B)/faas $(B)/faas-archive $(B)/faas-oci $(B)/faas-state

help:
	@sed -n '/^$$/q; s/^# \{0,1\}//p' Makefile

# What becomes the sandbox: static, small, inside faas as a blob (lib/executor/blob.S).
SPAWNER_OBJ := $(patsubst %.c,$(B)/static/%.o,$(SPAWNER_SRC))
$(B)/static/%.o: %.c
	@mkdir -p $(@D)
	$(call Q,CC,$<)$(CC) $(ALL_CPPFLAGS) $(filter-out -fsanitize=% -fno-sanitize-recover=% --coverage,$(ALL_CFLAGS)) \
		-fno-pie -MMD -MP -c -o $@ $<
$(B)/faas-spawner: $(SPAWNER_OBJ)
	$(call Q,LD,$@)$(CC) -static -Wl,-z,relro,-z,noseparate-code -o $@ $^
	@strip -o $@.stripped $@
$(B)/lib/executor/blob.o: lib/executor/blob.S $(B)/faas-spawner
	@mkdir -p $(@D)
	$(call Q,AS,$<)$(CC) -DSPAWNER='"$(B)/faas-spawner.stripped"' -c -o $@ $<
BLOB := $(B)/lib/executor/blob.o

# The entry point runs before libc does (cmd/quick.h): freestanding, and only where
# the program is static and the machine one that cmd/quick.c knows.
QUICK := $(if $(STATIC),$(filter x86_64,$(firstword $(subst -, ,$(shell $(CC) -dumpmachine)))))
$(B)/cmd/quick.o: HARDEN =
# Constants that are not merged lie together, in fewer pages; clang has no such option.
UNMERGED := $(shell $(CC) -Werror -fno-merge-constants -E -x c /dev/null >/dev/null 2>&1 && echo -fno-merge-constants)
$(B)/cmd/quick.o: CFLAGS += -ffreestanding -fno-stack-protector -mgeneral-regs-only $(UNMERGED)
$(B)/cmd/quick.o: SANITIZE =
$(B)/cmd/quick.o: COVERAGE =

$(B)/faas: $(call obj,cmd/faas.c $(CMD_SRC) $(LIB_SRC)) $(BLOB)
	$(call Q,LD,$@)$(CC) $(ALL_CFLAGS) $(filter-out $(if $(STATIC),-pie),$(ALL_LDFLAGS)) $(STATIC) \
		$(if $(QUICK),-Wl$(comma)-e$(comma)quick_entry) -o $@ $^ $(LIBS) \
		2>build/link.log || { cat build/link.log >&2; exit 1; }
# Found by the executor beside faas, or in $(libexecdir)/faas, where it belongs
# when installed.
ARCHIVE_LIBS = -Wl,-Bstatic -lseccomp -Wl,-Bdynamic -larchive
$(B)/faas-archive: $(call obj,$(ARCHIVE_SRC) $(wildcard lib/base/*.c))
	$(call Q,LD,$@)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(ARCHIVE_LIBS)
STATE_LIBS = -Wl,-Bstatic -ljansson -lsodium -lseccomp -Wl,-Bdynamic -larchive -lzstd -lgit2
$(B)/faas-state: $(call obj,$(STATE_SRC) $(wildcard lib/base/*.c))
	$(call Q,LD,$@)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(STATE_LIBS)
OCI_LIBS = -Wl,-Bstatic -ljansson -Wl,-Bdynamic -lcurl -lcrypto -lz -larchive
$(B)/faas-oci: $(call obj,$(OCI_SRC) $(wildcard lib/base/*.c))
	$(call Q,LD,$@)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(OCI_LIBS)
$(B)/docgen: $(call obj,$(DOCGEN_SRC) $(CMD_SRC) $(LIB_SRC)) $(BLOB)
	$(call Q,LD,$@)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)
$(B)/tests/unit/%: $(B)/tests/unit/%.o $(call obj,$(LIB_SRC)) $(BLOB)
	$(call Q,LD,$@)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)
$(B)/tests/unit/test-cmd-%: $(B)/tests/unit/test-cmd-%.o $(call obj,$(CMD_SRC) $(LIB_SRC)) $(BLOB)
	$(call Q,LD,$@)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)
# What is in faas-state alone.
TESTED_STATE := $(call obj,$(filter-out lib/statehelper/main.c,$(STATE_SRC)))
$(B)/tests/unit/test-crypto-%: $(B)/tests/unit/test-crypto-%.o $(TESTED_STATE) $(call obj,$(wildcard lib/base/*.c))
	$(call Q,LD,$@)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(STATE_LIBS)
$(B)/tests/unit/test-statehelper-%: $(B)/tests/unit/test-statehelper-%.o $(TESTED_STATE) $(call obj,$(wildcard lib/base/*.c))
	$(call Q,LD,$@)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(STATE_LIBS)
# What becomes the sandbox, once more, as a library for its tests.
TESTED_SPAWNER := $(patsubst %.c,$(B)/tested/%.o,$(filter-out lib/spawner/message.c,$(SPAWNER_SRC)))
$(B)/tested/%.o: %.c
	@mkdir -p $(@D)
	$(call Q,CC,$<)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -Dmain=spawner_main \
		-Wno-missing-prototypes -fPIE -MMD -MP -c -o $@ $<
$(B)/tests/unit/test-spawner-%: $(B)/tests/unit/test-spawner-%.o $(TESTED_SPAWNER) $(call obj,$(LIB_SRC)) $(BLOB)
	$(call Q,LD,$@)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)
$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(call Q,CC,$<)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -fPIE -MMD -MP -c -o $@ $<

# These are inside the program.
$(B)/cmd/completion.o: completions/faas.bash completions/_faas

# What the tests of the sandbox send into it; static, so that any environment has it.
PROBE := $(B)/tests/executor/probe
$(PROBE): $(wildcard tests/executor/probe*.[ch])
	@mkdir -p $(@D)
	$(call Q,CC,$@)$(CC) -I. -D_GNU_SOURCE -std=gnu11 $(filter-out -fsanitize=%,$(WARN)) -O1 -static -o $@ $(filter %.c,$^)

# What they make system calls fail with.
DENY := $(B)/tests/executor/deny
$(DENY): tests/executor/deny.c
	@mkdir -p $(@D)
	$(call Q,CC,$@)$(CC) -I. -D_GNU_SOURCE -std=gnu11 $(filter-out -fsanitize=%,$(WARN)) -O1 -o $@ $< -lseccomp

GREEDY := $(B)/tests/executor/greedy
$(GREEDY): tests/executor/greedy.c
	@mkdir -p $(@D)
	$(call Q,CC,$@)$(CC) -I. -D_GNU_SOURCE -std=gnu11 $(filter-out -fsanitize=%,$(WARN)) -O1 -static -o $@ $<

PROBES := $(PROBE) $(DENY) $(GREEDY)

-include $(wildcard $(B)/*/*.d $(B)/*/*/*.d $(B)/*/*/*/*.d)

UNIT := $(patsubst %.c,$(B)/%,$(UNIT_SRC))
.PHONY: check-unit
check-unit: $(UNIT) $(B)/faas-archive $(B)/faas-state
	@set -e; for t in $(UNIT); do printf '  %-5s %s\n' TEST "$$t"; "$$t"; done

# What is committed under man/ and completions/ is what the tables say.
.PHONY: generate check-generated
generate: $(B)/docgen
	$(call Q,GEN,man completions)scripts/generate $(B)/docgen .
check-generated: $(B)/docgen
	$(call Q,GEN,"compared with what is committed")scripts/generate $(B)/docgen . check

clean:
	rm -rf build

# ---- libfaas: what lib/client/faas.h declares, for programs in other languages ----

API_DIRS := lib/base lib/json lib/wire lib/api lib/lang lib/client
API_SRC := $(filter-out lib/base/fault-call.c,$(foreach d,$(API_DIRS),$(wildcard $(d)/*.c)))
API_OBJ := $(patsubst %.c,$(B)/pic/%.o,$(API_SRC))
API_HEADER := $(wildcard lib/client/faas.h)
SONAME := libfaas.so.0

$(B)/pic/%.o: %.c
	@mkdir -p $(@D)
	$(call Q,CC,$<)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -fPIC -MMD -MP -c -o $@ $<
# One object, in which all names but those of FAAS_API are local: a program that links
# it may have an err_set() of its own.
$(B)/libfaas.a: $(API_OBJ)
	@rm -f $@
	$(call Q,AR,$@)$(LD) -r -o $(B)/libfaas.o $^ && \
		$(OBJCOPY) --localize-hidden $(B)/libfaas.o && $(AR) rcs $@ $(B)/libfaas.o
# Where the library looks for the program; built again when that is another place.
$(B)/pic/lib/client/start.o: ALL_CPPFLAGS += -DFAAS_BINDIR='"$(bindir)"'
$(B)/pic/lib/client/start.o: $(B)/bindir
$(B)/bindir: FORCE
	@mkdir -p $(@D); echo '$(bindir)' | cmp -s - $@ || echo '$(bindir)' >$@
.PHONY: FORCE
FORCE:
# What is not marked FAAS_API stays inside, jansson's names included.
$(B)/$(SONAME): $(API_OBJ) scripts/libfaas.map
	$(call Q,LD,$@)$(CC) $(ALL_CFLAGS) $(filter-out -pie $(WRAP),$(ALL_LDFLAGS)) -shared \
		-Wl,-soname,$(SONAME) -Wl,--version-script=scripts/libfaas.map \
		-Wl,--no-undefined -o $@ $(API_OBJ) -ljansson -lm
-include $(wildcard $(B)/pic/*/*/*.d)

.PHONY: lib
lib: $(if $(API_HEADER),$(B)/libfaas.a $(B)/$(SONAME))
all: lib

# ---- install, uninstall, dist, deps, quickstart ------------------------------------

mandir = $(datadir)/man
userunitdir = $(prefix)/lib/systemd/user
INSTALL = install
VERSION_FILE := $(wildcard VERSION)
ifneq ($(VERSION_FILE),)
VERSION := $(shell cat VERSION)
endif

MAN_PAGES := $(wildcard man/*.[13578])
HELPERS = $(wildcard $(B)/faas-archive $(B)/faas-oci $(B)/faas-state)
unit_file = sed -e 's|@bindir@|$(bindir)|; s|@SOCKET@|$(2)|; s|@MODE@|$(3)|' \
	scripts/systemd/faas-executor.$(1).in
put = $(INSTALL) -D -m 644

.PHONY: install install-lib uninstall dist deps quickstart
install: all $(if $(API_HEADER),install-lib)
	$(INSTALL) -D -m 755 $(B)/faas $(DESTDIR)$(bindir)/faas
	$(foreach h,$(HELPERS),$(INSTALL) -D -m 755 $(h) \
		$(DESTDIR)$(libexecdir)/faas/$(notdir $(h)) &&) true
	for page in $(MAN_PAGES); do \
		$(put) $$page $(DESTDIR)$(mandir)/man$${page##*.}/$${page##*/} || exit; \
	done
	test ! -e completions/faas.bash || $(put) completions/faas.bash \
		$(DESTDIR)$(datadir)/bash-completion/completions/faas
	test ! -e completions/_faas || $(put) completions/_faas \
		$(DESTDIR)$(datadir)/zsh/site-functions/_faas
	$(INSTALL) -d $(DESTDIR)$(unitdir) $(DESTDIR)$(userunitdir)
	$(call unit_file,socket,/var/lib/faas/run/executor.sock,0600) \
		>$(DESTDIR)$(unitdir)/faas-executor.socket
	$(call unit_file,service) >$(DESTDIR)$(unitdir)/faas-executor.service
	$(call unit_file,socket,%h/.local/state/faas/run/executor.sock,0600) \
		>$(DESTDIR)$(userunitdir)/faas-executor.socket
	$(call unit_file,service) >$(DESTDIR)$(userunitdir)/faas-executor.service
	$(put) LICENSE $(DESTDIR)$(datadir)/doc/faas/LICENSE
	$(put) README.md $(DESTDIR)$(datadir)/doc/faas/README.md

install-lib: lib
	$(put) $(API_HEADER) $(DESTDIR)$(includedir)/faas.h
	$(put) $(B)/libfaas.a $(DESTDIR)$(libdir)/libfaas.a
	$(INSTALL) -D -m 755 $(B)/$(SONAME) $(DESTDIR)$(libdir)/$(SONAME)
	ln -sf $(SONAME) $(DESTDIR)$(libdir)/libfaas.so
	$(INSTALL) -d $(DESTDIR)$(libdir)/pkgconfig
	sed -e 's|@prefix@|$(prefix)|; s|@libdir@|$(libdir)|; s|@VERSION@|$(VERSION)|' \
		-e 's|@includedir@|$(includedir)|' scripts/faas.pc.in \
		>$(DESTDIR)$(libdir)/pkgconfig/faas.pc

uninstall:
	rm -f $(DESTDIR)$(bindir)/faas \
		$(addprefix $(DESTDIR)$(libdir)/,libfaas.a libfaas.so $(SONAME) pkgconfig/faas.pc) \
		$(DESTDIR)$(includedir)/faas.h \
		$(DESTDIR)$(datadir)/bash-completion/completions/faas \
		$(DESTDIR)$(datadir)/zsh/site-functions/_faas \
		$(foreach p,$(MAN_PAGES),$(DESTDIR)$(mandir)/man$(subst .,,$(suffix $(p)))/$(notdir $(p))) \
		$(addprefix $(DESTDIR)$(unitdir)/faas-executor.,socket service) \
		$(addprefix $(DESTDIR)$(userunitdir)/faas-executor.,socket service)
	rm -rf $(DESTDIR)$(libexecdir)/faas $(DESTDIR)$(datadir)/doc/faas

# What is committed, and the version, which git is not there to tell.
dist:
	@mkdir -p build/dist
	@echo '$(VERSION)' >build/dist/VERSION
	git archive --prefix=faas-$(VERSION)/ --add-file=build/dist/VERSION HEAD | \
		gzip -9n >build/dist/faas-$(VERSION).tar.gz
	@rm build/dist/VERSION
	@echo build/dist/faas-$(VERSION).tar.gz

deps:
	@scripts/deps build run test lint

quickstart:
	scripts/deps --install build run
	$(MAKE) all
	scripts/quickstart $(B)/faas

# ---- tests -------------------------------------------------------------------------

CHECKS := check-generated check-symbols check-layers check-headers check-tests check-length
.PHONY: check check-cli check-executor $(CHECKS) asan tsan

check:
	@scripts/deps --install test
	$(MAKE) all $(UNIT) $(PROBES) $(B)/docgen
	$(MAKE) FAULTS=1 all
	+@CC='$(CC)' FAULTS='$(FAULTS)' FAULTS_BUILD='$(B:-faults=)-faults' \
		scripts/run-tests $(B) $(CHECKS) unit cli executor faults

check-cli check-executor: check-%: all $(B)/docgen $(PROBES)
	@CC='$(CC)' FAULTS='$(FAULTS)' scripts/run-tests $(B) $*

check-symbols: all $(B)/docgen
	@scripts/check-symbols $(B)
check-layers:
	@scripts/check-layers
check-headers:
	@scripts/check-headers $(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS)
check-tests: $(B)/docgen
	@scripts/check-tests $(B)/docgen
	@scripts/check-reliability
check-length:
	@scripts/check-length

# The flavour's own folder, its tests, and its failure points.
asan:
	$(MAKE) SANITIZE=address,undefined FAULTS=1 sanitized GROUPS='unit cli executor'
tsan:
	$(MAKE) SANITIZE=thread FAULTS=1 sanitized GROUPS='unit cli'
.PHONY: sanitized
sanitized: all $(UNIT) $(B)/docgen $(PROBES)
	@CC='$(CC)' FAULTS='$(FAULTS)' SANITIZE='$(SANITIZE)' BATS_TEST_TIMEOUT=300 \
		scripts/run-tests $(B) $(GROUPS)

# What needs another system than this one; an hour without KVM.
.PHONY: guest
guest:
	scripts/guest test
	scripts/guest power

# ---- lint, fuzz, cover, bench ------------------------------------------------------

FUZZ_SECONDS = 60
FUZZ_SRC := $(wildcard tests/fuzz/fuzz-*.c)
SCRIPTS = $(shell grep -slE '^\#!/bin/(ba)?sh' scripts/* .ci/*)
# Off: what does not know of __attribute__((cleanup)) or of va_start, taste (vfork
# where fork would copy page tables, X macros whose arguments are whole initializers).
# Not looked at: what the kernel writes in cmd/quick.c, which asm hides from both.
TIDY = -*,bugprone-*,-bugprone-easily-swappable-parameters,-bugprone-reserved-identifier,$\
	-bugprone-assignment-in-if-condition,-bugprone-narrowing-conversions,$\
	-bugprone-implicit-widening-of-multiplication-result,clang-analyzer-*,$\
	-bugprone-suspicious-string-compare,-clang-analyzer-valist.Uninitialized,$\
	-clang-analyzer-unix.Malloc,-clang-analyzer-unix.Vfork,$\
	-clang-analyzer-security.insecureAPI.vfork,-bugprone-macro-parentheses,$\
	-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling

.PHONY: lint fuzz fuzz-all cover cover-report bench
lint:
	@scripts/deps lint
	@echo 'clang-format (advice only):'; n=0; for f in $$(git ls-files '*.[ch]'); do \
		clang-format --dry-run -Werror $$f >/dev/null 2>&1 || n=$$((n + 1)); \
	done; echo "  $$n files differ"
	@mkdir -p build; echo clang-tidy; clang-tidy --quiet --warnings-as-errors='*' --checks='$(TIDY)' \
		$(filter-out cmd/quick.c,$(wildcard cmd/*.c lib/*/*.c)) -- \
		-std=gnu11 $(ALL_CPPFLAGS) 2>&1 | { grep -v ' warnings\{0,1\} generated' || true; } >build/tidy; \
	cat build/tidy; ! grep -qE ' error: |^Stack dump' build/tidy
	cppcheck --quiet --error-exitcode=1 --enable=warning,portability --inline-suppr \
		--include=scripts/lint.h \
		--suppress=nullPointerRedundantCheck --suppress=memleak -I. -D_GNU_SOURCE cmd lib
	shellcheck --exclude=SC2016 $(SCRIPTS) $(wildcard completions/faas.bash)
	for page in $(MAN_PAGES); do groff -man -ww -z $$page || exit; done
	$(MAKE) check-length

fuzz:
	$(MAKE) CC=clang SANITIZE=fuzzer-no-link,address,undefined fuzz-all
fuzz-all: $(patsubst %.c,$(B)/%,$(FUZZ_SRC))
	@for f in $^; do \
		corpus=$(B)/corpus/$$(basename $$f); seeds=tests/fuzz/corpus/$$(basename $$f); \
		mkdir -p $$corpus; echo "  FUZZ  $$f for $(FUZZ_SECONDS) s"; \
		$$f -max_total_time=$(FUZZ_SECONDS) -verbosity=0 -print_final_stats=1 \
			-artifact_prefix=$(B)/ $$corpus $$(test ! -d $$seeds || echo $$seeds) || exit; \
	done
$(B)/tests/fuzz/%: $(B)/tests/fuzz/%.o $(call obj,$(LIB_SRC)) $(BLOB)
	$(call Q,LD,$@)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(LIBS)
# What is not in faas itself.
$(B)/tests/fuzz/fuzz-archive: $(call obj,lib/archive/policy.c)
$(B)/tests/fuzz/fuzz-passwd: $(TESTED_SPAWNER)

# How many points are left out between two.
EVERY = 1
.PHONY: soak
soak:
	$(MAKE) FAULTS=1 all
	tests/soak/calls --verbose --every $(EVERY) $(B:-faults=)-faults/faas

cover:
	$(MAKE) COVERAGE=1 CFLAGS='-O0 -g' cover-report
cover-report: all $(UNIT) $(B)/docgen $(PROBES)
	@find $(B) -name '*.gcda' -delete
	@scripts/run-tests $(B) unit cli executor || true
	@scripts/cover $(B)

BENCH := $(patsubst %,$(B)/tests/bench/%,pairs load floor empty)
$(B)/tests/bench/pairs $(B)/tests/bench/floor $(B)/tests/bench/empty: %: %.o
	$(call Q,LD,$@)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^
$(B)/tests/bench/load: $(B)/tests/bench/load.o $(call obj,$(LIB_SRC)) $(BLOB)
	$(call Q,LD,$@)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)
bench: all $(BENCH)
	@tests/bench/bench $(B)

