# Endurance: what `make test` does in short, for longer, and what it leaves out. The Makefile includes this file.
#
#   make soak                    about 8 minutes; SOAK_SECONDS=60: each fuzz run for that long
#
# TAGPOOL_TEST_SYSTEM=1 lets the tests change settings of the machine for a moment; CI sets it.

SOAK_SECONDS ?= 12
SOAK_TESTS   := $(filter $(BUILD)/tests/fuzz/%,$(TEST_PROGRAMS)) $(filter %fuzz_options %fuzz_files,$(UNIT_PROGRAMS)) \
                $(wildcard tests/soak/test_*.sh tests/surroundings/test_*.sh)

.PHONY: soak

soak: all $(TEST_LIBRARIES) $(filter $(BUILD)/%,$(SOAK_TESTS)) $(BUILD)/tests/soak/server ## fuzz and stress for longer, sanitizers included (8 minutes)
	@BUILD=$(BUILD) CC="$(CC)" TAGPOOL_FUZZ_SECONDS=$(SOAK_SECONDS) TAGPOOL_TEST_LONG=1 tests/harness/run -t 900 $(SOAK_TESTS)
	@$(MAKE) --no-print-directory fuzz FUZZ_SECONDS=$(SOAK_SECONDS)
	@$(MAKE) --no-print-directory sanitize
