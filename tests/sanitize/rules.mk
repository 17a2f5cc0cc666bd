# The unit tests, and with them the core of the library and all of the program, under the sanitizers. The Makefile
# includes this file.
#
#   make sanitize        each that the compiler has, or its name and why not
#
# There are no suppression files.

SANITIZERS       := thread address undefined
SANITIZE_address := ASAN_OPTIONS=detect_stack_use_after_return=1
SANITIZE_DEFINE_thread := -DTAGPOOL_THREAD_SANITIZER
SANITIZE_FLAGS    = -O1 -g -fno-omit-frame-pointer -fno-sanitize-recover=undefined -DTAGPOOL_DEBUG

.PHONY: sanitize unit $(SANITIZERS:%=sanitize-%)

sanitize: $(SANITIZERS:%=sanitize-%) ## run the unit tests under the thread, address and undefined-behaviour sanitizers

$(SANITIZERS:%=sanitize-%): sanitize-%:
	@if echo 'int main(void) { return 0; }' | $(CC) -x c -fsanitize=$* - -o /dev/null 2>/dev/null; then \
	    echo "sanitize: $*" && \
	    $(SANITIZE_$*) $(MAKE) -s --no-print-directory unit BUILD=$(BUILD)/sanitize-$* \
	        CFLAGS='$(SANITIZE_FLAGS) -fsanitize=$* $(SANITIZE_DEFINE_$*)'; \
	else \
	    echo 'skipped sanitize-$*: $(CC) has no library for -fsanitize=$* here'; \
	fi

UNIT_PROGRAMS := $(filter $(BUILD)/tests/unit/%,$(TEST_PROGRAMS))

unit: $(BUILD)/tagpool $(TEST_START) $(UNIT_PROGRAMS)
	@BUILD=$(BUILD) CC="$(CC)" tests/harness/run -t 300 $(UNIT_PROGRAMS)
