// golden_number - the answers to STATUS and CARDINALITY questions that are kept for ever.

#ifndef TESTS_UNIT_SHARED_GOLDEN_NUMBER_H
#define TESTS_UNIT_SHARED_GOLDEN_NUMBER_H

#include "shared/wire/query_count.h"
#include "shared/wire/query_number.h"
#include "tests/unit/shared/golden_message.h"

static inline void
make_answer_status(struct buf *out)
{
    struct query_reply reply = golden_reply;
    struct query_numbers status = { 0 };

    reply.type = QUERY_STATUS;
    query_put_reply(out, &reply);
    query_number_set(&status, STATUS_SERIES, 300);
    query_number_set(&status, STATUS_STORE_NEWEST_MS, T0);
    query_patch_reply(out, 0, query_put_numbers(out, &status), 0);
}

static inline void
make_answer_cardinality(struct buf *out)
{
    struct query_reply reply = golden_reply;

    reply.type = QUERY_CARDINALITY;
    query_put_reply(out, &reply);
    query_put_count(out, &(struct query_count){
                             .of = QUERY_COUNT_HOST, .host = HOST, .series = 300, .made = 2 });
    query_put_count(out, &(struct query_count){ .of = QUERY_COUNT_NAME,
                                                .text = (char *) (uintptr_t) "cpu",
                                                .series = 64,
                                                .values = 8,
                                                .values_made = 1 });
    query_patch_reply(out, 0, 2, 0);
}

static inline void
tell_status(struct buf *out, struct rbuf *r)
{
    struct query_numbers status = { 0 };

    if (query_take_number(r, &status) < 0)
        return;
    for (unsigned i = 1; i < STATUS_NUMBERS; i++)
        if (status.known[i])
            buf_printf(out, "%s %" PRId64 "\n", query_number_str(i), status.value[i]);
}

static inline void
tell_count(struct buf *out, struct rbuf *r)
{
    struct query_count count;

    if (query_take_count(r, &count) < 0)
        return;
    buf_printf(out,
               "of %u host %016" PRIx64 " text %s series %" PRIu64 " made %" PRIu64
               " values %" PRIu64 " made %" PRIu64 "\n",
               count.of, count.host, count.text, count.series, count.made, count.values,
               count.values_made);
    query_count_release(&count);
}

#endif
