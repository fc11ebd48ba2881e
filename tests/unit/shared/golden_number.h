// golden_number - the answers to STATUS, CARDINALITY and AWAY questions that are kept for ever; and
// what any answer says.

#ifndef TESTS_UNIT_SHARED_GOLDEN_NUMBER_H
#define TESTS_UNIT_SHARED_GOLDEN_NUMBER_H

#include "shared/wire/query_away.h"
#include "shared/wire/query_count.h"
#include "shared/wire/query_number.h"
#include "tests/unit/shared/golden_ledger.h"
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
make_answer_away(struct buf *out)
{
    struct query_reply reply = golden_reply;

    reply.type = QUERY_AWAY;
    query_put_reply(out, &reply);
    query_put_away(out, &(struct query_away){ .cause = AWAY_CLONE,
                                              .host = HOST,
                                              .nonce = 77,
                                              .first_ms = T0,
                                              .last_ms = T0 + 2000,
                                              .times = 300,
                                              .name = "web-1",
                                              .key = "web-1",
                                              .address = "10.0.0.7" });
    query_put_away(out, &(struct query_away){
                            .cause = AWAY_REVOKED, .first_ms = T0, .last_ms = T0, .name = "w" });
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

static inline void
tell_away(struct buf *out, struct rbuf *r)
{
    struct query_away away;

    if (query_take_away(r, &away) < 0)
        return;
    buf_printf(out,
               "%s host %016" PRIx64 " nonce %" PRIu64 " first %" PRId64 " last %" PRId64
               " times %" PRIu64 " name %s key %s address %s\n",
               away_cause_str(away.cause), away.host, away.nonce, away.first_ms, away.last_ms,
               away.times, away.name, away.key, away.address);
}

static inline void
tell_answer(struct buf *out, const uint8_t *at, size_t n)
{
    struct host_event event;
    struct query_reply reply;
    struct rbuf r;

    if (query_take_reply(&reply, &r, at, n) < 0)
        return;
    buf_printf(out, "type %u flags %u status %u n %" PRIu32 " id %" PRIu64, reply.type, reply.flags,
               reply.status, reply.n, reply.id);
    buf_printf(out,
               " collector %016" PRIx64 " epoch %016" PRIx64 " now %" PRId64 " upto %" PRIu64 "\n",
               reply.collector, reply.epoch, reply.now_ms, reply.upto);
    buf_printf(out, "text %.*s\n", (int) reply.text_len, reply.text);
    for (uint32_t i = 0; i < reply.n; i++) {
        if (reply.type == QUERY_HOSTS)
            tell_host(out, &r);
        else if (reply.type == QUERY_LEDGER)
            tell_query_ledger(out, &r);
        else if (reply.type == QUERY_EVENTS && host_event_take_item(&r, &event) == 0)
            tell_item(out, &event);
        else if (reply.type == QUERY_STATUS)
            tell_status(out, &r);
        else if (reply.type == QUERY_CARDINALITY)
            tell_count(out, &r);
        else if (reply.type == QUERY_AWAY)
            tell_away(out, &r);
        else
            tell_series(out, &r);
    }
    buf_printf(out, "left %zu\n", rbuf_left(&r));
}

#endif
