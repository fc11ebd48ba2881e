// admission - all that decides who comes in: the collector's key, the roster, ZAP, enrolment.
//
// In:     a folder of keys and the data folder.
// Out:    CURVE for the sockets of this process; a socket for enrolment.
// Files:  `keys`/collector.key and .pub, made at the first start; `keys`/admit, whose keys are let
//         in without a token; operator.key, made where no operator is known: whoever can write
//         that folder is the operator, also of one that is made anew while the collector runs.
//         `data`/roster: who else belongs.
// Order:  before the first socket with CURVE is bound, and ended after the last one is closed.
// Thread: main; two of its own.

#ifndef COLLECTOR_ADMISSION_H
#define COLLECTOR_ADMISSION_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/refusal_book.h"
#include "collector/roster.h"
#include "shared/net/key_file.h"
#include "shared/net/key_watch.h"

typedef struct admission admission_t;

struct admission_options {
    const char *keys;        // folder; borrowed for as long as the admission
    const char *data;        // folder
    const char *endpoint;    // of the data socket; that of enrolment follows from it
    uint64_t collector;      // its id
    refusal_book_t *refused; // borrowed: whose revoked key knocks is noted there
};

// 0 and *ret; or below zero and *exit_ret, after one line in the log.
int admission_start(admission_t **ret, int *exit_ret, const struct admission_options *options);
void admission_stop(admission_t **self_p);
// Takes operator.key up, where another one is there than before, as the start would: what had its
// name is revoked. Looks each KEY_WATCH_MS, or now. A key that is gone shuts nobody out. Waits for
// the roster's disk.
void admission_turn(admission_t *self, bool now);
// Readable once ZAP has ended by itself: nobody comes in any more, so the process is to end.
int admission_ended_fd(const admission_t *self);
// Ours, as long as the admission is there.
const struct key_pair *admission_own(const admission_t *self);
roster_t *admission_roster(const admission_t *self);

#endif
