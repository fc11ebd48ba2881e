// test_query_msg - questions and answers come through, cuts and lies do not.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/err.h"
#include "shared/base/xalloc.h"
#include "shared/model/matcher.h"
#include "shared/wire/query_msg.h"

static uint8_t bytes[QUERY_REQUEST_MAX + 1];
static struct buf out;
static struct rbuf r;

static int
teardown(void **state)
{
    (void) state;
    buf_release(&out);
    return 0;
}

static struct query_request
question(void)
{
    return (struct query_request){
        .type = QUERY_SELECT,
        .id = 1,
        .host = 2,
        .start_ms = -3,
        .end_ms = 4,
        .n_selectors = 2,
        .selectors = { "up", "{job=\"node\"}" },
    };
}

// From a place of the exact size.
static int
take_request(struct query_request *ret, size_t n)
{
    static void *copy;

    free(copy);
    copy = n > 0 ? xmemdup(bytes, n) : NULL;
    return query_take_request(ret, n > 0 ? copy : bytes, n);
}

static void
a_question_comes_through(void **state)
{
    struct query_request q = question(), back;
    ptrdiff_t n = query_put_request(bytes, sizeof bytes, &q);

    (void) state;
    assert_true(n > 0);
    assert_int_equal(take_request(&back, (size_t) n), 0);
    assert_int_equal(back.type, QUERY_SELECT);
    assert_int_equal(back.id, 1);
    assert_int_equal(back.host, 2);
    assert_int_equal(back.start_ms, -3);
    assert_int_equal(back.end_ms, 4);
    assert_int_equal(back.n_selectors, 2);
    assert_int_equal(back.selector_len[1], 12);
    assert_memory_equal(back.selectors[1], q.selectors[1], 12);
    for (size_t cut = 0; cut < (size_t) n; cut++)
        assert_int_equal(take_request(&back, cut), ERR_FORMAT);
    for (size_t size = 0; size < (size_t) n; size++)
        assert_int_equal(query_put_request(bytes, size, &q), ERR_LIMIT);
}

static void
a_question_past_a_limit_is_refused(void **state)
{
    static char text[MATCHERS_TEXT_MAX + 2];
    struct query_request q = question(), back;

    (void) state;
    memset(text, 'x', MATCHERS_TEXT_MAX + 1);
    q.selectors[0] = text;
    assert_int_equal(take_request(&back, (size_t) query_put_request(bytes, sizeof bytes, &q)),
                     ERR_FORMAT);
    text[MATCHERS_TEXT_MAX] = '\0';
    assert_int_equal(take_request(&back, (size_t) query_put_request(bytes, sizeof bytes, &q)), 0);
    q.n_selectors = QUERY_SELECTORS_MAX;
    for (int i = 0; i < QUERY_SELECTORS_MAX; i++)
        q.selectors[i] = text;
    assert_int_equal(query_put_request(bytes, sizeof bytes, &q), ERR_LIMIT);
    assert_int_equal(take_request(&back, QUERY_REQUEST_MAX + 1), ERR_LIMIT);
}

static void
an_unknown_question_can_still_be_answered(void **state)
{
    struct query_request q = question(), back;
    size_t n;

    (void) state;
    q.type = 99;
    n = (size_t) query_put_request(bytes, sizeof bytes, &q);
    assert_int_equal(take_request(&back, n), ERR_UNKNOWN);
    assert_int_equal(back.id, 1);
    bytes[0] = 0x20;
    assert_int_equal(take_request(&back, n), ERR_VERSION);
    bytes[0] = 0x00;
    assert_int_equal(take_request(&back, n), ERR_FORMAT);
}

static const struct query_reply answer = {
    .type = QUERY_SELECT,
    .flags = QUERY_MORE,
    .status = QUERY_TOO_LARGE,
    .n = 0,
    .id = 1,
    .collector = 2,
    .epoch = 3,
    .now_ms = -4,
    .upto = 5,
    .text = "too many series",
};

static struct query_series
series(uint32_t n)
{
    static const struct label labels[] = { { "__name__", "up" }, { "instance", "a" } };
    struct query_series s = { .id = 70000, .kind = METRIC_GAUGE, .host = 9, .n = n };

    assert_int_equal(label_set_init(&s.labels, labels, 2), 0);
    s.samples = xcalloc(n + 1, sizeof *s.samples);
    for (uint32_t i = 0; i < n; i++)
        s.samples[i] = (struct sample){ -5000 + 1000 * (int64_t) i + i % 3, i / 7.0 };
    return s;
}

static void
an_answer_comes_through(void **state)
{
    struct query_series s = series(50), none = series(0), back;
    struct query_reply reply;

    (void) state;
    buf_byte(&out, 0xaa); // replies need not begin a buf
    query_put_reply(&out, &answer);
    query_put_series(&out, &s);
    query_put_series(&out, &none);
    query_patch_reply(&out, 1, 2, 0);
    assert_int_equal(query_take_reply(&reply, &r, out.at + 1, out.len - 1), 0);
    assert_int_equal(reply.type, QUERY_SELECT);
    assert_int_equal(reply.flags, 0);
    assert_int_equal(reply.status, QUERY_TOO_LARGE);
    assert_int_equal(reply.n, 2);
    assert_int_equal(reply.id, 1);
    assert_int_equal(reply.collector, 2);
    assert_int_equal(reply.epoch, 3);
    assert_int_equal(reply.now_ms, -4);
    assert_int_equal(reply.upto, 5);
    assert_int_equal(reply.text_len, 15);
    assert_memory_equal(reply.text, answer.text, 15);

    assert_int_equal(query_take_series(&r, &back), 0);
    assert_int_equal(back.id, s.id);
    assert_int_equal(back.kind, s.kind);
    assert_int_equal(back.host, s.host);
    assert_true(label_set_equal(&back.labels, &s.labels));
    assert_int_equal(back.n, s.n);
    assert_memory_equal(back.samples, s.samples, s.n * sizeof *s.samples);
    query_series_release(&back);
    assert_int_equal(query_take_series(&r, &back), 0);
    assert_int_equal(back.n, 0);
    assert_null(back.samples);
    query_series_release(&back);
    assert_int_equal(rbuf_finish(&r), 0);
    query_series_release(&s);
    query_series_release(&none);
}

static void
every_cut_of_an_answer_is_refused(void **state)
{
    struct query_series s = series(9), back;
    struct query_reply reply;

    (void) state;
    query_put_reply(&out, &answer);
    query_put_series(&out, &s);
    for (size_t n = 0; n < out.len; n++) {
        uint8_t *copy = xmemdup(out.at, n > 0 ? n : 1);

        assert_true(query_take_reply(&reply, &r, copy, n) < 0 || query_take_series(&r, &back) < 0);
        free(copy);
    }
    query_series_release(&s);
}

static void
answers_that_lie_are_refused(void **state)
{
    static const uint8_t still[] = { 1, 1, 9, 0, 0, 0, 0, 0, 0, 0, 0, 2, // two samples
                                     0, 0, 0, 0, 0, 0, 0, 0, 0,          // at one time
                                     0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
    static const uint8_t many[] = { 1, 1, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f };
    uint8_t past[sizeof still];
    struct query_reply reply;
    struct query_series s;

    (void) state;
    rbuf_init(&r, still, sizeof still);
    assert_int_equal(query_take_series(&r, &s), ERR_FORMAT);
    memcpy(past, still, sizeof still);
    memset(past + 12, 0xff, 7);
    past[19] = 0x7f; // the last millisecond there is
    past[20] = 1;
    rbuf_init(&r, past, sizeof past);
    assert_int_equal(query_take_series(&r, &s), ERR_FORMAT);
    rbuf_init(&r, many, sizeof many);
    assert_int_equal(query_take_series(&r, &s), ERR_FORMAT);
    assert_null(s.samples);

    query_put_reply(&out, &answer);
    query_patch_reply(&out, 0, 1, 0); // one item, and nothing behind
    assert_int_equal(query_take_reply(&reply, &r, out.at, out.len), ERR_FORMAT);
    out.at[0] = 0x20;
    assert_int_equal(query_take_reply(&reply, &r, out.at, out.len), ERR_VERSION);
}

static void
a_text_too_long_is_cut_between_characters(void **state)
{
    struct query_reply reply = answer;
    char text[QUERY_TEXT_MAX + 4];

    (void) state;
    memset(text, 'x', sizeof text);
    memcpy(text + QUERY_TEXT_MAX - 1, "\xe2\x82\xac", 4); // a euro sign across the limit
    reply.text = text;
    query_put_reply(&out, &reply);
    assert_int_equal(query_take_reply(&reply, &r, out.at, out.len), 0);
    assert_int_equal(reply.text_len, QUERY_TEXT_MAX - 1);
    reply.text = NULL;
    buf_clear(&out);
    query_put_reply(&out, &reply);
    assert_int_equal(query_take_reply(&reply, &r, out.at, out.len), 0);
    assert_int_equal(reply.text_len, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_question_comes_through, teardown),
        cmocka_unit_test_teardown(a_question_past_a_limit_is_refused, teardown),
        cmocka_unit_test_teardown(an_unknown_question_can_still_be_answered, teardown),
        cmocka_unit_test_teardown(an_answer_comes_through, teardown),
        cmocka_unit_test_teardown(every_cut_of_an_answer_is_refused, teardown),
        cmocka_unit_test_teardown(answers_that_lie_are_refused, teardown),
        cmocka_unit_test_teardown(a_text_too_long_is_cut_between_characters, teardown),
    };

    return cmocka_run_group_tests_name("query_msg", tests, NULL, NULL);
}
