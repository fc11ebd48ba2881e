// rbuf - bytes of a stranger: cut anywhere, with hostile numbers.

#include "shared/base/rbuf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shared/base/err.h"
#include "shared/base/wbuf.h"
#include "shared/base/xalloc.h"

#define N_OF(table) (sizeof(table) / sizeof(table)[0])

static size_t
write_one_of_each(uint8_t *place, size_t size)
{
    struct wbuf w;

    wbuf_init(&w, place, size);
    wbuf_u8(&w, 200);
    wbuf_u16(&w, 60000);
    wbuf_u32(&w, 4000000000);
    wbuf_u64(&w, UINT64_MAX - 1);
    wbuf_f64(&w, -2.5);
    wbuf_varint(&w, UINT64_MAX);
    wbuf_svarint(&w, INT64_MIN);
    wbuf_str(&w, "caf\xc3\xa9");
    wbuf_varint(&w, 7);
    wbuf_bytes(&w, "end", 3);
    return (size_t) wbuf_finish(&w);
}

// True if each value came back as it was written.
static bool
read_one_of_each(struct rbuf *r)
{
    bool same = rbuf_u8(r) == 200;
    const uint8_t *bytes;
    const char *text;
    size_t len;

    same &= rbuf_u16(r) == 60000;
    same &= rbuf_u32(r) == 4000000000;
    same &= rbuf_u64(r) == UINT64_MAX - 1;
    same &= rbuf_f64(r) == -2.5;
    same &= rbuf_varint(r) == UINT64_MAX;
    same &= rbuf_svarint(r) == INT64_MIN;
    text = rbuf_str(r, 5, &len);
    same &= text != NULL && len == 5 && memcmp(text, "caf\xc3\xa9", 5) == 0;
    same &= rbuf_count(r, 7) == 7;
    bytes = rbuf_bytes(r, 3);
    same &= bytes != NULL && memcmp(bytes, "end", 3) == 0;
    return same;
}

static void
what_was_written_comes_back(void **state)
{
    uint8_t bytes[80];
    size_t n = write_one_of_each(bytes, sizeof bytes);
    struct rbuf r;

    (void) state;
    rbuf_init(&r, bytes, n);
    assert_true(read_one_of_each(&r));
    assert_int_equal(rbuf_finish(&r), 0);
    assert_int_equal(rbuf_left(&r), 0);
}

// Each cut stands in memory of its own, so that a sanitizer sees a read past it.
static void
cut_at_any_length_it_fails(void **state)
{
    uint8_t bytes[80];
    size_t n = write_one_of_each(bytes, sizeof bytes);

    (void) state;
    for (size_t cut = 0; cut < n; cut++) {
        uint8_t *own = xmemdup(bytes, cut);
        struct rbuf r;

        rbuf_init(&r, own, cut);
        assert_false(read_one_of_each(&r));
        assert_int_equal(rbuf_rc(&r), ERR_FORMAT);
        assert_int_equal(rbuf_finish(&r), ERR_FORMAT);
        assert_int_equal(rbuf_left(&r), 0);
        free(own);
    }
}

static void
bytes_that_are_left_are_an_error_at_the_end_only(void **state)
{
    struct rbuf r;

    (void) state;
    rbuf_init(&r, "ab", 2);
    assert_int_equal(rbuf_u8(&r), 'a');
    assert_int_equal(rbuf_rc(&r), 0);
    assert_int_equal(rbuf_left(&r), 1);
    assert_int_equal(rbuf_finish(&r), ERR_FORMAT);
}

static void
the_first_failure_sticks(void **state)
{
    struct rbuf r;
    size_t len = 9;

    (void) state;
    rbuf_init(&r, "abc", 3);
    assert_int_equal(rbuf_u64(&r), 0);
    assert_int_equal(rbuf_u8(&r), 0);
    assert_null(rbuf_bytes(&r, 0));
    assert_null(rbuf_str(&r, 10, &len));
    assert_int_equal(len, 0);
    assert_int_equal(rbuf_finish(&r), ERR_FORMAT);
}

static void
hostile_varints_are_refused(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } cases[] = {
        { "", 0 },
        { "\x80", 1 },
        { "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10 },     // bit 64
        { "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 10 },     // bits 64 to 69
        { "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\x00", 11 }, // goes on
        { "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 11 }, // zero, eleven bytes long
    };

    (void) state;
    for (size_t i = 0; i < N_OF(cases); i++) {
        struct rbuf r;

        rbuf_init(&r, cases[i].bytes, cases[i].len);
        assert_int_equal(rbuf_varint(&r), 0);
        assert_int_equal(rbuf_rc(&r), ERR_FORMAT);
    }
}

static void
a_varint_of_64_bits_is_read(void **state)
{
    struct rbuf r;

    (void) state;
    rbuf_init(&r, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10);
    assert_true(rbuf_varint(&r) == UINT64_MAX);
    assert_int_equal(rbuf_finish(&r), 0);
}

static void
a_count_above_its_limit_is_refused(void **state)
{
    struct rbuf r;

    (void) state;
    rbuf_init(&r, "\x08", 1);
    assert_int_equal(rbuf_count(&r, 7), 0);
    assert_int_equal(rbuf_rc(&r), ERR_FORMAT);
}

static void
a_length_past_the_end_does_not_wrap(void **state)
{
    struct rbuf r;
    size_t len;

    (void) state;
    rbuf_init(&r, "abc", 3);
    assert_null(rbuf_bytes(&r, SIZE_MAX));
    rbuf_init(&r,
              "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
              "abc",
              13);
    assert_null(rbuf_str(&r, SIZE_MAX, &len));
    assert_int_equal(len, 0);
}

static void
text_that_is_not_utf8_is_refused(void **state)
{
    static const char *const bad[] = { "\x02\xff\xff", "\x02\x61\xc3", "\x02\xc0\x80" };
    struct rbuf r;
    size_t len;

    (void) state;
    for (size_t i = 0; i < N_OF(bad); i++) {
        rbuf_init(&r, bad[i], 3);
        assert_null(rbuf_str(&r, 10, &len));
        assert_int_equal(rbuf_rc(&r), ERR_FORMAT);
    }
    rbuf_init(&r,
              "\x02"
              "a\0",
              3);
    assert_null(rbuf_str(&r, 10, &len));
}

static void
empty_text_is_there(void **state)
{
    struct rbuf r;
    size_t len = 9;

    (void) state;
    rbuf_init(&r, "\0", 1);
    assert_non_null(rbuf_str(&r, 10, &len));
    assert_int_equal(len, 0);
    assert_int_equal(rbuf_finish(&r), 0);
    rbuf_init(&r, NULL, 0);
    assert_non_null(rbuf_bytes(&r, 0));
    assert_int_equal(rbuf_finish(&r), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_comes_back),
        cmocka_unit_test(cut_at_any_length_it_fails),
        cmocka_unit_test(bytes_that_are_left_are_an_error_at_the_end_only),
        cmocka_unit_test(the_first_failure_sticks),
        cmocka_unit_test(hostile_varints_are_refused),
        cmocka_unit_test(a_varint_of_64_bits_is_read),
        cmocka_unit_test(a_count_above_its_limit_is_refused),
        cmocka_unit_test(a_length_past_the_end_does_not_wrap),
        cmocka_unit_test(text_that_is_not_utf8_is_refused),
        cmocka_unit_test(empty_text_is_there),
    };
    return cmocka_run_group_tests_name("rbuf", tests, NULL, NULL);
}
