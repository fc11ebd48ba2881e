// limit_book - what the limits of one agent refused, and what of that weighs most.
//
// In:     refusals: of a series, with its labels; of samples, with the name of their metric.
// Out:    by limit: how many; the label that made so many series of it, which is the one that has
//         the most values, times the refused series that have it, or where labels were too large
//         the one of most bytes; and of the metrics that have this label the heaviest.
// Thread: one owner.
// Weight: where series are refused, they alone weigh, for they have labels: their samples come as
//         long as their stream lasts, and say nothing new. Weights fade, by half each
//         LIMIT_BOOK_FADES of all, so that who weighed much once does not stay.
// Limits: LIMIT_BOOK_LABELS labels of a limit, the first ones, and some two hundred values of each
//         told apart. LIMIT_BOOK_METRICS metrics of a limit: another one takes the place of the
//         lightest and goes on from its weight. Among many that are refused a little each by turns,
//         some are kept, and not the heaviest for sure.
// Source: Metwally, Agrawal, El Abbadi: Efficient Computation of Frequent and Top-k Elements in
//         Data Streams (2005), "Space-Saving".

#ifndef COLLECTOR_LIMIT_BOOK_H
#define COLLECTOR_LIMIT_BOOK_H

#include <stdint.h>

#include "shared/model/label.h"
#include "shared/wire/query_ledger.h"

#define LIMIT_BOOK_METRICS 8u
#define LIMIT_BOOK_LABELS  32u // bits of a word
#define LIMIT_BOOK_FADES   256u

typedef struct limit_book limit_book_t;

struct refusal {
    uint8_t limit;      // enum refused_limit, not 0
    const char *metric; // "": not known
    // One series, or samples, is what was refused.
    const struct label_set *labels; // NULL: samples
    uint64_t samples;
};

limit_book_t *limit_book_new(void);
void limit_book_destroy(limit_book_t **self_p);
void limit_book_add(limit_book_t *self, const struct refusal *refusal);
// Those limits that refused something, rising; their number.
uint32_t limit_book_get(const limit_book_t *self, struct query_limit ret[REFUSED_LIMITS]);

#endif
