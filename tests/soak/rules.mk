# Endurance: what `make test` does in short, for longer, and what it leaves out. The Makefile includes this file.
#
#   make soak                    about 8 minutes; SOAK_SECONDS=60: each fuzz run for that long
#
# TAGPOOL_TEST_SYSTEM=1 lets tests change settings of the machine for a moment; CI sets it. Those run
# when all others have ended: with few mappings allowed, another test's emulator never comes back.
# So does the server, whose memory is compared: it has more where its threads wait for a processor.

SOAK_SECONDS ?= 12
ALONE_TESTS  := tests/surroundings/test_system.sh tests/soak/test_server.sh
SOAK_TESTS   := $(filter $(BUILD)/tests/fuzz/% $(BUILD)/tests/stress/% \
                $(addprefix $(BUILD)/tests/,preload/test_fork misuse/test_random misuse/test_misuses),$(TEST_PROGRAMS)) \
                $(filter %fuzz_options %fuzz_files,$(UNIT_PROGRAMS)) tests/harness/test_compilers.sh \
                $(filter-out $(ALONE_TESTS),$(wildcard tests/soak/test_*.sh tests/surroundings/test_*.sh))
IN_SOAK       = BUILD=$(BUILD) CC="$(CC)" TAGPOOL_FUZZ_SECONDS=$(SOAK_SECONDS) TAGPOOL_TEST_LONG=1

.PHONY: soak

soak: all $(TEST_START) $(TEST_LIBRARIES) $(filter $(BUILD)/%,$(SOAK_TESTS)) $(BUILD)/tests/soak/server ## fuzz and stress for longer, sanitizers included (8 minutes)
	@$(IN_SOAK) TAGPOOL_TEST_SYSTEM= tests/harness/run -t 900 $(SOAK_TESTS)
	@$(IN_SOAK) tests/harness/run -t 900 -j 1 $(ALONE_TESTS)
	@$(MAKE) --no-print-directory fuzz FUZZ_SECONDS=$(SOAK_SECONDS)
	@$(MAKE) --no-print-directory sanitize
