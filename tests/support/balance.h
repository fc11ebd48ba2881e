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
// Whether export gives exactly as many samples of each host as the ledger says are stored. Nobody
// should be sending.
bool balance_is_exported(stage_t *stage);

#endif
