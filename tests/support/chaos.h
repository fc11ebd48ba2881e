// chaos - a fleet, its collector and the network between them, and what can be done to them at
// random; the same seed does the same in the same order.
//
// In:     a stage, a number of agents, which deeds with which weight.
// Out:    the deeds, each undone after a while of its own.
// Seed:   $FAULT_SEED, or a new one; it is printed.
// Thread: one owner.

#ifndef TESTS_SUPPORT_CHAOS_H
#define TESTS_SUPPORT_CHAOS_H

#include "tests/support/balance.h"
#include "tests/support/fleet.h"
#include "tests/support/tcp_proxy.h"

enum chaos_lane { CHAOS_DATA, CHAOS_CONTROL, CHAOS_LANES };

enum chaos_deed {
    DEED_KILL_AGENT,
    DEED_END_AGENT, // SIGTERM
    DEED_STALL_AGENT,
    DEED_FREEZE_AGENT, // a stall of 30 s
    DEED_KILL_COLLECTOR,
    DEED_END_COLLECTOR,
    DEED_STALL_COLLECTOR,
    DEED_FREEZE_COLLECTOR, // a stall of 30 s
    DEED_CUT,              // of a lane
    DEED_HOLD,             // of a lane
    DEED_SWALLOW,          // of a lane
    DEED_RESET,            // some connections of a lane
    DEEDS
};

struct chaos_plan {
    unsigned weights[DEEDS]; // 0: never
    int least_ms[DEEDS];     // how long it lasts; 0: as s_lasts has it
    int most_ms[DEEDS];
    int every_ms; // between two deeds, on average
};

struct chaos_options {
    struct fleet_options fleet; // its port and seed are set by chaos_new
    const char *collector_words[FLEET_WORDS];
    enum balance_loss may;         // be in the ledger
    const char *collector_preload; // clock_shim.so: its clock is DIR/collector.clock
};

typedef struct chaos {
    stage_t *stage;
    fleet_t *fleet;
    tcp_proxy_t *proxy;
    process_t *collector; // NULL while it is down
    struct chaos_options opt;
    uint64_t seed;
    struct chaos_undo {
        enum chaos_deed deed; // DEEDS: none
        int64_t due_ms;       // monotonic
    } agents[FLEET_MOST], collectors, lanes[CHAOS_LANES];
    unsigned done[DEEDS];
    struct balance_base compared; // of the export with the ledger
} chaos_t;

// Everything is up and fed when it returns; fails the test if that is not so in time.
void chaos_start(chaos_t *self, stage_t *stage, const struct chaos_options *opt);
void chaos_end(chaos_t *self);
void chaos_start_collector(chaos_t *self);
void chaos_kill_collector(chaos_t *self, int sig); // and waits for its end

// Deeds of the plan for so long; some may still be to be undone.
void chaos_run(chaos_t *self, const struct chaos_plan *plan, int ms);
// Undoes all, waits until everybody is up, and compares: samples with what was given, the ledger
// with itself and with what may be lost, memory with its cap.
void chaos_settle(chaos_t *self, int timeout_ms);
// Ends all agents after a settle; then the ledger has as many samples as export gives.
void chaos_close(chaos_t *self);
// A line of what was done and counted so far.
void chaos_say(chaos_t *self);
// All of these, one after the other: settled, said, closed, ended.
void chaos_finish(chaos_t *self, int timeout_ms);
// $FAULT_SEED, or a new one; printed.
uint64_t chaos_seed(void);
// Seconds of the random part: $FAULT_SECONDS, or so many.
int chaos_seconds(int usual);
// Whether there is time for what takes minutes.
bool chaos_is_long(void);

#endif
