# make check-unit  cmocka tests of each module         make check-web   the page's modules, in node
# make check-flow  the real programs, end to end       make check-page  the page in a real browser
# make check-fault kill -9, stalls, cuts, full disks under load; FAULT_SECONDS= (60) FAULT_SEED=
# make check SAN=address,undefined    the same, instrumented, in a tree of its own; also SAN=thread
# make check-fresh all of it in an empty Debian 12 (root, debootstrap, network): by hand
# make lint        format, gcc and clang -Werror, cppcheck, clang-tidy, layers, sizes, words, tsc
# make format      clang-format on every C file
# make fuzz        each fuzzer for FUZZ_SECONDS= (60)  make bench       the numbers, BENCH_SECONDS= (60)
# make bench BENCH=store       of the parts agent, store, backlog, column, identity this one
#
# Included by the Makefile, whose words it uses. Logs of tests are in $(BUILD)/logs.

# tests/unit/ROOM/test_X.c links that room, what it may use, and shared, nothing else.
define test_rule
$(BUILD)/tests/unit/$1/%: $(BUILD)/tests/unit/$1/%.o $(call libs,$1)
	@echo "  LD    $$@"
	$Q$$(CC) $$(ALL_LD) $$^ $$(LIBS) -lcmocka -o $$@
endef
$(foreach r,$(rooms),$(eval $(call test_rule,$r)))

# tests/flow/flow_X.c sees the programs from outside: shared code and the stage, no room.
support := $(patsubst %.c,$(BUILD)/%.o,$(filter-out %/demo_app.c %/clock_shim.c %/disk_shim.c %/name_shim.c %/zap_shim.c,$(wildcard tests/support/*.c)))
define end_to_end_rule
$(BUILD)/tests/$1/%: $(BUILD)/tests/$1/%.o $(support) $(call lib,shared)
	@echo "  LD    $$@"
	$Q$$(CC) $$(ALL_LD) $$^ $$(LIBS) -lcmocka -o $$@
endef
$(foreach f,flow fault,$(eval $(call end_to_end_rule,$f)))

# An application to be watched: it has nothing of ours in it.
$(BUILD)/tests/support/demo_app: $(BUILD)/tests/support/demo_app.o
	@echo "  LD    $@"
	$Q$(CC) $(ALL_LD) $^ $(LIBS) -o $@
$(BUILD)/tests/flow/flow_apps $(BUILD)/tests/flow/flow_command_lines $(BUILD)/tests/flow/flow_export $(BUILD)/tests/flow/flow_feed $(BUILD)/tests/flow/flow_limits $(BUILD)/tests/flow/flow_names: | $(BUILD)/tests/support/demo_app

# Hours of an agent that reached nobody: it is the agent's own room that writes them.
$(BUILD)/tests/backlog/backlog_maker: $(BUILD)/tests/backlog/backlog_maker.o $(call lib,agent) $(call lib,shared)
	@echo "  LD    $@"
	$Q$(CC) $(ALL_LD) $^ $(LIBS) -o $@
$(BUILD)/tests/flow/flow_backlog: | $(BUILD)/tests/backlog/backlog_maker

# A clock, a disk, names and a ZAP thread that a test has in its hand: preloaded, so the program is the one we ship.
shims := $(patsubst %,$(BUILD)/tests/support/%_shim.so,clock disk name zap)
$(shims): $(BUILD)/%.so: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	@echo "  CC    $@"
	$Q$(CC) -std=gnu17 -D_GNU_SOURCE -I. $(WARN) -O2 -g -fPIC -shared $< -o $@
$(BUILD)/tests/fault/fault_clock $(BUILD)/tests/fault/fault_broken $(BUILD)/tests/flow/flow_clock $(BUILD)/tests/flow/flow_names $(BUILD)/tests/flow/flow_identity: | $(shims)

# What is ended at crash points (shared/base/crash_point.h) is in a tree of its own.
faulty := bin/zpulse-collector tests/unit/collector/crash_blocks tests/unit/collector/crash_merge
.PHONY: faulty
faulty:
	@$(MAKE) --no-print-directory $(JOBS) BUILD=$(BUILD)-fault \
	  CPPFLAGS='$(CPPFLAGS) -DZPULSE_CRASH_POINTS' $(faulty:%=$(BUILD)-fault/%)
$(addprefix $(BUILD)/tests/fault/fault_,harm points store): | faulty

binaries   = $(patsubst %.c,$(BUILD)/%,$(wildcard $1))
# The longest first, so that none of them is begun when all else is done.
first      = $(filter $(addprefix %/,$1),$2) $(filter-out $(addprefix %/,$1),$2)
unit_tests := $(call first,test_delivery_model test_journal_file,$(call binaries,tests/unit/*/test_*.c))
flow_tests := $(call first,flow_delivery flow_readers flow_backlog flow_ledger flow_hostile flow_restart,\
                $(call binaries,tests/flow/flow_*.c))
crash_tests := $(addprefix $(BUILD)-fault/tests/unit/collector/,crash_blocks crash_merge)
fault_tests := $(call first,fault_chaos fault_disk fault_spool fault_points fault_harm fault_clock,\
                 $(call binaries,tests/fault/fault_*.c)) $(crash_tests)
$(crash_tests): | faulty
web_tests  := build/web-tests/*.mjs
page_tests := $(call first,$(addsuffix .test.mjs,url stream sections axe history),$(wildcard tests/page/*.test.mjs))
lint_tests := $(addprefix tests/lint/,crash_points.sh layers.sh layers_test.sh run_test.sh sizes.sh sockets.sh words.sh)
# A group is NAME=FILES. The page is the same under a sanitizer, so it is not tested again.
group_lint := 'lint=$(lint_tests)'
group_unit := 'unit=$(unit_tests)'
group_flow := 'flow=$(flow_tests)'
group_fault := 'fault=$(fault_tests)'
group_web  := 'web=$(web_tests)'
group_page := 'page=$(page_tests)'
RUN_TESTS   = SAN=$(SAN) tests/run.sh $(BUILD)

.PHONY: check check-built check-unit check-flow check-fault check-fault-built check-web check-page
check:
	@sh shared/deploy/setup.sh check
	@$(MAKE) --no-print-directory $(JOBS) check-built
check-built: all $(unit_tests) $(flow_tests) build/.web
	@$(RUN_TESTS) $(group_lint) $(group_unit) $(if $(SAN),,$(group_web)) $(group_flow) $(if $(SAN),,$(group_page))
check-unit: $(unit_tests)
	@$(RUN_TESTS) $(group_unit)
check-flow: all $(flow_tests)
	@$(RUN_TESTS) $(group_flow)
# FAULT_SECONDS= for the random part (60; from 600 on it has time for what takes long), FAULT_SEED=
# to repeat a run, FAULT_ONLY= a pattern of claims, FAULT_HOLD=1 to stop where one fails.
check-fault:
	@sh shared/deploy/setup.sh check
	@$(SUBMAKE) check-fault-built
check-fault-built: all $(fault_tests)
	@$(RUN_TESTS) $(group_fault)
check-web: build/.web
	@$(RUN_TESTS) $(group_web)
check-page: all build/.web $(BUILD)/tests/support/demo_app $(BUILD)/tests/backlog/backlog_maker
	@$(RUN_TESTS) $(group_page)

# --- lint: each layer alone, so that one can be asked for (make lint-tidy). Two trees of their own.
all_c    = $(shell find $(rooms_dirs) tests -name '*.c' -not -path '*/node_modules/*' | sort)
all_h    = $(shell find $(rooms_dirs) tests -name '*.h' -not -path '*/node_modules/*' | sort)
rooms_dirs := shared agent collector dashboard
lint_layers := format layers gcc clang cppcheck tidy types
SUBMAKE  = $(MAKE) --no-print-directory $(JOBS)

.PHONY: lint format objects tidied $(lint_layers:%=lint-%)
lint:
	@sh shared/deploy/setup.sh check
	@for l in $(lint_layers); do echo "lint: $$l"; $(SUBMAKE) -s lint-$$l || exit 1; done
	@echo "lint: $(words $(lint_layers)) layers clean"
lint-format:
	@clang-format --dry-run -Werror $(all_c) $(all_h)
lint-layers:
	@for t in $(lint_tests); do $$t || exit 1; done
lint-gcc:
	@$(MAKE) -s BUILD=build-lint-gcc CC=gcc WERROR=1 CFLAGS=-O2 objects >/dev/null
lint-clang:
	@$(MAKE) -s BUILD=build-lint-clang CC=clang WERROR=1 CFLAGS=-O1 objects >/dev/null
lint-cppcheck:
	@mkdir -p build-lint-gcc/cppcheck
	@cppcheck --quiet -j $$(nproc) --std=c11 --enable=warning,performance,portability --inline-suppr \
	  --error-exitcode=1 --suppressions-list=tests/lint/cppcheck.supp -D_GNU_SOURCE -I. \
	  --cppcheck-build-dir=build-lint-gcc/cppcheck $(all_c)
lint-tidy:
	@$(MAKE) -s BUILD=build-lint-clang CC=clang WERROR=1 CFLAGS=-O1 tidied
lint-types: $(web_lock)
	@cd dashboard/web && node_modules/.bin/tsc --noEmit -p .
objects: $(patsubst %.c,$(BUILD)/%.o,$(all_c))
# A file is looked at again when its object is made again.
tidied: $(patsubst %.c,$(BUILD)/%.tidy,$(all_c))
$(BUILD)/%.tidy: %.c $(BUILD)/%.o .clang-tidy
	@clang-tidy --quiet $< -- $(ALL_C) 2>$@.log || { cat $@.log; exit 1; }
	@touch $@
format:
	@clang-format -i $(all_c) $(all_h)

# --- fuzz: tests/fuzz/fuzz_X.c is one file with LLVMFuzzerTestOneInput; it links the rooms it names.
# Starts from tests/fuzz/corpus/X; what it finds on the way stays in build-fuzz/corpus.
FUZZ_SECONDS ?= 60
fuzzers  = $(call binaries,tests/fuzz/fuzz_*.c)
.PHONY: fuzz fuzz-built
fuzz:
	@sh shared/deploy/setup.sh check
	@$(SUBMAKE) BUILD=build-fuzz CC=clang CFLAGS='-O1 -g -fsanitize=fuzzer-no-link,address,undefined \
	  -fno-sanitize-recover=undefined' fuzz-built
fuzz-built: $(fuzzers)
	@FUZZ_SECONDS=$(FUZZ_SECONDS) tests/fuzz/run.sh $(BUILD) $^
$(BUILD)/tests/fuzz/%: $(BUILD)/tests/fuzz/%.o $(foreach r,agent collector ctl store dashboard shared,$(call lib,$r))
	@echo "  LD    $@"
	$Q$(CC) -fsanitize=fuzzer,address,undefined -Wl,--as-needed $^ $(LIBS) -o $@

# --- bench and the empty machine
benches  = $(call binaries,tests/bench/*.c)
.PHONY: bench bench-built check-fresh
bench:
	@sh shared/deploy/setup.sh check
	@$(SUBMAKE) bench-built
bench-built: all $(benches) $(BUILD)/tests/backlog/backlog_maker build/.web
	@tests/bench/bench.sh $(BUILD)
# A bench is no test: of tests/support it has what knows nothing of cmocka.
bench_parts := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/bench/parts/*.c))
$(BUILD)/tests/bench/%: $(BUILD)/tests/bench/%.o $(bench_parts) $(filter %/exposition.o %/held.o %/host_samples.o %/http.o %/process.o %/stage_keys.o,$(support)) $(foreach r,agent collector store shared,$(call lib,$r))
	@echo "  LD    $@"
	$Q$(CC) $(ALL_LD) $^ $(LIBS) -o $@
check-fresh:
	@tests/fresh.sh
