# Tagpool: build, test, install. `make help` lists the targets; V=1 prints the commands.
#
# What is built lies below $(BUILD). A file in its folder is part of the build: no lists.

# A job for each processor, unless -j says otherwise. Several goals are made in their order.
ifeq ($(MAKELEVEL)$(word 2,$(MAKECMDGOALS)),0)
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 1)
endif

CC      ?= cc
CXX     ?= c++
CFLAGS  ?= -O2 -g
CXXFLAGS ?= $(CFLAGS)
PREFIX  ?= /usr/local
DESTDIR ?=
VERSION := $(shell sed -n 's/^.define TAGPOOL_VERSION "\(.*\)"/\1/p' include/tagpool/version.h)
ABI     := $(shell sed -n 's/^.define TAGPOOL_ABI "\(.*\)"/\1/p' include/tagpool/version.h)
# Where the loader looks on this system, if PREFIX is one that it knows.
MULTIARCH := $(shell $(CC) -print-multiarch 2>/dev/null)
LIBDIR_GIVEN := $(filter-out undefined default,$(origin LIBDIR))
LIBDIR  ?= $(PREFIX)/lib$(if $(filter /usr /usr/local,$(PREFIX)),$(if $(MULTIARCH),/$(MULTIARCH)))
BUILD   ?= build
$(if $(word 2,x$(BUILD))$(findstring :,$(BUILD)),$(error BUILD is '$(BUILD)': make knows no file \
    with a blank or a colon in its name. Give it a symbolic link to that folder))
ONLY    ?=

WARN       := -Wall -Wextra -Wundef -Wshadow -Wpointer-arith -Wcast-qual -Wwrite-strings -Wvla $(if $(CI),-Werror)
C          := -std=gnu17 $(WARN) -Wstrict-prototypes -Wmissing-prototypes
CXX_FLAGS  := -std=gnu++17 $(WARN)
DEFINES    := -Iinclude -D_GNU_SOURCE
LIB_FLAGS  := $(C) -Isrc -fPIC -fvisibility=hidden -fno-builtin-malloc -ftls-model=initial-exec \
              -fno-semantic-interposition -fexceptions
LIB_SCRIPT := src/layout.ld
LIB_LINK   := -shared -nostartfiles -Wl,-z,nodelete -Wl,-soname,libtagpool.so.$(ABI) -Wl,-z,now -Wl,-z,relro -Wl,-z,noseparate-code \
              -Wl,-O1 -Wl,--sort-section=name -Wl,--as-needed
TOOL_FLAGS := $(C) -Itools/cli -Itools
TEST_FLAGS := -Isrc -Itools/cli -Itools -Itests/harness -O1 -fno-builtin
TEST_LINK  := -lm -ldl -lpthread

LIB_SOURCES  := $(wildcard src/*.c)
# What libtagpool-trace.so is made of, besides its own sources.
TRACE_SOURCES := $(wildcard src/trace/*.c) $(patsubst %,src/%.c,assertion cfi clock encoded environment fork lock modules next objects os shared startup string version unwind)
# shim*.c define malloc and its family: a unit test that linked them would run on them. Of the
# other library, what has no file behind it is tested so.
CORE_SOURCES := $(filter-out src/shim%,$(LIB_SOURCES)) src/trace/blocks.c src/trace/sample.c
# The program and the benchmark, which stands on the program's rooms below its command lines.
CLI_OBJECTS   := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tools/cli/*/*.c))
ROOM_OBJECTS  := $(filter-out $(BUILD)/tools/cli/cmd/%,$(CLI_OBJECTS))
BENCH_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tools/bench/*.c))
# Workloads and tests in C++ take part where there is a C++ compiler.
HAVE_CXX     := $(shell command -v $(CXX))
WORKLOADS    := $(addprefix $(BUILD)/,$(basename $(patsubst tools/bench/%,%,$(wildcard tools/bench/workloads/*.c \
                $(if $(HAVE_CXX),tools/bench/workloads/*.cpp)))))

# $(call quiet,CC,FILE) before a command prints `CC FILE` instead of the command. V=1 prints commands, -s nothing.
short_line = $(if $(findstring s,$(firstword -$(MAKEFLAGS))),,echo '$(strip $(1) $(2))';)
quiet      = $(if $(V),,@$(short_line))

.PHONY: all product help debug demo bench bench-strategies test check gate world lint format install uninstall dist deb clean
.DELETE_ON_ERROR:
.FORCE:

all: product $(BUILD)/tagpool-bench $(WORKLOADS) ## build the library, the program and the benchmark

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24
	@echo 'V=1 prints the commands; CI=1 makes warnings errors; BUILD=, CC=, CFLAGS= do what they say.'

# The program finds the library beside it.
debug: $(BUILD)/debug/libtagpool.so ## build library and program in build/debug, for a debugger, with assertions that run
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/debug CFLAGS='-O1 -g' $(BUILD)/debug/tagpool

# What the demo runs, and no more: its first result is there half a minute after a fresh start.
DEMO_NEEDS := $(addprefix $(BUILD)/,libtagpool.so libtagpool-trace.so tagpool $(addprefix workloads/,json_generate json_parse xml_generate))

demo: ## compare the system allocator with tagpool on the parsers of this machine
	@$(if $(wildcard $(BUILD)/tagpool),,echo 'building ...')
	@$(MAKE) -s --no-print-directory $(DEMO_NEEDS)
	@BUILD=$(BUILD) tools/dev/demo

BENCH ?=
bench: all drivers ## measure the panel under every allocator (10 minutes; BENCH=--quick: 2; BENCH=--help)
	$(BUILD)/tagpool-bench $(BENCH)

bench-strategies: all ## compare the strategies: costs, faults found, targets (BENCH=-r 15: more rounds)
	$(BUILD)/tagpool-bench --strategies $(BENCH)
	@echo
	$(BUILD)/tagpool-bench --hardening $(BENCH)

# What runs seldom is built for size: the library is read into every program's memory.
SELDOM := assertion census cfi config encoded environment fault fork heap_life large leaks lifecycle modules next objects os region room shared shim_info spans startup stats text

# What few programs run lies apart in the library (src/layout.ld): whole files here, functions by APART (src/base.h).
# Objects that are no code yet, as those of clang -flto, stay as they are.
APART := blame block_tag census cfi checked encoded fault filters findings halt idle inherited large leaks modules origins quarantine reach room roots runtime shared shim_info slot_tags spans stacks text twin unwind
$(foreach file,$(APART),$(if $(wildcard src/$(file).c),,$(error APART: there is no src/$(file).c)))
APART_RODATA := .rodata $(addprefix .rodata.,cst2 cst4 cst8 cst16 cst32 str1.1 str1.8 str1.16 str1.32)
set_apart     = $(OBJCOPY) $(foreach section,.text .text.unlikely,--rename-section $(section)=.text_apart) \
    $(foreach section,$(APART_RODATA),--rename-section $(section)=$(section:.rodata%=.rodata_apart%)) $(1) 2>/dev/null || :
OBJCOPY      := $(shell $(CC) -print-prog-name=objcopy)

# A variant of the library: $(1) the directory that it is built in, $(2) its compiler flags, $(3) those that take the
# place of CFLAGS.
define variant
$(1)/src/%.o: src/%.c
	@mkdir -p $$(@D)
	$$(call quiet,CC,$$<$(if $(2), ($(notdir $(1)))))$$(CC) $$(DEFINES) $$(CPPFLAGS) $$(LIB_FLAGS) $(2) $$(CFLAGS) $(3) -MMD -MP -c -o $$@ $$<
	$$(if $$(filter $$*,$$(APART)),$(if $(V),,@)$$(call set_apart,$$@))

$(SELDOM:%=$(1)/src/%.o): private CFLAGS := $$(CFLAGS:-O2=-Os)

$(1)/libtagpool.so: $(LIB_SOURCES:%.c=$(1)/%.o) $(LIB_SCRIPT)
	$$(call quiet,LD,$$@)$$(CC) $$(CFLAGS) $$(LIB_LINK) $$(LDFLAGS) -o $$@ $$(filter %.o,$$^) -Wl,-T,$(LIB_SCRIPT) -ldl
	@ln -sf libtagpool.so $$@.$(ABI) # for what is linked with it here

$(1)/libtagpool-core.a: $(CORE_SOURCES:%.c=$(1)/%.o)
	@rm -f $$@
	$$(call quiet,AR,$$@)$$(AR) rcs $$@ $$^

-include $(LIB_SOURCES:%.c=$(1)/%.d) $(TRACE_SOURCES:%.c=$(1)/%.d)
endef
$(eval $(call variant,$(BUILD),))
$(eval $(call variant,$(BUILD)/small,-DTAGPOOL_SMALL_WORLD -DTAGPOOL_DEBUG))
$(eval $(call variant,$(BUILD)/debug,-DTAGPOOL_DEBUG,-O1 -g))

$(BUILD)/libtagpool-trace.so: $(TRACE_SOURCES:%.c=$(BUILD)/%.o)
	$(call quiet,LD,$@)$(CC) $(CFLAGS) $(LIB_LINK:%,libtagpool.so.$(ABI)=%,libtagpool-trace.so) $(LDFLAGS) -o $@ $^ -ldl

$(BUILD)/tagpool: $(CLI_OBJECTS)
$(BUILD)/tagpool-bench: $(BENCH_OBJECTS) $(ROOM_OBJECTS)
$(BUILD)/tagpool $(BUILD)/tagpool-bench:
	$(call quiet,LD,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lm -ldl -lpthread

$(BUILD)/tools/%.o: tools/%.c
	@mkdir -p $(@D)
	$(call quiet,CC,$<)$(CC) $(DEFINES) $(CPPFLAGS) $(TOOL_FLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# Where the program looks for its libraries, besides the folders around it. The file changes with what it holds.
$(BUILD)/libdir: .FORCE
	@mkdir -p $(@D)
	@text='-DTAGPOOL_MULTIARCH="$(MULTIARCH)" -DTAGPOOL_LIBDIR="$(if $(LIBDIR_GIVEN),$(LIBDIR))"'; \
	    printf '%s\n' "$$text" | cmp -s - $@ || printf '%s\n' "$$text" >$@

$(BUILD)/tools/cli/target/library.o: $(BUILD)/libdir
$(BUILD)/tools/cli/target/library.o: private CPPFLAGS += $(if $(MULTIARCH),-DTAGPOOL_MULTIARCH='"$(MULTIARCH)"') \
    $(if $(LIBDIR_GIVEN),-DTAGPOOL_LIBDIR='"$(LIBDIR)"')

# They take files in by the assembler, which no compiler reports as a dependency.
$(BUILD)/tools/cli/report/page_style.o: tools/cli/report/page.css
$(BUILD)/tools/cli/report/flame_parts.o: tools/cli/report/flame.css tools/cli/report/flame.js

$(BUILD)/workloads/%: tools/bench/workloads/%.c
	@mkdir -p $(@D)
	$(call quiet,CC,$<)$(CC) $(DEFINES) $(CPPFLAGS) $(C) $(CFLAGS) -MMD -MP -o $@ $< $(LDFLAGS) -lm -lpthread

$(BUILD)/workloads/%: tools/bench/workloads/%.cpp
	@mkdir -p $(@D)
	$(call quiet,CXX,$<)$(CXX) $(DEFINES) $(CPPFLAGS) $(CXX_FLAGS) $(CXXFLAGS) -MMD -MP -o $@ $< $(LDFLAGS) -lpthread

include tools/bench/drivers/rules.mk
include tests/fuzz/rules.mk

# Tests: tests/FOLDER/test_X.c (.cpp) is built as $(BUILD)/tests/FOLDER/test_X and run; test_X.sh is run as it is.
#   unit     lib/ with the objects of the library (test_small_*.c: of the small-world library), cli/ROOM/ and bench/ with
#            those of the program
#   preload, stress, fuzz   run under the library, once per line of tests/harness/configurations that names them
#   misuse, surroundings, cli, harness, gate, model   run once
# Without a C++ compiler the runner gets the names of the sources in C++, and counts each as skipped.
# The folders in this order: what takes long must not come last, for one core would wait.
TEST_FOLDERS  := surroundings misuse harness gate model cli stress fuzz preload unit
in_folders     = $(foreach folder,$(TEST_FOLDERS),$(wildcard tests/$(folder)/$(1) tests/$(folder)/*/$(1) tests/$(folder)/*/*/$(1)))
TEST_CXX      := $(call in_folders,test_*.cpp)
TEST_SOURCES  := $(call in_folders,test_*.c) $(if $(HAVE_CXX),$(TEST_CXX))
TEST_PROGRAMS := $(addprefix $(BUILD)/,$(basename $(TEST_SOURCES)))
ALL_TESTS     := $(call in_folders,test_*.sh) $(TEST_PROGRAMS) $(if $(HAVE_CXX),,$(TEST_CXX))
TESTS         := $(if $(ONLY),$(foreach test,$(ALL_TESTS),$(if $(findstring $(ONLY),$(test)),$(test))),$(ALL_TESTS))
TEST_LIBRARIES := $(addprefix $(BUILD)/,$(sort $(shell awk '/^[a-z]/ { print $$2 }' tests/harness/configurations)))

# Starts each test.
TEST_START := $(BUILD)/tests/harness/start

# What the gate counts instructions of.
GATE_SCENARIOS := $(BUILD)/tests/gate/scenarios

test: all $(TEST_START) $(TEST_LIBRARIES) $(if $(findstring /gate/,$(TESTS)),$(GATE_SCENARIOS)) $(filter $(BUILD)/%,$(TESTS)) ## build and run the tests (ONLY=word: those with it in the name)
	@BUILD=$(BUILD) CC="$(CC)" TAGPOOL_TEST_SYSTEM= tests/harness/run -t 900 $(TESTS)

check: test ## the same as test

include tests/sanitize/rules.mk
include tests/soak/rules.mk

world: all ## run more than eighty programs of the distribution with and without the library (WORLD=--install; or names; 20 minutes)
	@BUILD=$(BUILD) tests/world/run $(WORLD)
	@$(if $(filter-out --install,$(WORLD)),,BUILD=$(BUILD) tests/world/advice)
	@$(if $(filter-out --install,$(WORLD)),,BUILD=$(BUILD) tests/world/services/run)

gate: $(BUILD)/libtagpool.so $(GATE_SCENARIOS) ## hold instruction counts to tests/gate/budgets (GATE=--update: write them)
	@BUILD=$(BUILD) tests/gate/run $(GATE) || [ $$? -eq 77 ]

build_test = $(call quiet,CC,$<)$(CC) $(DEFINES) $(CPPFLAGS) $(C) $(CFLAGS) $(TEST_FLAGS) -MMD -MP -o $@ $< $(filter %.o %.a,$^) $(LDFLAGS)

# Unit tests of the program and of the benchmark. Each takes what it needs out of the archive.
CLI_TESTS   := $(filter $(BUILD)/tests/unit/cli/%,$(TEST_PROGRAMS))
BENCH_TESTS := $(filter $(BUILD)/tests/unit/bench/%,$(TEST_PROGRAMS))
$(BUILD)/tools/cli.a: $(filter-out %/main.o,$(CLI_OBJECTS))
	@rm -f $@
	$(call quiet,AR,$@)$(AR) rcs $@ $^

$(BENCH_TESTS): $(filter-out %/main.o,$(BENCH_OBJECTS))
$(CLI_TESTS) $(BENCH_TESTS): $(BUILD)/tools/cli.a
$(CLI_TESTS) $(BENCH_TESTS): $(BUILD)/%: %.c
	@mkdir -p $(@D)
	$(build_test) $(TEST_LINK)

$(BUILD)/tests/unit/lib/test_small_%: tests/unit/lib/test_small_%.c $(BUILD)/small/libtagpool-core.a
	@mkdir -p $(@D)
	$(build_test) -DTAGPOOL_SMALL_WORLD -DTAGPOOL_DEBUG $(TEST_LINK)

$(BUILD)/tests/unit/lib/test_%: tests/unit/lib/test_%.c $(BUILD)/libtagpool-core.a
	@mkdir -p $(@D)
	$(build_test) $(TEST_LINK)

$(BUILD)/tests/%: tests/%.c
	@mkdir -p $(@D)
	$(build_test) $(TEST_LINK)

$(BUILD)/tests/%: tests/%.cpp
	@mkdir -p $(@D)
	$(call quiet,CXX,$<)$(CXX) $(DEFINES) $(CPPFLAGS) $(CXX_FLAGS) $(CXXFLAGS) $(TEST_FLAGS) -MMD -MP -o $@ $< $(LDFLAGS) $(TEST_LINK)

lint: all ## check format, floors, function length and what else is in tools/dev/lint
	@BUILD=$(BUILD) CC="$(CC)" tools/dev/lint/run

format: ## lay out all C as .clang-format says
	@tools/dev/lint/files c | xargs clang-format -i
	@tools/dev/lint/files c | xargs clang-format -i  # what moved comments left over

# Manual pages and completions come from the program itself, by its tables of commands and options.
MAN_PAGES   := $(patsubst tools/man/%,$(BUILD)/man/%,$(wildcard tools/man/*.[1-9]))
COMPLETIONS := $(addprefix $(BUILD)/completions/,bash zsh fish)

$(BUILD)/man/%: tools/man/% tools/dev/man/fill $(BUILD)/tagpool
	@mkdir -p $(@D)
	$(call quiet,MAN,$@)tools/dev/man/fill $(BUILD)/tagpool $< >$@

$(BUILD)/completions/%: $(BUILD)/tagpool
	@mkdir -p $(@D)
	$(call quiet,GEN,$@)$(BUILD)/tagpool completion $* >$@

# What is installed.
product: $(BUILD)/libtagpool.so $(BUILD)/libtagpool-trace.so $(BUILD)/tagpool $(MAN_PAGES) $(COMPLETIONS)

# Each file in its place, from the build folder: FILE MODE PLACE. The paths may hold spaces.
define INSTALLED
tagpool 755 $(PREFIX)/bin/tagpool
libtagpool.so 755 $(LIBDIR)/libtagpool.so.$(ABI)
libtagpool-trace.so 755 $(LIBDIR)/tagpool/libtagpool-trace.so
man/tagpool.1 644 $(PREFIX)/share/man/man1/tagpool.1
man/libtagpool.7 644 $(PREFIX)/share/man/man7/libtagpool.7
completions/bash 644 $(PREFIX)/share/bash-completion/completions/tagpool
completions/zsh 644 $(PREFIX)/share/zsh/site-functions/_tagpool
completions/fish 644 $(PREFIX)/share/fish/vendor_completions.d/tagpool.fish
endef
export INSTALLED

# What root builds in a folder of somebody else is then theirs.
install: product ## install below DESTDIR, PREFIX (/usr/local), LIBDIR (PREFIX/lib, or where the loader looks)
	@printf '%s\n' "$$INSTALLED" | while read -r file mode place; do \
	    $(if $(findstring s,$(firstword -$(MAKEFLAGS))),,echo "INSTALL $$place";) \
	    install -D -m "$$mode" $(BUILD)/"$$file" '$(DESTDIR)'"$$place" || exit 1; \
	done
	@ln -sf libtagpool.so.$(ABI) '$(DESTDIR)$(LIBDIR)/libtagpool.so'
	@[ -n '$(DESTDIR)' ] || [ "$$(id -u)" -ne 0 ] || ldconfig 2>/dev/null || :
	@[ "$$(id -u)" -ne 0 ] || chown -hR --reference=. $(BUILD)

uninstall: ## remove the installed files (with the DESTDIR, PREFIX and LIBDIR of the installation)
	@printf '%s\n' "$$INSTALLED" 'link 0 $(LIBDIR)/libtagpool.so' | while read -r file mode place; do \
	    rm -f '$(DESTDIR)'"$$place"; \
	done
	@rmdir '$(DESTDIR)$(LIBDIR)/tagpool' 2>/dev/null || :

include tools/dev/packaging/rules.mk

clean: ## remove everything that was built
	rm -rf $(BUILD)

-include $(CLI_OBJECTS:.o=.d) $(BENCH_OBJECTS:.o=.d) $(WORKLOADS:=.d) $(TEST_PROGRAMS:=.d) $(TEST_START:=.d) $(GATE_SCENARIOS:=.d)
