// rig - a collector with crash points, hosts that push to it, and its end, again and again.
//
// In:     how many hosts, words of the collector, where and when it ends.
// Out:    what it holds, compared with what it acknowledged; which points it came by.
// Limits: nothing of it waits but rig_finish, so that many of them run beside each other.
// Thread: one owner.

#ifndef TESTS_SUPPORT_RIG_H
#define TESTS_SUPPORT_RIG_H

#include "shared/base/crash_point.h"
#include "tests/support/pusher.h"
#include "tests/support/stage.h"

#define RIG_HOSTS 4u // at most
#define RIG_WORDS 8u

typedef struct rig rig_t;

struct rig_options {
    unsigned hosts;
    uint64_t seed;
    bool old;                     // samples of a time that is to be removed
    bool ballast;                 // the last host fills the journal
    bool shipped;                 // the program as it is shipped: it has no points
    const char *data;             // folder of the collector; NULL: the stage's own
    const char *words[RIG_WORDS]; // further ones of the collector
};

rig_t *rig_new(const struct rig_options *opt);
// Fails the test where the stage's end is amiss.
void rig_destroy(rig_t **self_p);

stage_t *rig_stage(rig_t *self);
const char *rig_store(rig_t *self);    // folder of the store
process_t *rig_collector(rig_t *self); // NULL: there is none
pusher_t *rig_pusher(rig_t *self, unsigned i);

// One more that pushes, while no collector runs.
void rig_add_host(rig_t *self);
// Other further words from the next start on.
void rig_set_words(rig_t *self, const char *const words[RIG_WORDS]);
// A collector; with `at` as ZPULSE_CRASH_AT, or NULL.
void rig_start(rig_t *self, const char *at);
// Feeds what is due, `per_s` rows a second of each host. False once the collector has ended.
bool rig_turn(rig_t *self, unsigned per_s);
// It has answered since its start.
bool rig_is_up(rig_t *self);
// All that was made is acknowledged, and the collector that runs knows all hosts.
bool rig_is_done(rig_t *self);
// A signal, and its end; what it said is forgotten.
void rig_kill(rig_t *self, int sig);
// It ended by itself: its exit code, or 128 and a signal.
int rig_reap(rig_t *self);

// Until all that was made is acknowledged. False: not in time.
bool rig_settle(rig_t *self, int timeout_ms);
// Compares what `zpulse export` writes with what was acknowledged; what is older than since_ms may
// lack. The sum of all hosts; false: it writes nothing.
bool rig_verdict(rig_t *self, int64_t since_ms, struct numbered_verdict *ret);
const char *rig_said(const rig_t *self); // by that export, on standard error
// It is all there. Fails the test.
void rig_check(rig_t *self, int64_t since_ms);
// All that is said of an end: a start, all acknowledged, the ledger even, a clean stop that leaves
// nothing behind, and another start that has everything.
void rig_finish(rig_t *self, int64_t since_ms);

uint64_t rig_acked(const rig_t *self); // samples of all hosts
// How often collectors came by a point.
uint64_t rig_passed(const rig_t *self, enum crash_point point);

#endif
