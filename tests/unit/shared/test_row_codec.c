// test_row_codec - a row comes back as it went in, and hostile bytes are refused or harmless.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/err.h"
#include "shared/base/xalloc.h"
#include "shared/model/sample.h"
#include "shared/wire/row_codec.h"
#include "tests/support/seeded.h"

#define BODY_SIZE 65536

static struct cell
integer(int64_t m)
{
    return (struct cell){ .state = CELL_INTEGER, .m = m };
}

static struct cell
raw(double value)
{
    return (struct cell){ .state = CELL_RAW, .bits = sample_bits(value) };
}

static const struct cell absent = { .state = CELL_ABSENT };

// Both ends of a stream of rows.
static struct row_state encoder;
static row_decoder_t *decoder;
static uint8_t bytes[BODY_SIZE];
static struct wbuf w;

static int
setup(void **state)
{
    (void) state;
    decoder = row_decoder_new(NULL);
    wbuf_init(&w, bytes, sizeof bytes);
    return 0;
}

static int
teardown(void **state)
{
    (void) state;
    row_state_release(&encoder);
    row_decoder_destroy(&decoder);
    return 0;
}

static void
grow(uint32_t slots)
{
    row_state_grow(&encoder, slots);
    row_state_grow(row_decoder_state(decoder), slots);
}

static void
assert_cell(struct cell is, struct cell should_be)
{
    assert_int_equal(is.state, should_be.state);
    assert_int_equal(is.bits, should_be.bits);
}

// Writes a row and expects it back, cell for cell.
static void
through(int64_t offset_ms, const struct cell *cells)
{
    struct row_block block;
    uint32_t n = 0;
    struct rbuf r;

    w.len = 0;
    n = row_put(&encoder, &w, offset_ms, cells);
    assert_true(wbuf_finish(&w) > 0);
    rbuf_init(&r, bytes, w.len);
    assert_int_equal(row_decoder_next(decoder, &r, &block), 1);
    assert_int_equal(block.offset_ms, offset_ms);
    assert_int_equal(block.n, n);
    n = 0;
    for (uint32_t slot = 0; slot < encoder.slots; slot++) {
        if (cells[slot].state == CELL_ABSENT)
            continue;
        assert_int_equal(block.slots[n], slot);
        assert_cell(block.cells[n++], cells[slot]);
    }
    assert_int_equal(n, block.n);
    assert_int_equal(row_decoder_next(decoder, &r, &block), 0);
}

static void
expect_bytes(const uint8_t *should_be, size_t n)
{
    assert_int_equal(w.len, n);
    assert_memory_equal(bytes, should_be, n);
}

// Decodes `n` bytes of the exact size against a table of `slots`, all blocks; the result.
static int
decode(const uint8_t *at, size_t n, uint32_t slots)
{
    row_decoder_t *d = row_decoder_new(NULL);
    uint8_t *copy = xmemdup(n > 0 ? at : bytes, n > 0 ? n : 1);
    struct row_block block;
    struct rbuf r;
    int rc;

    row_state_grow(row_decoder_state(d), slots);
    rbuf_init(&r, copy, n);
    while ((rc = row_decoder_next(d, &r, &block)) == 1) {
        for (uint32_t i = 0; i < block.n; i++)
            assert_true(block.slots[i] < slots && block.cells[i].state != CELL_ABSENT);
    }
    row_decoder_destroy(&d);
    free(copy);
    return rc;
}

static void
only_what_changed_travels(void **state)
{
    static const uint8_t key[] = { 0x00, 0x00, 0x03, 0x07, 0x01, 0x02, 0x93, 0x03 };
    static const uint8_t delta[] = { 0x00, 0x00, 0x03, 0x04, 0x01 };
    struct cell row[] = { integer(1), integer(-2), integer(202) };

    (void) state;
    grow(3);
    through(0, row);
    expect_bytes(key, sizeof key);
    row[2].m++;
    through(0, row);
    expect_bytes(delta, sizeof delta);
}

static void
presence_travels_only_when_it_changes(void **state)
{
    static const uint8_t gone[] = { 0x02, 0x02, 0x04, 0x02, 0x01, 0x01, 0x00 };
    static const uint8_t still[] = { 0x02, 0x00, 0x04, 0x00 };
    struct cell row[] = { integer(5), integer(6), integer(7), integer(8) };

    (void) state;
    grow(4);
    through(1, row);
    row[1] = row[3] = absent;
    through(1, row);
    expect_bytes(gone, sizeof gone);
    through(1, row);
    expect_bytes(still, sizeof still);
    row[1] = integer(6); // the value is still known: it costs nothing
    through(1, row);
    assert_int_equal(w.len, 6);
}

static void
what_is_no_integer_travels_raw_and_leaves_the_integer_alone(void **state)
{
    struct cell row[] = { integer(5), raw(0.1), integer(7) };

    (void) state;
    grow(3);
    through(-1, row);
    row[0] = raw(sample_from_bits(SAMPLE_STALE_BITS));
    row[1] = raw(-0.0);
    through(-1, row);
    row[0] = integer(5);
    through(-1, row);
    assert_int_equal(bytes[3], 0); // nothing changed: 5 was kept
}

static void
sparse_blocks_leave_the_row_alone(void **state)
{
    static const uint8_t should_be[] = { 0x4e, 0x05, 0x02, 0x01, 0x02, 0x01, 0x04, 0x00,
                                         0x00, 0x00, 0x00, 0x00, 0x00, 0xf8, 0x3f, 0x11 };
    const struct cell row[] = { integer(1), integer(2), integer(3), integer(4), integer(5) };
    const struct cell cells[] = { integer(-9), raw(1.5) };
    const uint32_t slots[] = { 1, 4 };
    struct row_block block;
    struct rbuf r;

    (void) state;
    grow(5);
    through(0, row);
    w.len = 0;
    assert_int_equal(row_put_sparse(&encoder, &w, 39, slots, cells, 2), 2);
    expect_bytes(should_be, sizeof should_be);
    rbuf_init(&r, bytes, w.len);
    assert_int_equal(row_decoder_next(decoder, &r, &block), 1);
    assert_int_equal(block.offset_ms, 39);
    assert_int_equal(block.n, 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(block.slots[i], slots[i]);
        assert_cell(block.cells[i], cells[i]);
    }
    through(0, row);
    assert_int_equal(bytes[3], 0);
}

static void
the_farthest_integers_come_back(void **state)
{
    static const int64_t far[] = { INT64_MAX, INT64_MIN, -1, 0, INT64_MIN, INT64_MAX, 1, 0 };

    (void) state;
    grow(1);
    for (size_t i = 0; i < sizeof far / sizeof far[0]; i++) {
        struct cell row = integer(far[i]);

        through(INT64_MIN, &row);
    }
}

static void
new_slots_begin_at_zero_and_present(void **state)
{
    struct cell row[] = { integer(5), absent, integer(0), integer(4) };

    (void) state;
    grow(2);
    through(0, row);
    grow(4);
    through(0, row);
}

static void
a_key_forgets_what_was_before(void **state)
{
    struct cell row[] = { integer(5), absent, integer(7) };
    struct row_block block;
    struct rbuf r;

    (void) state;
    grow(3);
    through(0, row);
    w.len = 0;
    row_state_reset(&encoder);
    row_put(&encoder, &w, 0, row);
    // Read by one that never saw the row before.
    row_decoder_destroy(&decoder);
    decoder = row_decoder_new(NULL);
    row_state_grow(row_decoder_state(decoder), 3);
    rbuf_init(&r, bytes, w.len);
    assert_int_equal(row_decoder_next(decoder, &r, &block), 1);
    assert_int_equal(block.n, 2);
    assert_cell(block.cells[0], row[0]);
    assert_cell(block.cells[1], row[2]);
}

static struct cell
any_cell(uint64_t *seed, struct cell before)
{
    switch (seeded_below(seed, 8)) {
    case 0:
        return absent;
    case 1:
        return (struct cell){ .state = CELL_RAW, .bits = seeded_next(seed) };
    case 2:
        return integer((int64_t) seeded_next(seed));
    case 3:
    case 4:
        return integer((int64_t) ((uint64_t) before.m + (seeded_wide(seed) >> 40)));
    default:
        return before;
    }
}

// Rows of all widths, with holes, noise, growth and fresh keys: 4,000 of them.
static void
any_row_comes_back(void **state)
{
    uint64_t seed = 1;
    struct cell row[300] = { 0 };
    uint32_t slots = 0;

    (void) state;
    for (int i = 0; i < 4000; i++) {
        if (slots < 300 && seeded_below(&seed, 8) == 0)
            grow(slots += 1 + seeded_below(&seed, slots < 290 ? 9 : 1));
        if (seeded_below(&seed, 64) == 0) {
            row_state_reset(&encoder);
            row_state_reset(row_decoder_state(decoder));
        }
        for (uint32_t slot = 0; slot < slots; slot++)
            row[slot] = any_cell(&seed, row[slot]);
        through((int64_t) seeded_wide(&seed), row);
    }
}

// What one of them has read stands there no longer once the other one reads; its row does.
static void
decoders_that_share_a_room_keep_rows_of_their_own(void **state)
{
    enum { NARROW = 5, WIDE = 90 };
    static struct cell rows[2][WIDE];
    const uint32_t widths[2] = { NARROW, WIDE };
    struct row_room room = { 0 };
    struct row_state encoders[2] = { { 0 } };
    row_decoder_t *decoders[2] = { row_decoder_new(&room), row_decoder_new(&room) };
    uint64_t seed = 11;

    (void) state;
    row_decoder_destroy(&decoder);
    for (unsigned i = 0; i < 400; i++) {
        const unsigned which = seeded_below(&seed, 2);

        encoder = encoders[which];
        decoder = decoders[which];
        grow(widths[which]);
        // Rows without holes are read in a way of their own.
        for (uint32_t slot = 0; slot < widths[which]; slot++)
            rows[which][slot] = i % 3 == 0 ? any_cell(&seed, rows[which][slot])
                                           : integer((int64_t) seeded_below(&seed, 1000));
        through(i, rows[which]);
        encoders[which] = encoder;
    }
    for (unsigned which = 0; which < 2; which++) {
        row_state_release(&encoders[which]);
        row_decoder_destroy(&decoders[which]);
    }
    encoder = (struct row_state){ 0 };
    decoder = NULL;
    row_room_release(&room);
}

static void
the_state_moves_on_even_without_room(void **state)
{
    struct cell row[20];
    struct wbuf full;

    (void) state;
    grow(20);
    for (int i = 0; i < 20; i++)
        row[i] = integer(INT64_MAX / (i + 1));
    for (size_t size = 0; size < 40; size++) {
        row_state_reset(&encoder);
        wbuf_init(&full, bytes, size);
        assert_int_equal(row_put(&encoder, &full, 0, row), 20);
        assert_int_equal(wbuf_finish(&full), ERR_LIMIT);
        for (int i = 0; i < 20; i++)
            assert_int_equal(encoder.prev[i], row[i].m);
    }
}

static void
a_body_cut_at_any_length_is_refused(void **state)
{
    const struct cell row[] = { integer(5000), absent, raw(7.25), integer(-1) };

    (void) state;
    grow(4);
    row_put(&encoder, &w, 1000, row);
    for (size_t n = 1; n < w.len; n++)
        assert_int_equal(decode(bytes, n, 4), ERR_FORMAT);
    assert_int_equal(decode(bytes, w.len, 4), 0);
    assert_int_equal(decode(bytes, 0, 4), 0);
}

static void
malformed_blocks_are_refused(void **state)
{
    static const struct {
        const char *why;
        uint8_t len;
        uint8_t at[16];
    } bad[] = {
        { "an unknown flag", 4, { 0, 0x08, 3, 0 } },
        { "fewer slots than are known", 4, { 0, 0, 2, 0 } },
        { "more slots than are known", 4, { 0, 0, 4, 0 } },
        { "a bit past the last slot", 5, { 0, 0, 3, 0x08, 0 } },
        { "a change of nothing",
          14,
          { 0, 0, 3, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01 } },
        { "a varint past 64 bits",
          14,
          { 0, 0, 3, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02 } },
        { "a change of an absent slot", 7, { 0, 2, 3, 1, 0, 1, 0 } },
        { "an empty list of presence", 5, { 0, 2, 3, 0, 0 } },
        { "presence of a slot that is not", 6, { 0, 2, 3, 1, 3, 0 } },
        { "presence of a far slot",
          15,
          { 0, 2, 3, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0 } },
        { "an empty list of raw values", 5, { 0, 4, 3, 0, 0 } },
        { "a raw value that also changed", 15, { 0, 4, 3, 1, 0, 1, 0, 1, 2, 3, 4, 5, 6, 7, 8 } },
        { "a raw value of an absent slot", 16, { 0, 6, 3, 1, 0, 0, 1, 0, 1, 2, 3, 4, 5, 6, 7, 8 } },
        { "an empty sparse block", 3, { 0, 1, 0 } },
        { "a sparse slot that is not", 5, { 0, 1, 1, 3, 0 } },
        { "more sparse slots than are known", 8, { 0, 1, 4, 0, 0, 0, 0, 0 } },
        { "presence in a sparse block", 5, { 0, 3, 1, 0, 0 } },
        { "a raw value beside the sparse slots", 14, { 0, 5, 1, 0, 1, 1, 1, 2, 3, 4, 5, 6, 7, 8 } },
    };

    (void) state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (decode(bad[i].at, bad[i].len, 3) != ERR_FORMAT)
            fail_msg("taken: %s", bad[i].why);
    }
}

static void
a_strangers_sums_wrap(void **state)
{
    // Twice the farthest change upwards, from 0.
    static const uint8_t up[] = { 0,    0,    1,    1,    0xfd, 0xff, 0xff,
                                  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01 };
    struct row_block block;
    struct rbuf r;

    (void) state;
    grow(1);
    for (int i = 0; i < 2; i++) {
        rbuf_init(&r, up, sizeof up);
        assert_int_equal(row_decoder_next(decoder, &r, &block), 1);
    }
    assert_int_equal(block.cells[0].m, -2);
}

// Nothing outside is read or written (a sanitizer looks on), whatever one to four bytes become.
static void
damaged_bytes_are_survived(void **state)
{
    uint64_t seed = 7;
    struct cell row[100] = { 0 };
    const uint32_t slots[] = { 3, 50, 99 };
    uint8_t good[BODY_SIZE];
    size_t len;

    (void) state;
    grow(100);
    for (int i = 0; i < 100; i++)
        row[i] = any_cell(&seed, row[i]);
    row_put(&encoder, &w, 5, row);
    row[3] = integer(1);
    row[50] = raw(2);
    row[99] = integer(-70000);
    row_put_sparse(&encoder, &w, 6, slots, (struct cell[]){ row[3], row[50], row[99] }, 3);
    len = w.len;
    memcpy(good, bytes, len);
    for (int i = 0; i < 20000; i++) {
        int rc;

        memcpy(bytes, good, len);
        for (uint32_t k = 1 + seeded_below(&seed, 4); k > 0; k--)
            bytes[seeded_below(&seed, (uint32_t) len)] = (uint8_t) seeded_next(&seed);
        rc = decode(bytes, len - seeded_below(&seed, 3), 100);
        assert_true(rc == 0 || rc == ERR_FORMAT);
    }
}

int
main(void)
{
#define WITH_BOTH_ENDS(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_BOTH_ENDS(only_what_changed_travels),
        WITH_BOTH_ENDS(presence_travels_only_when_it_changes),
        WITH_BOTH_ENDS(what_is_no_integer_travels_raw_and_leaves_the_integer_alone),
        WITH_BOTH_ENDS(sparse_blocks_leave_the_row_alone),
        WITH_BOTH_ENDS(the_farthest_integers_come_back),
        WITH_BOTH_ENDS(new_slots_begin_at_zero_and_present),
        WITH_BOTH_ENDS(a_key_forgets_what_was_before),
        WITH_BOTH_ENDS(any_row_comes_back),
        WITH_BOTH_ENDS(decoders_that_share_a_room_keep_rows_of_their_own),
        WITH_BOTH_ENDS(the_state_moves_on_even_without_room),
        WITH_BOTH_ENDS(a_body_cut_at_any_length_is_refused),
        WITH_BOTH_ENDS(malformed_blocks_are_refused),
        WITH_BOTH_ENDS(a_strangers_sums_wrap),
        WITH_BOTH_ENDS(damaged_bytes_are_survived),
    };

    return cmocka_run_group_tests_name("row_codec", tests, NULL, NULL);
}
