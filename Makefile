# make run         install what is missing, build, and run the whole of ZPulse here: prints the address
# make check       install what is missing, build, and run every test that is fit for each change
# make             build the four programs into build/bin
# make help        everything else

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
comma   := ,
SAN     ?=
BUILD   ?= build$(addprefix -,$(subst $(comma),-,$(SAN)))
PKGS    := libczmq libzmq libmicrohttpd libpcre2-8 zlib
LIBS     = $(shell pkg-config --libs $(PKGS)) -lm -lpthread
WARN    := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
           -Wpointer-arith -Wcast-qual -Wwrite-strings -Wundef -Wvla
CFLAGS  ?= -O2 -g
ALL_C    = -std=gnu17 -D_GNU_SOURCE -I. $(WARN) $(if $(WERROR),-Werror) \
           $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer) $(CFLAGS) $(CPPFLAGS)
ALL_LD   = $(if $(SAN),-fsanitize=$(SAN)) $(LDFLAGS)
Q       := $(if $(V),,@)

# A folder is a library; ctl is a program of its own inside the collector's folder.
sources_shared    = $(shell find shared -name '*.c' | sort)
sources_agent     = $(filter-out %/main.c,$(shell find agent -name '*.c' -not -path 'agent/client/*' | sort))
sources_collector = $(filter-out %/main.c,$(shell find collector -name '*.c' -not -path 'collector/ctl/*' | sort))
sources_dashboard = $(filter-out %/main.c,$(shell find dashboard -name '*.c' | sort))
sources_ctl       = $(filter-out %/main.c,$(shell find collector/ctl -name '*.c' | sort))
rooms   := shared agent collector dashboard ctl
objects  = $(patsubst %.c,$(BUILD)/%.o,$(sources_$1))
lib      = $(BUILD)/lib$1.a
programs := zpulse-agent zpulse-collector zpulse-dashboard zpulse

.PHONY: all
all: $(programs:%=$(BUILD)/bin/%)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC    $<"
	$Q$(CC) $(ALL_C) -MMD -MP -c $< -o $@

define room_rules
$(call lib,$1): $$(call objects,$1)
	@rm -f $$@
	$Q$(AR) rcs $$@ $$^
endef
$(foreach r,$(rooms),$(eval $(call room_rules,$r)))

# A program is its own main.o, its room, and shared. It cannot reach another's.
define program_rule
$(BUILD)/bin/$1: $(BUILD)/$2/main.o $(call lib,$3) $(call lib,shared)
	@mkdir -p $$(@D)
	@echo "  LD    $$@"
	$Q$$(CC) $$(ALL_LD) $$^ $$(LIBS) -o $$@
endef
$(eval $(call program_rule,zpulse-agent,agent,agent))
$(eval $(call program_rule,zpulse-collector,collector,collector))
$(eval $(call program_rule,zpulse-dashboard,dashboard,dashboard))
$(eval $(call program_rule,zpulse,collector/ctl,ctl))

# tests/unit/ROOM/test_X.c links that room and shared, nothing else.
define test_rule
$(BUILD)/tests/unit/$1/%: $(BUILD)/tests/unit/$1/%.o $(if $(filter-out shared,$1),$(call lib,$1)) $(call lib,shared)
	@mkdir -p $$(@D)
	$Q$$(CC) $$(ALL_LD) $$^ $$(LIBS) -lcmocka -o $$@
endef
$(foreach r,$(rooms),$(eval $(call test_rule,$r)))
unit_tests := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/*/test_*.c))

.PHONY: check-unit
check-unit: $(unit_tests)
	@pass=0; fail=0; for t in $^; do \
	  if $$t >$$t.log 2>&1; then pass=$$((pass+1)); else fail=$$((fail+1)); cat $$t.log; fi; \
	done; echo "$$pass passed, $$fail failed"; test $$fail = 0

.PHONY: clean help
clean:
	rm -rf build build-*
help:
	@sed -n 's/^# \(make.*\)/\1/p' Makefile

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
