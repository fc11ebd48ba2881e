// numbered - samples whose values tell which of them they are.
//
// In:     when the first row is, and a seed.
// Out:    time and value of sample `number`: NUMBERED_WIDTH to a row, of which not all are made.
//         Slots 0 to NUMBERED_SLOTS - 1 are the row; the next one is in each fourth row, one to
//         NUMBERED_LATE_DAYS days older; the last one is NUMBERED_OLD_DAYS older, where there is
//         such a thing.
// Thread: any. Pure.

#ifndef TESTS_SUPPORT_NUMBERED_H
#define TESTS_SUPPORT_NUMBERED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/model/sample.h"

#define NUMBERED_SLOTS     8
#define NUMBERED_WIDTH     (NUMBERED_SLOTS + 2)
#define NUMBERED_LATE_DAYS 5
#define NUMBERED_OLD_DAYS  40

struct numbered {
    int64_t t0_ms; // of the first row
    uint64_t seed;
    bool old; // the last slot has samples too
};

bool numbered_is_made(const struct numbered *of, uint64_t number);
int64_t numbered_time(const struct numbered *of, uint64_t number);
// Below 2^52, like no other's, and of noise that no codec makes small.
int64_t numbered_value(const struct numbered *of, uint64_t number);

struct numbered_verdict {
    size_t missing;
    size_t doubled;
    size_t foreign; // or at another time, or with another value
    size_t found;
    uint64_t first; // number of the first one that is missing or doubled
};
// Compares what is held with `rows` rows, of which the first `sure` may lack nothing that is not
// older than since_ms.
void numbered_check(const struct numbered *of, uint64_t rows, uint64_t sure,
                    const struct sample *held, size_t n, int64_t since_ms,
                    struct numbered_verdict *ret);

#endif
