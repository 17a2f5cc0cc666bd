# libFuzzer over the targets tests/fuzz/fuzz_*.c. The Makefile includes this file.
#
#   make fuzz                  each target for FUZZ_SECONDS, or its name and why not
#   make fuzz FUZZ_SECONDS=600
#
# What it finds lies in $(BUILD)/fuzz: new inputs in found-NAME, what crashed in crash-*.
# Options and files run with AddressSanitizer and UndefinedBehaviorSanitizer; the model runs on a small-world library
# that tells libFuzzer which of its branches were taken, as it is, with tags and hardened.

FUZZ_SECONDS ?= 20
FUZZ_CC      ?= clang
FUZZ_TARGETS := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c)) model-tagged model-hardened
FUZZ_OPTIONS_model-tagged   := strategy=tagged
FUZZ_OPTIONS_model-hardened := harden=on,guard=3,quarantine=16
FUZZ_FLAGS   := $(DEFINES) -std=gnu17 -Isrc -Itools/cli -Itools -Itests/harness -O1 -g -fno-builtin
FUZZ_CHECKS  := -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined

.PHONY: fuzz

fuzz: ## run libFuzzer on the allocator and on every reader (FUZZ_SECONDS=20 each)
	@mkdir -p $(BUILD)/fuzz
	@if echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' | \
	    $(FUZZ_CC) -x c -fsanitize=fuzzer - -o $(BUILD)/fuzz/probe 2>/dev/null; then \
	    $(MAKE) --no-print-directory $(FUZZ_TARGETS:%=fuzz-%); \
	else \
	    echo 'skipped fuzz: $(FUZZ_CC) has no libFuzzer here; install clang and libclang-rt-14-dev'; \
	fi

FUZZ_PROGRAMS := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))

# -detect_leaks=0: the sanitizer looks for leaks at the end of all runs.
fuzz-%: target = $(firstword $(subst -, ,$*))
fuzz-%: $(FUZZ_PROGRAMS)
	@mkdir -p $(BUILD)/fuzz/found-$*
	@TAGPOOL_OPTIONS=$(FUZZ_OPTIONS_$*) $(BUILD)/fuzz/fuzz_$(target) -max_total_time=$(FUZZ_SECONDS) -max_len=4096 \
	    -verbosity=0 -print_final_stats=1 -detect_leaks=0 -artifact_prefix=$(BUILD)/fuzz/ \
	    $(BUILD)/fuzz/found-$* tests/fuzz/corpus/$(target) 2>$(BUILD)/fuzz/$*.log || \
	    { tail -n 40 $(BUILD)/fuzz/$*.log; exit 1; }
	@echo "fuzz $*: $$(awk '/number_of_executed/ { print $$2 }' $(BUILD)/fuzz/$*.log) inputs, nothing found"

$(BUILD)/fuzz/fuzz_options: tests/fuzz/fuzz_options.c $(CORE_SOURCES)
	$(call quiet,CC,$<)$(FUZZ_CC) $(FUZZ_FLAGS) $(FUZZ_CHECKS) -o $@ $< src/config.c src/text.c src/size_class.c

$(BUILD)/fuzz/fuzz_files: tests/fuzz/fuzz_files.c $(patsubst $(BUILD)/%.o,%.c,$(ROOM_OBJECTS))
	$(call quiet,CC,$<)$(FUZZ_CC) $(FUZZ_FLAGS) $(FUZZ_CHECKS) -o $@ $^ -lm -ldl -lpthread

$(BUILD)/fuzz/libtagpool.so: $(LIB_SOURCES) $(LIB_SCRIPT)
	@mkdir -p $(@D)
	$(call quiet,LD,$@)$(FUZZ_CC) $(DEFINES) $(LIB_FLAGS) -DTAGPOOL_SMALL_WORLD -O1 -g -fsanitize=fuzzer-no-link $(LIB_LINK) -o $@ $(LIB_SOURCES) -Wl,-T,$(LIB_SCRIPT) -ldl
	@ln -sf libtagpool.so $@.$(ABI)

$(BUILD)/fuzz/fuzz_model: tests/fuzz/fuzz_model.c tests/fuzz/model.h $(BUILD)/fuzz/libtagpool.so
	$(call quiet,CC,$<)$(FUZZ_CC) $(FUZZ_FLAGS) -fsanitize=fuzzer -o $@ $< $(BUILD)/fuzz/libtagpool.so -Wl,-rpath,$(abspath $(BUILD)/fuzz)
