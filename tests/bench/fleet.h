// fleet - the numbers of a fleet's host, second after second: what the benches feed.
//
// Groups of ten series, 50 groups a host. 15 of percentages in hundredths that move every other
// second; 20 of counters, six of them idle, of bursty rates over five orders of size; 10 of sizes
// in pages that move one second in four; 5 of constants. The first 10 groups of each kind's share
// make the smaller host.

#ifndef TESTS_BENCH_FLEET_H
#define TESTS_BENCH_FLEET_H

#include <stdint.h>

#include "tests/support/seeded.h"

#define SEED        42
#define GROUP       10
#define SERIES      500
#define KEY_EACH    128

#define PERCENT_MAX 10000 // hundredths
#define GIB         INT64_C(1073741824)

enum family { PERCENT, COUNTER, PAGES, CONSTANT };

struct fleet_host {
    uint64_t seed;
    uint32_t n; // series
    int64_t m[SERIES];
};

// Groups 0 to 14, 15 to 34, 35 to 44, 45 to 49.
static inline enum family
fleet_family(uint32_t group)
{
    return group < 15 ? PERCENT : group < 35 ? COUNTER : group < 45 ? PAGES : CONSTANT;
}

// One of many: each has numbers of its own.
static inline void
fleet_begin_as(struct fleet_host *h, uint32_t n, uint64_t which)
{
    *h = (struct fleet_host){ .seed = (SEED + which) * UINT64_C(1000003), .n = n };
    for (uint32_t i = 0; i < SERIES; i++) {
        uint64_t dice = seeded_next(&h->seed);

        switch (fleet_family(i / GROUP)) {
        case PERCENT:
            h->m[i] = (int64_t) (dice % (PERCENT_MAX + 1));
            break;
        case COUNTER:
            h->m[i] = (int64_t) (dice % 1000000000000);
            break;
        case PAGES:
            h->m[i] = 1000 + (int64_t) (dice % 4000000);
            break;
        case CONSTANT:
            h->m[i] = (int64_t) (1 + dice % 1000) * GIB;
            break;
        }
    }
}

static inline void
fleet_begin(struct fleet_host *h, uint32_t n)
{
    fleet_begin_as(h, n, 0);
}

static inline int64_t
fleet_between(int64_t v, int64_t least, int64_t most)
{
    return v < least ? least : v > most ? most : v;
}

// One second of every series. The large number of a step stands in the dice's upper bits.
static inline void
fleet_step(struct fleet_host *h)
{
    for (uint32_t i = 0; i < SERIES; i++) {
        enum family family = fleet_family(i / GROUP);
        uint64_t dice;

        if (family == CONSTANT || (family == COUNTER && i / GROUP < 15 + 6))
            continue;
        dice = seeded_next(&h->seed);
        if (family == PERCENT && (dice & 1) != 0)
            h->m[i] = fleet_between(h->m[i] + (int64_t) (dice >> 8) % 1001 - 500, 0, PERCENT_MAX);
        else if (family == COUNTER && (dice & 3) != 0)
            h->m[i] += (int64_t) ((dice >> 8) % (UINT64_C(10) << i % 17));
        else if (family == PAGES && (dice & 3) == 0)
            h->m[i] = fleet_between(h->m[i] + (int64_t) (dice >> 8) % 2001 - 1000, 0, INT64_MAX);
    }
}

// Which of the 500 series a host of fewer has: the same share of each family.
static inline uint32_t
fleet_pick(const struct fleet_host *h, uint32_t i)
{
    return i / GROUP * (SERIES / h->n) * GROUP + i % GROUP;
}

#endif
