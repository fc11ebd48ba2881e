# make run         install what is missing, build, and run the whole of ZPulse here: prints the address
# make check       install what is missing, build, and run every test that is fit for each change
# make             build the four programs into build/bin
# make install     put them under DESTDIR= PREFIX= (/usr/local)
# make clean       remove all that was built
# make help        this list

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
comma   := ,
SAN     ?=
BUILD   ?= build$(addprefix -,$(subst $(comma),-,$(SAN)))
PREFIX  ?= /usr/local
PKGS    := libczmq libzmq libmicrohttpd libpcre2-8 sqlite3 jansson zlib
WARN    := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
           -Wpointer-arith -Wcast-qual -Wwrite-strings -Wundef -Wvla
CFLAGS  ?= -O2 -g
SAN_C    = $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer \
             $(if $(findstring undefined,$(SAN)),-fno-sanitize-recover=undefined))
ALL_C    = -std=gnu17 -D_GNU_SOURCE -I. $(WARN) $(if $(WERROR),-Werror) $(PKG_C) $(SAN_C) \
           $(CFLAGS) $(CPPFLAGS)
# Libraries that a program does not call cost it memory: as-needed leaves them out.
ALL_LD   = $(if $(SAN),-fsanitize=$(SAN)) -Wl,--as-needed $(LDFLAGS)
# Asked once, and only where something is compiled: setup.sh may have to bring pkg-config first.
PKG_C    = $(eval PKG_C := $(shell pkg-config --cflags $(PKGS)))$(PKG_C)
LIBS     = $(eval LIBS := $(shell pkg-config --libs $(PKGS)) -lm -lpthread)$(LIBS)
Q       := $(if $(V),,@)
# One job a core, unless the user said how many.
JOBS     = $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc))

# A folder is a library; ctl is a program of its own inside the collector's folder, and store is
# what both of them have.
sources_shared    = $(shell find shared -name '*.c' | sort)
sources_agent     = $(filter-out %/main.c,$(shell find agent -name '*.c' -not -path 'agent/client/*' | sort))
sources_collector = $(filter-out %/main.c,$(shell find collector -name '*.c' -not -path 'collector/ctl/*' \
                      -not -path 'collector/store/*' | sort))
sources_store     = $(shell find collector/store -name '*.c' | sort)
sources_dashboard = $(filter-out %/main.c,$(shell find dashboard -name '*.c' -not -path 'dashboard/web/*' | sort))
sources_ctl       = $(filter-out %/main.c,$(shell find collector/ctl -name '*.c' | sort))
rooms   := shared agent collector store dashboard ctl
objects  = $(patsubst %.c,$(BUILD)/%.o,$(sources_$1))
lib      = $(BUILD)/lib$1.a
programs := zpulse-agent zpulse-collector zpulse-dashboard zpulse

.PHONY: all
all: $(programs:%=$(BUILD)/bin/%)

# Other flags, other objects: this file changes when the flags do.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(ALL_C)' | cmp -s - $@ || echo '$(CC) $(ALL_C)' >$@
.PHONY: FORCE
FORCE:

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	@echo "  CC    $<"
	$Q$(CC) $(ALL_C) -MMD -MP -c $< -o $@

define room_rules
$(call lib,$1): $$(call objects,$1)
	@rm -f $$@
	$Q$(AR) rcs $$@ $$^
endef
$(foreach r,$(rooms),$(eval $(call room_rules,$r)))

# A program is its own main.o, its room, what that may use, and shared. It cannot reach another's.
beneath_collector := store
beneath_ctl       := store
libs              = $(foreach r,$1 $(beneath_$1) $(filter-out $1,shared),$(call lib,$r))
define program_rule
$(BUILD)/bin/$1: $(BUILD)/$2/main.o $(call libs,$3)
	@mkdir -p $$(@D)
	@echo "  LD    $$@"
	$Q$$(CC) $$(ALL_LD) $$(filter %.o %.a,$$^) $$(LIBS) -o $$@
endef
$(eval $(call program_rule,zpulse-agent,agent,agent))
$(eval $(call program_rule,zpulse-collector,collector,collector))
$(eval $(call program_rule,zpulse-dashboard,dashboard,dashboard))
$(eval $(call program_rule,zpulse,collector/ctl,ctl))

# The page is the same for every tree: built once, into build/web. Its libraries come by lock
# file, and again only when that differs from the copy kept beside them.
web_lock    := dashboard/web/node_modules/.lock
web_sources  = $(shell find dashboard/web -name node_modules -prune -o -type f -print) \
               $(shell find tests/web -type f)
$(web_lock): dashboard/web/package-lock.json
	$Qcmp -s $< $@ || (cd dashboard/web && npm ci --ignore-scripts --no-audit --no-fund)
	@cp $< $@
build/.web: $(web_lock) $(web_sources)
	@echo "  PAGE  build/web"
	$Qnode dashboard/web/build.mjs build/web
	@touch $@

# Its bytes, as they are and compressed, go into the program.
$(BUILD)/gen/assets.c: build/.web dashboard/embed.sh
	@echo "  EMBED build/web"
	$Qsh dashboard/embed.sh build/web $(@D)
$(BUILD)/gen/assets.o: $(BUILD)/gen/assets.c $(BUILD)/flags
	$Q$(CC) $(ALL_C) -c $< -o $@
$(BUILD)/gen/asset_bytes.o: $(BUILD)/gen/assets.c
	$Q$(CC) -c $(@D)/asset_bytes.S -o $@
$(BUILD)/bin/zpulse-dashboard: $(BUILD)/gen/assets.o $(BUILD)/gen/asset_bytes.o

include tests/check.mk

.PHONY: run run-built
run:
	@sh shared/deploy/setup.sh run
	@$(MAKE) --no-print-directory $(JOBS) run-built
# On a terminal Ctrl-C is for zpulse alone (bash -m gives it a foreground group of its own), so
# that make ends with its exit code; setpriv: it never outlives make.
run-built: all
	@if [ -t 0 ]; then bash -mc 'setpriv --pdeathsig TERM $(BUILD)/bin/zpulse up; exit $$?'; \
	else exec $(BUILD)/bin/zpulse up; fi

.PHONY: install clean help
install: all
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(programs:%=$(BUILD)/bin/%) $(DESTDIR)$(PREFIX)/bin
clean:
	rm -rf build build-*
help:
	@sed -n 's/^# \(make.*\)/\1/p' Makefile tests/check.mk

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
