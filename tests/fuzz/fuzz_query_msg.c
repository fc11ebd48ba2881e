// fuzz_query_msg - any bytes as a question, and as an answer. What is taken is put again.

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/xalloc.h"
#include "shared/wire/query_away.h"
#include "shared/wire/query_count.h"
#include "shared/wire/query_ledger.h"
#include "shared/wire/query_msg.h"
#include "shared/wire/query_number.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t n);

static void
s_question(const uint8_t *at, size_t n)
{
    static uint8_t out[QUERY_REQUEST_MAX];
    struct query_request q = { 0 };
    ptrdiff_t len;

    if (query_take_request(&q, at, n) < 0)
        return;
    for (uint32_t i = 0; i < q.n_selectors; i++)
        q.selectors[i] = xstrndup(q.selectors[i], q.selector_len[i]);
    len = query_put_request(out, sizeof out, &q);
    if (len < 0 || (size_t) len > n)
        abort();
    for (uint32_t i = 0; i < q.n_selectors; i++)
        free((void *) (uintptr_t) q.selectors[i]);
}

static void
s_series(struct rbuf *r)
{
    size_t before = rbuf_left(r);
    struct buf out = { 0 };
    struct query_series s;

    if (query_take_series(r, &s) < 0)
        return;
    for (uint32_t i = 1; i < s.n; i++) {
        if (s.samples[i].time_ms <= s.samples[i - 1].time_ms)
            abort();
    }
    query_put_series(&out, &s);
    if (out.len > before)
        abort();
    query_series_release(&s);
    buf_release(&out);
}

static void
s_ledger(struct rbuf *r)
{
    size_t before = rbuf_left(r);
    struct buf out = { 0 };
    struct query_ledger l;
    char why[160];

    if (query_take_ledger(r, &l) < 0)
        return;
    if (query_ledger_check(&l, why, sizeof why) && l.unbalanced != 0)
        abort();
    query_put_ledger(&out, &l);
    if (out.len > before)
        abort();
    query_ledger_release(&l);
    buf_release(&out);
}

static void
s_count(struct rbuf *r)
{
    const size_t before = rbuf_left(r);
    struct query_count count;
    struct buf out = { 0 };

    if (query_take_count(r, &count) < 0)
        return;
    query_put_count(&out, &count);
    if (out.len > before)
        abort();
    query_count_release(&count);
    buf_release(&out);
}

static void
s_refused(struct rbuf *r)
{
    const size_t before = rbuf_left(r);
    struct query_away refused;
    struct buf out = { 0 };

    if (query_take_away(r, &refused) < 0)
        return;
    query_put_away(&out, &refused);
    if (out.len > before)
        abort();
    buf_release(&out);
}

// Numbers that were taken are told again, and taken as they were.
static void
s_status(struct rbuf *r, uint32_t n)
{
    struct query_numbers status = { 0 };
    struct query_numbers back = { 0 };
    struct buf out = { 0 };
    struct rbuf in;

    for (uint32_t i = 0; i < n && query_take_number(r, &status) == 0; i++) {
    }
    n = query_put_numbers(&out, &status);
    rbuf_init(&in, out.at, out.len);
    for (uint32_t i = 0; i < n; i++)
        if (query_take_number(&in, &back) < 0)
            abort();
    if (rbuf_finish(&in) < 0 || memcmp(status.value, back.value, sizeof back.value) != 0 ||
        memcmp(status.known, back.known, sizeof back.known) != 0)
        abort();
    buf_release(&out);
}

static void
s_event(struct rbuf *r)
{
    struct host_event event, back;
    uint8_t body[HOST_EVENT_BODY_MAX];
    struct wbuf w;

    if (host_event_take_item(r, &event) < 0)
        return;
    wbuf_init(&w, body, sizeof body);
    host_event_put(&w, &event);
    // What was taken is put in no more bytes, and taken again as it was.
    if (wbuf_finish(&w) < 0 || host_event_take(&back, body, w.len) < 0 ||
        !label_set_equal(&back.fields, &event.fields) || back.text_len != event.text_len)
        abort();
    host_event_release(&back);
    host_event_release(&event);
}

static void
s_answer(const uint8_t *at, size_t n)
{
    struct query_reply reply;
    struct host_info host;
    struct rbuf r;

    if (query_take_reply(&reply, &r, at, n) < 0)
        return;
    if (reply.type == QUERY_STATUS) {
        s_status(&r, reply.n);
        return;
    }
    for (uint32_t i = 0; i < reply.n && rbuf_rc(&r) == 0; i++) {
        if (reply.type == QUERY_HOSTS && host_info_take(&r, &host) == 0)
            host_info_release(&host);
        else if (reply.type == QUERY_LEDGER)
            s_ledger(&r);
        else if (reply.type == QUERY_EVENTS)
            s_event(&r);
        else if (reply.type == QUERY_CARDINALITY)
            s_count(&r);
        else if (reply.type == QUERY_AWAY)
            s_refused(&r);
        else if (reply.type != QUERY_HOSTS)
            s_series(&r);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
    s_question(at, n);
    s_answer(at, n);
    return 0;
}
