# The drivers of the benchmark panel: each is built when its library is found, and otherwise named with
# the package that brings it. The Makefile includes this file.
#
#   make drivers            builds what can be built and names what cannot
#   make drivers-skipped    prints only the names of those that cannot, one per line
#
# NAME_header  what the compiler must find    NAME_module  as pkg-config calls it    NAME_package  Debian's
# NAME_flags   when pkg-config is missing or does not know the module

cjson_header          := cjson/cJSON.h
cjson_module          := libcjson
cjson_package         := libcjson-dev
cjson_flags           := -lcjson
jansson_header        := jansson.h
jansson_module        := jansson
jansson_package       := libjansson-dev
jansson_flags         := -ljansson
json-c_header         := json-c/json.h
json-c_module         := json-c
json-c_package        := libjson-c-dev
json-c_flags          := -ljson-c
libxml2_header        := libxml/parser.h
libxml2_module        := libxml-2.0
libxml2_package       := libxml2-dev
libxml2_flags         := -I/usr/include/libxml2 -lxml2
expat_header          := expat.h
expat_module          := expat
expat_package         := libexpat1-dev
expat_flags           := -lexpat
libyaml_header        := yaml.h
libyaml_module        := yaml-0.1
libyaml_package       := libyaml-dev
libyaml_flags         := -lyaml
gumbo_header          := gumbo.h
gumbo_module          := gumbo
gumbo_package         := libgumbo-dev
gumbo_flags           := -lgumbo
nlohmann-json_header  := nlohmann/json.hpp
nlohmann-json_module  := nlohmann_json
nlohmann-json_package := nlohmann-json3-dev and g++
nlohmann-json_flags   :=
yaml-cpp_header       := yaml-cpp/yaml.h
yaml-cpp_module       := yaml-cpp
yaml-cpp_package      := libyaml-cpp-dev and g++
yaml-cpp_flags        := -lyaml-cpp

DRIVER_SOURCES := $(wildcard tools/bench/drivers/*.c tools/bench/drivers/*.cpp)
DRIVER_NAMES   := $(basename $(notdir $(DRIVER_SOURCES)))
DRIVERS        := $(DRIVER_NAMES:%=$(BUILD)/drivers/%)

# $(1) a driver. Asked only when a driver is wanted, so that other targets do not wait for it.
driver_flags = $(or $(shell pkg-config --cflags --libs $($(1)_module) 2>/dev/null),$($(1)_flags))
# $(1) a driver, $(2) the compiler, $(3) its language: true in the shell when the header is found.
driver_probe = printf '\#include <%s>\n' '$($(1)_header)' | \
               $(2) $(CPPFLAGS) $(call driver_flags,$(1)) -x $(3) -fsyntax-only - 2>/dev/null
driver_language = $(if $(wildcard tools/bench/drivers/$(1).cpp),c++,c)
driver_compiler = $(if $(wildcard tools/bench/drivers/$(1).cpp),$(CXX),$(CC))
driver_is_found = $(call driver_probe,$(1),$(call driver_compiler,$(1)),$(call driver_language,$(1)))

# $(1) what to call it in short, $(2) the command that builds it. A driver without its library leaves no file, so it is tried again next time.
define build_driver
@mkdir -p $(@D)
@if $(call driver_is_found,$*); then \
    $(if $(V),echo '$(2)';,$(call short_line,$(1))) $(2); \
else \
    rm -f $@; echo 'skipped $*: install $($*_package)'; \
fi
endef

.PHONY: drivers drivers-skipped

drivers: $(DRIVERS) ## build the drivers of the parser libraries that are installed

drivers-skipped: ## name the drivers whose library is not installed
	@$(foreach name,$(DRIVER_NAMES),$(call driver_is_found,$(name)) || echo '$(name)';)

$(BUILD)/drivers/%: tools/bench/drivers/%.c
	$(call build_driver,CC $<,$(CC) $(DEFINES) $(CPPFLAGS) $(TOOL_FLAGS) $(CFLAGS) -MMD -MP -o $@ $< $(LDFLAGS) $(call driver_flags,$*))

$(BUILD)/drivers/%: tools/bench/drivers/%.cpp
	$(call build_driver,CXX $<,$(CXX) $(DEFINES) $(CPPFLAGS) -std=gnu++17 $(WARN) -Itools $(CXXFLAGS) -MMD -MP -o $@ $< $(LDFLAGS) $(call driver_flags,$*))

-include $(DRIVERS:=.d)
