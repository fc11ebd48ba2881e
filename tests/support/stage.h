// stage - a place for the real programs: a folder, free ports, and what runs on it.
//
// In:     programs of $BUILD_DIR/bin (build), started with words of the test.
// Out:    what they said and did; everything they wrote is shown when a claim fails.
// Limits: each deadline is multiplied by $SLOW, for instrumented programs.
// A stage takes eight ports in a row between 20000 and 32000; two stages, also of two test
// programs, never share one.

#ifndef TESTS_SUPPORT_STAGE_H
#define TESTS_SUPPORT_STAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdbool.h>

#include "tests/support/http.h"
#include "tests/support/process.h"

typedef struct stage stage_t;

// For cmocka_unit_test_setup_teardown: an empty stage, or one with a collector, an agent named
// "web-1" and a dashboard, whose first number has been seen. Teardown ends what still runs by
// SIGTERM and fails unless each of those exits 0.
int stage_setup(void **state);
int stage_setup_up(void **state);
int stage_teardown(void **state);
#define stage_test(claim)    cmocka_unit_test_setup_teardown(claim, stage_setup, stage_teardown)
#define stage_test_up(claim) cmocka_unit_test_setup_teardown(claim, stage_setup_up, stage_teardown)
// Its programs have keys and use them (stage_keys). Of this one, and its setup, they run with
// --insecure: for tests whose peers speak frames by hand.
int stage_setup_plain(void **state);
int stage_setup_up_plain(void **state);
#define stage_test_plain(claim) \
    cmocka_unit_test_setup_teardown(claim, stage_setup_plain, stage_teardown)
#define stage_test_up_plain(claim) \
    cmocka_unit_test_setup_teardown(claim, stage_setup_up_plain, stage_teardown)

const char *stage_dir(const stage_t *self);
uint16_t stage_port(const stage_t *self);      // the collector's first of five
uint16_t stage_http_port(const stage_t *self); // the dashboard's
// Two more that nobody uses, 0 and 1: for applications.
uint16_t stage_spare_port(const stage_t *self, unsigned i);
const char *stage_endpoint(const stage_t *self); // tcp:// of the data port
// Longer under a sanitizer.
int stage_ms(int ms);
// How long to wait for what must come: it says nothing of how soon, for the machine may be busy.
#define STAGE_PATIENCE_MS 20000

// Further words end with NULL. A later word overrides an earlier one.
process_t *stage_collector(stage_t *self, ...) __attribute__((sentinel));
// The agent has the key of its name: other names than "web-1" to "web-3" before the collector
// starts.
process_t *stage_agent(stage_t *self, const char *name, ...) __attribute__((sentinel));
process_t *stage_dashboard(stage_t *self, ...) __attribute__((sentinel));
// Any program of bin/ (or beside it: "../tests/support/demo_app"), with these words only.
process_t *stage_run(stage_t *self, const char *program, ...) __attribute__((sentinel));
// Forgets a program, which is killed if it still runs; a report of a sanitizer in what it said
// fails the teardown. For tests that start hundreds.
void stage_drop(stage_t *self, process_t **process_p);
// A text file in the stage's folder; the folders above it are made. Its path, for free().
char *stage_file(stage_t *self, const char *name, const char *text);

// Asks again and again, until it is true or the time is over.
typedef bool stage_fn(stage_t *self, void *arg);
bool stage_until(stage_t *self, int timeout_ms, stage_fn *fn, void *arg);

// The dashboard answers /-/ready.
bool stage_ready(stage_t *self, void *arg);
// The state of the host of that name (or id) is arg->state.
struct stage_host {
    const char *name;
    const char *state;
};
bool stage_host_is(stage_t *self, void *host);
// A program said these words on standard error.
struct stage_said {
    process_t *who;
    const char *words;
};
bool stage_has_said(stage_t *self, void *said);
// A counter or gauge of /metrics whose line begins with `series`, such as
// "zpulse_dashboard_streams"; NAN where there is none.
double stage_metric(stage_t *self, const char *series);
// One member of the host's object in /api/v1/hosts, for json_decref; NULL where it is missing.
json_t *stage_host(stage_t *self, const char *name);
// The number of a column in a tick's or snap's "d", by the snap's "cols"; NAN for null or none.
double stage_column(json_t *snap, json_t *event, const char *id);

// Everything the programs said so far, on standard error.
void stage_show(stage_t *self);
// As assert_true, and shows what the programs said. fail_msg jumps out, which it does not tell the
// compiler: hence abort.
#define claim(stage, what)                 \
    do {                                   \
        if (!(what)) {                     \
            stage_show(stage);             \
            fail_msg("not so: %s", #what); \
            abort();                       \
        }                                  \
    } while (0)

#endif
