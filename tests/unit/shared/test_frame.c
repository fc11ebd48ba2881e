// test_frame - a frame is whole and as it was sent, or it is not a frame.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/crc32c.h"
#include "shared/base/err.h"
#include "shared/base/xalloc.h"
#include "shared/wire/frame.h"

static const uint8_t body[] = { 0xde, 0xad, 0xbe, 0xef, 0x00 };

static const struct record sample = {
    .type = RECORD_DELTA,
    .count = 0x01020304,
    .stream = UINT64_C(0x1112131415161718),
    .seq = UINT64_C(0x2122232425262728),
    .total = UINT64_C(0x3132333435363738),
    .t0_ms = -2,
    .body = body,
    .body_len = sizeof body,
};
static const struct frame_prefix prefix = {
    .flags = FRAME_BACKLOG | FRAME_IMPORT,
    .base = UINT64_C(0x4142434445464748),
};

#define FRAME_SIZE (FRAME_PREFIX_SIZE + FRAME_RECORD_HEADER + sizeof body)

static void
make(uint8_t out[FRAME_SIZE], const struct frame_prefix *p, const struct record *r)
{
    frame_put_prefix(out, p);
    assert_int_equal(frame_put_record(out + FRAME_PREFIX_SIZE, FRAME_SIZE - FRAME_PREFIX_SIZE, r),
                     FRAME_SIZE - FRAME_PREFIX_SIZE);
}

static int
take(const void *at, size_t n)
{
    struct frame_prefix p;
    struct record r;
    // A copy of the exact size, so that a sanitizer sees a read past the end.
    void *copy = xmemdup(n > 0 ? at : "", n > 0 ? n : 1);
    int rc = frame_take(&p, &r, copy, n);

    free(copy);
    return rc;
}

// The prefix with a right crc, whatever a test has made of it.
static void
seal(uint8_t *frame)
{
    uint32_t crc = crc32c(0, frame, 12);

    for (int i = 0; i < 4; i++)
        frame[12 + i] = (uint8_t) (crc >> 8 * i);
}

static void
a_frame_comes_back_as_it_was_sent(void **state)
{
    uint8_t frame[FRAME_SIZE];
    struct frame_prefix p;
    struct record r;

    (void) state;
    make(frame, &prefix, &sample);
    assert_int_equal(frame_take(&p, &r, frame, sizeof frame), 0);
    assert_int_equal(p.flags, prefix.flags);
    assert_int_equal(p.base, prefix.base);
    assert_int_equal(r.type, sample.type);
    assert_int_equal(r.count, sample.count);
    assert_int_equal(r.stream, sample.stream);
    assert_int_equal(r.seq, sample.seq);
    assert_int_equal(r.total, sample.total);
    assert_int_equal(r.t0_ms, sample.t0_ms);
    assert_int_equal(r.body_len, sizeof body);
    assert_memory_equal(r.body, body, sizeof body);
}

static void
every_field_stands_where_the_format_says(void **state)
{
    static const uint8_t head[] = { 'Z',  'P',  0x10, 0x05, 0x48, 0x47,
                                    0x46, 0x45, 0x44, 0x43, 0x42, 0x41 };
    static const uint8_t rest[] = {
        0x04, 0x03, 0x02, 0x01,                         // count
        0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11, // stream
        0x28, 0x27, 0x26, 0x25, 0x24, 0x23, 0x22, 0x21, // seq
        0x38, 0x37, 0x36, 0x35, 0x34, 0x33, 0x32, 0x31, // total
        0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, // t0
        0xde, 0xad, 0xbe, 0xef, 0x00,
    };
    static const uint8_t word[] = { 49, 0, 0, RECORD_DELTA };
    uint8_t frame[FRAME_SIZE];
    uint32_t crc;

    (void) state;
    make(frame, &prefix, &sample);
    assert_memory_equal(frame, head, sizeof head);
    assert_memory_equal(frame + 16, word, sizeof word);
    assert_memory_equal(frame + 24, rest, sizeof rest);
    crc = crc32c(crc32c(0, word, sizeof word), rest, sizeof rest);
    for (int i = 0; i < 4; i++)
        assert_int_equal(frame[20 + i], (uint8_t) (crc >> 8 * i));
}

static void
a_frame_cut_at_any_length_is_refused(void **state)
{
    uint8_t frame[FRAME_SIZE];

    (void) state;
    make(frame, &prefix, &sample);
    for (size_t n = 0; n < sizeof frame; n++)
        assert_int_equal(take(frame, n), ERR_FORMAT);
}

static void
one_flipped_bit_anywhere_is_noticed(void **state)
{
    uint8_t frame[FRAME_SIZE];

    (void) state;
    make(frame, &prefix, &sample);
    for (size_t bit = 0; bit < 8 * sizeof frame; bit++) {
        frame[bit / 8] ^= (uint8_t) (1 << bit % 8);
        assert_true(take(frame, sizeof frame) < 0);
        frame[bit / 8] ^= (uint8_t) (1 << bit % 8);
    }
    assert_int_equal(take(frame, sizeof frame), 0);
}

static void
bytes_behind_the_record_are_refused(void **state)
{
    uint8_t frame[FRAME_SIZE + 1] = { 0 };

    (void) state;
    make(frame, &prefix, &sample);
    assert_int_equal(take(frame, sizeof frame), ERR_FORMAT);
}

static void
a_flag_that_we_do_not_know_is_refused(void **state)
{
    uint8_t frame[FRAME_SIZE];

    (void) state;
    for (int bit = 0; bit < 8; bit++) {
        make(frame, &prefix, &sample);
        frame[3] = (uint8_t) (1 << bit);
        seal(frame);
        assert_int_equal(take(frame, sizeof frame),
                         (1 << bit & FRAME_FLAGS_KNOWN) != 0 ? 0 : ERR_FORMAT);
    }
}

static void
a_newer_minor_version_is_read_and_a_newer_major_is_not(void **state)
{
    uint8_t frame[FRAME_SIZE];

    (void) state;
    make(frame, &prefix, &sample);
    frame[2] = 0x1f;
    seal(frame);
    assert_int_equal(take(frame, sizeof frame), 0);
    frame[2] = 0x0f;
    seal(frame);
    assert_int_equal(take(frame, sizeof frame), ERR_FORMAT);
    // What follows the version may be laid out in a way that we do not know.
    frame[2] = 0x20;
    assert_int_equal(take(frame, sizeof frame), ERR_VERSION);
}

static void
stream_zero_is_no_stream(void **state)
{
    struct record r = sample;
    uint8_t frame[FRAME_SIZE];

    (void) state;
    r.stream = 0;
    make(frame, &prefix, &r);
    assert_int_equal(take(frame, sizeof frame), ERR_FORMAT);
}

static void
a_type_that_we_do_not_know_is_kept(void **state)
{
    struct record r = sample;
    uint8_t frame[FRAME_SIZE];
    struct frame_prefix p;

    (void) state;
    r.type = 0xff;
    make(frame, &prefix, &r);
    assert_int_equal(frame_take(&p, &r, frame, sizeof frame), 0);
    assert_int_equal(r.type, 0xff);
    assert_string_equal(record_type_str(r.type), "unknown");
    assert_string_equal(record_type_str(0), "unknown");
    assert_string_equal(record_type_str(RECORD_TABLE), "table");
}

static void
the_largest_frame_fits_and_one_byte_more_does_not(void **state)
{
    uint8_t *frame = xcalloc(1, FRAME_MAX + 1);
    struct record r = sample;
    struct frame_prefix p;

    (void) state;
    // Made where it belongs: nothing is copied.
    r.body = frame + FRAME_PREFIX_SIZE + FRAME_RECORD_HEADER;
    r.body_len = FRAME_BODY_MAX;
    frame_put_prefix(frame, &prefix);
    assert_int_equal(frame_put_record(frame + FRAME_PREFIX_SIZE, FRAME_MAX, &r),
                     FRAME_MAX - FRAME_PREFIX_SIZE);
    assert_int_equal(frame_take(&p, &r, frame, FRAME_MAX), 0);
    assert_int_equal(r.body_len, FRAME_BODY_MAX);
    assert_int_equal(frame_take(&p, &r, frame, FRAME_MAX + 1), ERR_LIMIT);
    r.body_len = FRAME_BODY_MAX + 1;
    assert_int_equal(frame_put_record(frame, FRAME_MAX + 1, &r), ERR_LIMIT);
    free(frame);
}

static void
a_record_without_room_is_not_written(void **state)
{
    uint8_t out[FRAME_RECORD_HEADER + sizeof body];

    (void) state;
    for (size_t size = 0; size < sizeof out; size++)
        assert_int_equal(frame_put_record(out, size, &sample), ERR_LIMIT);
}

static void
a_record_alone_says_how_long_it_is(void **state)
{
    uint8_t file[256] = { 0 };
    struct record r = sample;
    size_t first, used;

    (void) state;
    first = (size_t) frame_put_record(file, sizeof file, &r);
    r.body_len = 0;
    r.seq++;
    assert_int_equal(frame_put_record(file + first, sizeof file - first, &r), FRAME_RECORD_HEADER);

    assert_int_equal(frame_take_record(&r, file, sizeof file, &used), 0);
    assert_int_equal(used, first);
    assert_int_equal(frame_take_record(&r, file + used, sizeof file - used, &used), 0);
    assert_int_equal(used, FRAME_RECORD_HEADER);
    assert_int_equal(r.seq, sample.seq + 1);
    assert_int_equal(r.body_len, 0);
    // Preallocated room behind them.
    assert_int_equal(frame_take_record(&r, file + 200, 56, &used), ERR_FORMAT);
}

static void
a_length_past_every_limit_is_told_apart(void **state)
{
    uint8_t record[FRAME_RECORD_HEADER] = { 0xff, 0xff, 0xff, RECORD_KEY };
    struct record r;
    size_t used;

    (void) state;
    assert_int_equal(frame_take_record(&r, record, sizeof record, &used), ERR_LIMIT);
    memcpy(record, (const uint8_t[]){ 43, 0, 0 }, 3);
    assert_int_equal(frame_take_record(&r, record, sizeof record, &used), ERR_FORMAT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_comes_back_as_it_was_sent),
        cmocka_unit_test(every_field_stands_where_the_format_says),
        cmocka_unit_test(a_frame_cut_at_any_length_is_refused),
        cmocka_unit_test(one_flipped_bit_anywhere_is_noticed),
        cmocka_unit_test(bytes_behind_the_record_are_refused),
        cmocka_unit_test(a_flag_that_we_do_not_know_is_refused),
        cmocka_unit_test(a_newer_minor_version_is_read_and_a_newer_major_is_not),
        cmocka_unit_test(stream_zero_is_no_stream),
        cmocka_unit_test(a_type_that_we_do_not_know_is_kept),
        cmocka_unit_test(the_largest_frame_fits_and_one_byte_more_does_not),
        cmocka_unit_test(a_record_without_room_is_not_written),
        cmocka_unit_test(a_record_alone_says_how_long_it_is),
        cmocka_unit_test(a_length_past_every_limit_is_told_apart),
    };

    return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
