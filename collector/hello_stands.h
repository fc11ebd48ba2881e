// hello_stands - what the store's files have of an agent's streams, where the journal has less.
//
// So it is after a backup was put back, whose journal was copied before the files: what lies
// between is there, and its agent may have none of it any more. It would call lost what stands.
// In:     a HELLO that names more as acknowledged here than the journal has.
// Out:    `next` of these streams raised to what the files' marks say.
// Thread: the reactor's. Cost: a look-up in memory for each such stream.
// Source: design, "Marks, not one checkpoint".

#ifndef COLLECTOR_HELLO_STANDS_H
#define COLLECTOR_HELLO_STANDS_H

#include <stdbool.h>

#include "collector/ingest.h"
#include "collector/store/local_store.h"
#include "shared/wire/control.h"

struct hello_stands {
    local_store_t *store; // NULL: there are no files
    ingest_t *ingest;
    uint64_t collector; // our id
};

// False: marks are wanted and not loaded yet, so HELLO can not be answered; it comes again.
bool hello_stands_known(const struct hello_stands *self, const struct hello *hello);
// After ingest_hello, and before anything is said of `next`.
void hello_stands_raise(const struct hello_stands *self, const struct hello *hello);

#endif
