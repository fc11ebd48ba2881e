// balance - what `zpulse ledger` says of all hosts, and whether `zpulse export` gives as much.
//
// In:     a stage with a collector.
// Out:    true, or what is amiss on standard error.
// Thread: one owner.

#ifndef TESTS_SUPPORT_BALANCE_H
#define TESTS_SUPPORT_BALANCE_H

#include "tests/support/stage.h"

// What a ledger may tell of.
enum balance_loss {
    BALANCE_NO_LOSS,
    BALANCE_LOST,       // samples that the agent had to give up
    BALANCE_UNREADABLE, // and those that can not be read without them
};

// Asks until the book of each host adds up, agrees with what the collector counts, and tells of no
// more than it may; for at most so long.
bool balance_is_even(stage_t *stage, enum balance_loss may, int timeout_ms);
// A number of a host's ledger, or the sum of one that is told by cause; -1 where there is none.
int64_t balance_count(stage_t *stage, const char *host, const char *key);

#define BALANCE_HOSTS 64

// How far the two were compared, of each host. Zeros: not at all.
struct balance_base {
    struct balance_host {
        char name[32];
        int64_t stored;    // samples, as the ledger said
        int64_t newest_ms; // of what was exported
        unsigned forks;    // since then
    } hosts[BALANCE_HOSTS];
    unsigned n; // of hosts
};

// A stream of the host has forked so often: of each fork the records from a KEY on came twice, were
// counted twice, and are there once.
void balance_note_forks(struct balance_base *base, const char *host, unsigned forks);
// Whether export gives exactly as many samples of each host as the ledger says are stored, of what
// came since the last time; *base is moved on. Nobody should be sending, and nothing should be
// still to come that is older than what is there.
bool balance_is_exported(stage_t *stage, struct balance_base *base);

#endif
