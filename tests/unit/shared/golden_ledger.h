// golden_ledger - the answer to a LEDGER question that is kept for ever.

#ifndef TESTS_UNIT_SHARED_GOLDEN_LEDGER_H
#define TESTS_UNIT_SHARED_GOLDEN_LEDGER_H

#include "shared/wire/query_ledger.h"
#include "tests/unit/shared/golden_message.h"

static inline void
make_answer_ledger(struct buf *out)
{
    struct query_reply reply = golden_reply;
    struct query_ledger ledger = {
        .host = HOST,
        .name = (char *) (uintptr_t) "web-01",
        .state = HOST_UP,
        .settled = true,
        .told_ms = T0 - 500,
        .told = golden_ledger,
        .stored = 788,
        .elsewhere = 5,
        .refused = { [REFUSED_FUTURE] = 7, [REFUSED_EARLIER] = 2 },
        .before = 100,
        .duplicates = 3,
        .conflicts = 1,
        .unbalanced = 3,
        .n_gaps = 2,
        .gaps = { { .from_ms = T0 - 90000, .to_ms = T0 - 60000, .count = 12, .cause = 1 },
                  { .from_ms = T0 - 3000,
                    .to_ms = T0 - 500,
                    .count = 2,
                    .missed = true,
                    .cause = MISSED_HUNG } },
    };

    reply.type = QUERY_LEDGER;
    query_put_reply(out, &reply);
    query_put_ledger(out, &ledger);
}

static inline void
tell_query_ledger(struct buf *out, struct rbuf *r)
{
    struct query_ledger l;
    char why[160] = "";

    if (query_take_ledger(r, &l) < 0)
        return;
    query_ledger_check(&l, why, sizeof why);
    buf_printf(out, "host %016" PRIx64 " %s state %u settled %d told %" PRId64 "\n", l.host, l.name,
               l.state, l.settled, l.told_ms);
    tell_ledger(out, &l.told);
    buf_printf(out, "stored %" PRIu64 " elsewhere %" PRIu64, l.stored, l.elsewhere);
    for (unsigned i = 0; i < REFUSED_CAUSES; i++)
        buf_printf(out, " %s %" PRIu64, refused_cause_str(i), l.refused[i]);
    buf_printf(out, " before %" PRIu64 " duplicates %" PRIu64 " conflicts %" PRIu64, l.before,
               l.duplicates, l.conflicts);
    buf_printf(out, " unbalanced %" PRId64 "\n%s\n", l.unbalanced, why);
    for (uint32_t i = 0; i < l.n_gaps; i++)
        buf_printf(out, "%s %" PRIu64 " by %s from %" PRId64 " to %" PRId64 "\n",
                   l.gaps[i].missed ? "missed" : "lost", l.gaps[i].count,
                   query_gap_cause_str(&l.gaps[i]), l.gaps[i].from_ms, l.gaps[i].to_ms);
    query_ledger_release(&l);
}

#endif
