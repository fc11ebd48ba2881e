// wbuf - what does not fit is refused once and for all, and never written past the end.

#include "shared/base/wbuf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "shared/base/err.h"

static void
put_one_of_each(struct wbuf *w)
{
    wbuf_u8(w, 0x01);
    wbuf_u16(w, 0x0203);
    wbuf_u32(w, 0x04050607);
    wbuf_u64(w, UINT64_C(0x08090a0b0c0d0e0f));
    wbuf_f64(w, 1.0);
    wbuf_varint(w, 300);
    wbuf_svarint(w, -2);
    wbuf_str(w, "hi");
    wbuf_strn(w, "xyz", 2);
    wbuf_bytes(w, "!", 1);
}

static const uint8_t one_of_each[] = {
    0x01, 0x03, 0x02, 0x07, 0x06, 0x05, 0x04, 0x0f, 0x0e, 0x0d, 0x0c,
    0x0b, 0x0a, 0x09, 0x08, 0,    0,    0,    0,    0,    0,    0xf0,
    0x3f, 0xac, 0x02, 0x03, 2,    'h',  'i',  2,    'x',  'y',  '!',
};

static void
integers_are_little_endian_and_varints_leb128(void **state)
{
    uint8_t place[64];
    struct wbuf w;

    (void) state;
    wbuf_init(&w, place, sizeof place);
    put_one_of_each(&w);
    assert_int_equal(wbuf_finish(&w), sizeof one_of_each);
    assert_memory_equal(place, one_of_each, sizeof one_of_each);
}

static void
a_place_too_small_by_any_number_is_the_limit_and_is_not_passed(void **state)
{
    uint8_t place[64];

    (void) state;
    for (size_t size = 0; size < sizeof one_of_each; size++) {
        struct wbuf w;

        memset(place, 0xee, sizeof place);
        wbuf_init(&w, place, size);
        put_one_of_each(&w);
        assert_int_equal(wbuf_finish(&w), ERR_LIMIT);
        for (size_t i = size; i < sizeof place; i++)
            assert_int_equal(place[i], 0xee);
    }
}

static void
after_the_first_failure_nothing_more_is_appended(void **state)
{
    uint8_t place[4];
    struct wbuf w;

    (void) state;
    wbuf_init(&w, place, sizeof place);
    wbuf_u64(&w, 1);
    wbuf_u8(&w, 1);
    assert_int_equal(wbuf_finish(&w), ERR_LIMIT);
    assert_int_equal(w.len, 0);
    assert_null(wbuf_reserve(&w, 1));
}

static void
a_hostile_length_does_not_wrap(void **state)
{
    uint8_t place[4];
    struct wbuf w;

    (void) state;
    wbuf_init(&w, place, sizeof place);
    wbuf_u8(&w, 1);
    assert_null(wbuf_reserve(&w, SIZE_MAX));
    assert_int_equal(wbuf_finish(&w), ERR_LIMIT);
}

static void
the_largest_varints_take_ten_bytes(void **state)
{
    uint8_t place[20];
    struct wbuf w;

    (void) state;
    wbuf_init(&w, place, sizeof place);
    wbuf_varint(&w, UINT64_MAX);
    wbuf_svarint(&w, INT64_MIN);
    assert_int_equal(wbuf_finish(&w), 20);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_little_endian_and_varints_leb128),
        cmocka_unit_test(a_place_too_small_by_any_number_is_the_limit_and_is_not_passed),
        cmocka_unit_test(after_the_first_failure_nothing_more_is_appended),
        cmocka_unit_test(a_hostile_length_does_not_wrap),
        cmocka_unit_test(the_largest_varints_take_ten_bytes),
    };
    return cmocka_run_group_tests_name("wbuf", tests, NULL, NULL);
}
