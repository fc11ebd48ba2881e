// ledger - what became of all that an agent made: samples by their fate, ticks never taken.
//
// The agent keeps it with its spool and tells it in HELLO and each PING. In its book, at each
// moment:
//         produced == acked + pending + sum of lost
// A collector that was told it compares with its own count, and shows a difference.
// Source: shared/wire/FORMAT.md, "Ledger". Sums wrap at 64 bits: they are a stranger's as well.

#ifndef SHARED_MODEL_LEDGER_H
#define SHARED_MODEL_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/rbuf.h"
#include "shared/base/wbuf.h"

#define LEDGER_SIZE_MAX 150u // bytes that ledger_put writes at most

// Why samples are lost. The cause of a GAP record is this plus 1 (enum gap_cause).
enum lost_cause {
    LOST_QUEUE,       // the memory queue was full
    LOST_SPOOL_BYTES, // the spool was as large as it may be
    LOST_SPOOL_AGE,   // and held nothing older than it may
    LOST_DISK_FULL,   // the disk was full
    LOST_POWER_CUT,   // made, but not yet on the disk when the power went
    LOST_COLLECTOR,   // acknowledged by a collector that has lost it
    LOST_DAMAGE,      // the spool's files were damaged
    LOST_CAUSES
};

// Why ticks were never taken.
enum missed_cause {
    MISSED_DOWN,      // the agent did not run
    MISSED_HUNG,      // it ran and came too late
    MISSED_SUSPENDED, // the host slept
    MISSED_CAUSES
};

struct ledger {
    uint64_t produced;              // samples, from here to `lost`
    uint64_t acked;                 // acknowledged by a collector
    uint64_t pending;               // held, to be acknowledged
    uint64_t lost[LOST_CAUSES];     // never to be acknowledged
    uint64_t elsewhere;             // of acked: the collector in use left it to another
    uint64_t refused;               // of acked: the collector in use did not store it
    uint64_t missed[MISSED_CAUSES]; // ticks
};

uint64_t ledger_lost(const struct ledger *ledger);   // samples, of all causes
uint64_t ledger_missed(const struct ledger *ledger); // ticks, of all causes
// Whether nothing is unaccounted for.
bool ledger_balanced(const struct ledger *ledger);
const char *lost_cause_str(unsigned cause);
const char *missed_cause_str(unsigned cause);

void ledger_put(struct wbuf *w, const struct ledger *ledger);
int ledger_take(struct rbuf *r, struct ledger *ledger);

#endif
