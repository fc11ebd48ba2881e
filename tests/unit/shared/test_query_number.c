// test_query_number - numbers of a collector and counts of its series come through, cuts do not.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/err.h"
#include "shared/base/wbuf.h"
#include "shared/base/xalloc.h"
#include "shared/model/label.h"
#include "shared/wire/query_count.h"
#include "shared/wire/query_number.h"

static struct buf out;

static int
teardown(void **state)
{
    (void) state;
    buf_release(&out);
    return 0;
}

static void
what_is_known_comes_through_and_nothing_else(void **state)
{
    struct query_numbers status = { 0 }, back = { 0 };
    struct rbuf r;
    uint32_t n;

    (void) state;
    query_number_set(&status, STATUS_SERIES, 300);
    query_number_set(&status, STATUS_REPLAYING, 0);
    query_number_set(&status, STATUS_DISK_FREE, UINT64_MAX);
    n = query_put_numbers(&out, &status);
    assert_int_equal(n, 3);
    rbuf_init(&r, out.at, out.len);
    for (uint32_t i = 0; i < n; i++)
        assert_int_equal(query_take_number(&r, &back), 0);
    assert_int_equal(rbuf_finish(&r), 0);
    assert_memory_equal(&back, &status, sizeof back);
    assert_true(back.known[STATUS_REPLAYING]);
    assert_false(back.known[STATUS_STORE_FILES]);
    assert_true(back.value[STATUS_DISK_FREE] == INT64_MAX);
}

static void
a_number_that_is_not_known_is_passed_over(void **state)
{
    static const unsigned ids[] = { 0, STATUS_NUMBERS, 1u << 30 };
    struct query_numbers none = { 0 }, back = { 0 };
    uint8_t bytes[40];
    struct wbuf w;
    struct rbuf r;

    (void) state;
    wbuf_init(&w, bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        wbuf_varint(&w, ids[i]);
        wbuf_svarint(&w, 7);
    }
    rbuf_init(&r, bytes, (size_t) wbuf_finish(&w));
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
        assert_int_equal(query_take_number(&r, &back), 0);
    assert_int_equal(rbuf_finish(&r), 0);
    assert_memory_equal(&back, &none, sizeof back);
}

static void
every_number_has_a_name_of_its_own(void **state)
{
    (void) state;
    for (unsigned i = 1; i < STATUS_NUMBERS; i++) {
        assert_non_null(query_number_str(i));
        for (unsigned k = 1; k < i; k++)
            assert_string_not_equal(query_number_str(i), query_number_str(k));
    }
    assert_null(query_number_str(STATUS_NUMBERS));
}

static struct query_count
some_count(void)
{
    return (struct query_count){ .of = QUERY_COUNT_VALUE,
                                 .host = 3,
                                 .text = xstrdup("n\xc3\xa4me"),
                                 .series = UINT64_MAX,
                                 .made = 300,
                                 .values = 2,
                                 .values_made = 1 };
}

static void
a_count_comes_through_and_its_cuts_do_not(void **state)
{
    struct query_count count = some_count(), back;
    struct rbuf r;

    (void) state;
    query_put_count(&out, &count);
    for (size_t cut = 0; cut <= out.len; cut++) {
        void *copy = xmemdup(out.at, cut);

        rbuf_init(&r, copy, cut);
        assert_int_equal(query_take_count(&r, &back), cut < out.len ? ERR_FORMAT : 0);
        free(copy);
    }
    assert_int_equal(back.of, QUERY_COUNT_VALUE);
    assert_int_equal(back.host, 3);
    assert_string_equal(back.text, count.text);
    assert_true(back.series == UINT64_MAX);
    assert_int_equal(back.made, 300);
    assert_int_equal(back.values, 2);
    assert_int_equal(back.values_made, 1);
    query_count_release(&back);
    query_count_release(&count);
}

static void
what_a_later_version_adds_to_a_count_is_passed_over(void **state)
{
    struct query_count count = some_count(), back;
    struct buf longer = { 0 };
    struct rbuf r;

    (void) state;
    query_put_count(&out, &count);
    assert_true(out.at[0] < 0x7f);
    buf_byte(&longer, (uint8_t) (out.at[0] + 1));
    buf_bytes(&longer, out.at + 1, out.len - 1);
    buf_byte(&longer, 0xff);
    rbuf_init(&r, longer.at, longer.len);
    assert_int_equal(query_take_count(&r, &back), 0);
    assert_int_equal(rbuf_finish(&r), 0);
    query_count_release(&back);
    query_count_release(&count);
    buf_release(&longer);
}

static void
a_text_of_a_count_is_as_long_as_a_value_may_be(void **state)
{
    struct query_count count = { .of = QUERY_COUNT_VALUE }, back;
    struct rbuf r;

    (void) state;
    count.text = xcalloc(LABEL_VALUE_MAX + 2, 1);
    memset(count.text, 'x', LABEL_VALUE_MAX + 1);
    query_put_count(&out, &count);
    rbuf_init(&r, out.at, out.len);
    assert_int_equal(query_take_count(&r, &back), 0);
    assert_int_equal(strlen(back.text), LABEL_VALUE_MAX);
    query_count_release(&back);
    query_count_release(&count);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(what_is_known_comes_through_and_nothing_else, teardown),
        cmocka_unit_test_teardown(a_number_that_is_not_known_is_passed_over, teardown),
        cmocka_unit_test_teardown(every_number_has_a_name_of_its_own, teardown),
        cmocka_unit_test_teardown(a_count_comes_through_and_its_cuts_do_not, teardown),
        cmocka_unit_test_teardown(what_a_later_version_adds_to_a_count_is_passed_over, teardown),
        cmocka_unit_test_teardown(a_text_of_a_count_is_as_long_as_a_value_may_be, teardown),
    };

    return cmocka_run_group_tests_name("query_number", tests, NULL, NULL);
}
