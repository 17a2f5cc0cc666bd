# Tagpool: build, test, install. `make help` lists the targets.

CC      ?= cc
CFLAGS  ?= -O2 -g
PREFIX  ?= /usr/local
DESTDIR ?=
BUILD   ?= build

WARN     := -Wall -Wextra -Wundef -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
            -Wcast-qual -Wwrite-strings -Wvla $(if $(CI),-Werror)
STD      := -std=gnu17
CPPFLAGS += -Iinclude -D_GNU_SOURCE
LIB_FLAGS := $(STD) $(WARN) -Isrc -fPIC -fvisibility=hidden -fno-builtin-malloc -ftls-model=initial-exec \
             -fno-semantic-interposition -fexceptions
TOOL_FLAGS := $(STD) $(WARN) -Itools

LIB_SOURCES  := $(wildcard src/*.c)
LIB_OBJECTS  := $(LIB_SOURCES:src/%.c=$(BUILD)/src/%.o)
TOOL_SOURCES := $(wildcard tools/*.c)
TOOL_OBJECTS := $(TOOL_SOURCES:tools/%.c=$(BUILD)/tools/%.o)
WORKLOADS    := $(patsubst tools/workloads/%.c,$(BUILD)/workloads/%,$(wildcard tools/workloads/*.c))

.PHONY: all help demo test lint install clean

all: $(BUILD)/libtagpool.so $(BUILD)/tagpool $(WORKLOADS) ## build the library, the program and the workloads

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

$(BUILD)/libtagpool.so: $(LIB_OBJECTS)
	$(CC) $(CFLAGS) -shared -Wl,-soname,libtagpool.so -Wl,-z,now -Wl,-z,relro -Wl,-O1 -Wl,--as-needed $(LDFLAGS) -o $@ $^ -ldl

$(BUILD)/tagpool: $(TOOL_OBJECTS)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lm -ldl -lpthread

$(BUILD)/src/%.o: src/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(LIB_FLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/tools/%.o: tools/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(TOOL_FLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/workloads/%: tools/workloads/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(STD) $(WARN) -MMD -MP -o $@ $< -lpthread

-include $(LIB_OBJECTS:.o=.d) $(TOOL_OBJECTS:.o=.d) $(WORKLOADS:=.d)

clean: ## remove everything that was built
	rm -rf $(BUILD)
