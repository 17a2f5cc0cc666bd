# What is handed on: a tarball, and Debian packages. The Makefile includes this file.
#
#   make dist    $(BUILD)/dist/tagpool-VERSION.tar.gz: the same bytes from the same sources, wherever it is made
#   make deb     $(BUILD)/deb: tagpool, libtagpool1 and their debug symbols, from that tarball
#   make systems SYSTEMS='debian13/test sid': what the script `systems` beside this file explains
#   make compilers: every compiler that is installed, with several sets of flags
#
# CI does not run the last two.

TARBALL := $(BUILD)/dist/tagpool-$(VERSION).tar.gz

.PHONY: systems compilers

dist: ## pack the sources: build/dist/tagpool-VERSION.tar.gz, reproducible
	@tools/dev/packaging/dist '$(VERSION)' '$(TARBALL)'

deb: dist ## build Debian packages in build/deb (needs debhelper)
	@tools/dev/packaging/deb '$(VERSION)' '$(TARBALL)' '$(BUILD)/deb'

compilers: ## build by each compiler that is installed, with five sets of flags, and test the library (20 minutes)
	@tools/dev/compilers '$(BUILD)/compilers'

systems: deb ## try demo, test and packages in bare Debian 12, 13 and sid (root, network, an hour; SYSTEMS=debian13/test)
	@tools/dev/packaging/systems '$(VERSION)' '$(TARBALL)' '$(BUILD)/deb' $(SYSTEMS)
