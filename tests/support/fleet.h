// fleet - agents that are fed with numbered values, killed, stopped and started again; and the
// account of what their collector must hold in the end.
//
// In:     a stage. Each member is a real zpulse-agent with a data folder of its own, all families
//         off, and an ipc:// endpoint that this process PUSHes to.
// Out:    the metric FLEET_METRIC of each host: value n at a time of its own, so that nothing is
//         equal to anything else. What the collector holds of it is compared with what was given.
// Taken:  an agent acknowledges nothing to an application. A value counts as taken when its record,
//         or that of a later one, is in the spool that the agent leaves behind (spool_view), or the
//         collector has it (fleet_confirm); and once the agent has run for FLEET_GRACE_MS after it
//         was sent, however busy the machine. Others may go with a kill, still in the agent's
//         socket or memory; they may never be changed or doubled.
// Thread: one owner.

#ifndef TESTS_SUPPORT_FLEET_H
#define TESTS_SUPPORT_FLEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/support/stage.h"
#include "tests/support/tally.h"

#define FLEET_MOST     32
#define FLEET_METRIC   "app_n"
#define FLEET_GRACE_MS 10000 // times $SLOW
#define FLEET_WORDS    8
#define FLEET_FAT      60 // numbers that no codec makes small

enum member_state {
    MEMBER_DOWN,
    MEMBER_STARTING, // it has not said yet that it is up
    MEMBER_UP,       // fed
    MEMBER_STALLED,  // SIGSTOP
};

struct fleet_options {
    unsigned members;
    unsigned per_s;      // values to each; an agent takes 100
    unsigned fat;        // messages of FLEET_FAT numbers beside each value, of no account
    uint16_t port;       // of the collector, or of who stands before it
    const char *preload; // clock_shim.so, where clocks are to be set; or NULL
    const char *words[FLEET_WORDS]; // further words of each agent
    const char *data_root;          // folder of their data folders; NULL: the stage's
    uint64_t seed;
};

typedef struct fleet fleet_t;

// None is started yet.
fleet_t *fleet_new(stage_t *stage, const struct fleet_options *opt);
// The agents go on, for the stage to end.
void fleet_destroy(fleet_t **self_p);

// Gives what is due, and looks who has come up. To be called each few milliseconds.
void fleet_turn(fleet_t *self);
// fleet_turn for so long.
void fleet_run(fleet_t *self, int ms);
// Until all that are starting are up. False: one is not in time, or has ended.
bool fleet_wait_up(fleet_t *self, int timeout_ms);

unsigned fleet_members(const fleet_t *self);
const char *fleet_name(unsigned i); // of a member's host; ours until the next call
enum member_state fleet_state(const fleet_t *self, unsigned i);
tally_t *fleet_tally(fleet_t *self, unsigned i);
const char *fleet_data(const fleet_t *self, unsigned i); // its data folder
process_t *fleet_process(fleet_t *self, unsigned i);     // NULL while it is down

void fleet_start(fleet_t *self, unsigned i);
void fleet_start_all(fleet_t *self);
// SIGKILL, and its end.
void fleet_kill(fleet_t *self, unsigned i);
// SIGTERM, and its end; false unless it exits 0 in time.
bool fleet_end(fleet_t *self, unsigned i);
void fleet_stall(fleet_t *self, unsigned i); // SIGSTOP; it is given nothing meanwhile
void fleet_resume(fleet_t *self, unsigned i);
// A step of the member's clock, agent and application, to so much from the true time.
void fleet_set_clock(fleet_t *self, unsigned i, int64_t offset_ms);
// So many messages of FLEET_FAT numbers beside each value from now on.
void fleet_set_fat(fleet_t *self, unsigned fat);
// Gives no more to anybody, or again.
void fleet_feed(fleet_t *self, bool on);

// Asks the collector until it holds all that was taken, and nothing else, for at most so long, and
// then whether `zpulse export` writes it; says what is not right on standard error. The agents
// should be up, and nobody be fed. Counts as checked what is
// right: `forget` forgets it, since a collector answers with its newest minutes only.
bool fleet_check(fleet_t *self, const char *collector, int timeout_ms, bool forget);
// What the collector holds of one member now, against what was given to it. False: no answer.
bool fleet_verdict(fleet_t *self, const char *collector, unsigned i, struct tally_verdict *ret);

// What the collector has already of what is excused, of a member whose agent has just ended, is not
// excused any more: it may have acknowledged that. An answer that does not come in time confirms
// nothing.
void fleet_confirm(fleet_t *self, const char *collector, unsigned i, int timeout_ms);

// How often the member's agents said, since the last call, that a stream has forked: a collector
// had records that an agent was killed over before they were in its spool (a disk that is slow for
// 100 ms is not waited for). Then a part of it comes again in another stream.
unsigned fleet_take_forks(fleet_t *self, unsigned i);

struct fleet_stat {
    uint64_t given, excused, kills, stalls, forks;
    int64_t agent_peak_kib;     // highest VmHWM of an agent that was looked at
    int64_t collector_peak_kib; // of fleet_note_collector
};
struct fleet_stat fleet_stat(const fleet_t *self);
// Notes the memory of a collector; to be called before it is killed.
void fleet_note_collector(fleet_t *self, process_t *collector);

#endif
