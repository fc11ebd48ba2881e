// numbered - see the header. A value has the number in its low bits, and a hash above them.

#include "tests/support/numbered.h"

#include <stdlib.h>

#include "shared/base/xalloc.h"
#include "tests/support/seeded.h"

#define DAY_MS      INT64_C(86400000)
#define STEP_MS     10 // between rows
#define LATE        NUMBERED_SLOTS
#define LATE_EACH   4
#define NUMBER_BITS 26
#define VALUE_BITS  52

bool
numbered_is_made(const struct numbered *of, uint64_t number)
{
    const uint32_t slot = (uint32_t) (number % NUMBERED_WIDTH);

    return slot < NUMBERED_SLOTS ||
           (number / NUMBERED_WIDTH % LATE_EACH == 0 && (slot == LATE || of->old));
}

int64_t
numbered_time(const struct numbered *of, uint64_t number)
{
    const uint32_t slot = (uint32_t) (number % NUMBERED_WIDTH);
    const int64_t row = (int64_t) (number / NUMBERED_WIDTH);
    const int64_t days = slot < LATE    ? 0
                         : slot == LATE ? 1 + row / LATE_EACH % NUMBERED_LATE_DAYS
                                        : NUMBERED_OLD_DAYS;

    return of->t0_ms + row * STEP_MS - days * DAY_MS;
}

int64_t
numbered_value(const struct numbered *of, uint64_t number)
{
    uint64_t seed = of->seed ^ number;
    const uint64_t hash = seeded_next(&seed) >> (64 - VALUE_BITS + NUMBER_BITS);

    return (int64_t) (hash << NUMBER_BITS | number);
}

void
numbered_check(const struct numbered *of, uint64_t rows, uint64_t sure, const struct sample *held,
               size_t n, int64_t since_ms, struct numbered_verdict *ret)
{
    const uint64_t all = rows * NUMBERED_WIDTH;
    uint8_t *seen = xcalloc(all + 1, 1);

    *ret = (struct numbered_verdict){ .first = UINT64_MAX };
    for (size_t i = 0; i < n; i++) {
        const double most = (double) (UINT64_C(1) << VALUE_BITS);
        const bool whole = held[i].value >= 0 && held[i].value < most;
        const uint64_t v = whole ? (uint64_t) held[i].value : UINT64_MAX;
        const uint64_t number = v & ((UINT64_C(1) << NUMBER_BITS) - 1);

        if (sample_is_stale(held[i].value)) // nobody's sample
            continue;
        if (number >= all || !numbered_is_made(of, number) ||
            (uint64_t) numbered_value(of, number) != v ||
            held[i].time_ms != numbered_time(of, number)) {
            ret->foreign++;
            continue;
        }
        ret->found++;
        if (seen[number] == 1) {
            ret->doubled++;
            ret->first = number < ret->first ? number : ret->first;
        }
        seen[number] = seen[number] == 0 ? 1 : 2;
    }
    for (uint64_t number = 0; number < sure * NUMBERED_WIDTH; number++)
        if (seen[number] == 0 && numbered_is_made(of, number) &&
            numbered_time(of, number) >= since_ms) {
            ret->missing++;
            ret->first = number < ret->first ? number : ret->first;
        }
    free(seen);
}
