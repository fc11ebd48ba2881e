// test_segment - records proved, torn tails told from damage, at every byte.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/err.h"
#include "shared/base/file.h"
#include "shared/base/segment.h"
#include "shared/base/xalloc.h"
#include "tests/support/seeded.h"

#define SALT UINT64_C(0x1122334455667788)
#define SIZE 4096u

// A file in memory while it is written.
struct file {
    uint8_t at[SIZE];
    uint32_t end;
    uint32_t synced;
    uint32_t places[64]; // of its records
    unsigned n;
};

static void
begin(struct file *f)
{
    memset(f, 0, sizeof *f);
    segment_header_put(f->at, &(const struct segment_header){ 7, 3, SALT, 1000 });
    f->end = SEGMENT_HEADER_BYTES;
}

static void
append(struct file *f, const char *text)
{
    const struct segment_payload p = { text, strlen(text), "!", 1 };

    segment_record_put(f->at + f->end, SALT, f->end, f->synced, &p);
    memcpy(f->at + f->end + SEGMENT_RECORD_BYTES, text, strlen(text));
    f->at[f->end + SEGMENT_RECORD_BYTES + strlen(text)] = '!';
    f->places[f->n++] = f->end;
    f->end += SEGMENT_RECORD_BYTES + (uint32_t) strlen(text) + 1;
}

static void
sync_file(struct file *f)
{
    f->synced = f->end;
}

static struct segment_scan
scan(const struct file *f)
{
    struct segment_scan s;

    segment_scan(&s, f->at, SIZE, SALT);
    return s;
}

static void
a_header_is_read_as_it_was_written(void **state)
{
    const struct segment_header h = { 1, UINT64_MAX, 3, -4 };
    uint8_t at[SEGMENT_HEADER_BYTES];
    struct segment_header back;

    (void) state;
    segment_header_put(at, &h);
    assert_int_equal(segment_header_take(&back, at, sizeof at), 0);
    assert_memory_equal(&back, &h, sizeof h);
    for (size_t n = 0; n < sizeof at; n++)
        assert_int_equal(segment_header_take(&back, at, n), ERR_FORMAT);
    for (size_t bit = 0; bit < sizeof at * 8; bit++) {
        at[bit / 8] ^= (uint8_t) (1u << bit % 8);
        assert_int_equal(segment_header_take(&back, at, sizeof at), ERR_FORMAT);
        at[bit / 8] ^= (uint8_t) (1u << bit % 8);
    }
}

static void
records_are_read_back_in_order_up_to_the_last(void **state)
{
    struct segment_record r;
    struct file f;

    (void) state;
    begin(&f);
    append(&f, "one");
    append(&f, "");
    append(&f, "three");
    assert_int_equal(
        segment_read(&r, f.at + f.places[0], SIZE - f.places[0], true, SALT, f.places[0]),
        SEGMENT_RECORD);
    assert_int_equal(r.len, 4);
    assert_memory_equal(r.at, "one!", 4);
    assert_int_equal(r.next, f.places[1]);
    assert_int_equal(scan(&f).records, 3);
    assert_int_equal(scan(&f).end, f.end);
    assert_false(scan(&f).damaged || scan(&f).ended);
    segment_end_put(f.at + f.end, SALT, f.end, f.synced);
    assert_true(scan(&f).ended);
    assert_int_equal(scan(&f).end, f.end);
}

static void
records_of_an_earlier_life_are_none(void **state)
{
    struct file f;

    (void) state;
    begin(&f);
    append(&f, "one");
    append(&f, "two");
    segment_scan(&(struct segment_scan){ 0 }, f.at, SIZE, SALT);
    {
        struct segment_scan s;

        segment_scan(&s, f.at, SIZE, SALT + 2);
        assert_int_equal(s.records, 0);
        assert_int_equal(s.end, SEGMENT_HEADER_BYTES);
        assert_false(s.damaged);
    }
}

static void
a_record_at_another_place_is_none(void **state)
{
    struct segment_record r;
    struct file f;

    (void) state;
    begin(&f);
    append(&f, "one");
    memcpy(f.at + 1000, f.at + f.places[0], f.end - f.places[0]);
    assert_int_equal(segment_read(&r, f.at + 1000, SIZE - 1000, true, SALT, 1000), SEGMENT_NONE);
}

// Cut anywhere: what is whole before the cut is there, and nothing else.
static void
a_tail_torn_at_any_byte_is_dropped(void **state)
{
    struct file f, cut;

    (void) state;
    begin(&f);
    for (int i = 0; i < 6; i++)
        append(&f, i % 2 == 0 ? "abcdefgh" : "x");
    for (uint32_t at = SEGMENT_HEADER_BYTES; at < f.end; at++) {
        struct segment_scan s;
        unsigned whole = 0;

        while (whole + 1 < f.n && f.places[whole + 1] <= at)
            whole++;
        cut = f;
        memset(cut.at + at, 0, SIZE - at);
        s = scan(&cut);
        // A record whose last bytes were zeros anyway would be whole; these have none.
        assert_int_equal(s.records, whole);
        assert_int_equal(s.end, f.places[whole]);
        assert_false(s.damaged);
    }
}

// Every bit of every record: before the sync it is a torn write, behind it damage.
static void
a_flipped_bit_is_damage_only_where_it_was_durable(void **state)
{
    struct file f;

    (void) state;
    begin(&f);
    append(&f, "first");
    append(&f, "second");
    sync_file(&f);
    append(&f, "third"); // says that the first two were durable
    append(&f, "fourth");
    for (uint32_t bit = SEGMENT_HEADER_BYTES * 8; bit < f.end * 8; bit++) {
        struct segment_scan s;

        f.at[bit / 8] ^= (uint8_t) (1u << bit % 8);
        s = scan(&f);
        if (bit / 8 < f.places[2]) {
            assert_true(s.damaged);
            assert_int_equal(s.resume, bit / 8 < f.places[1] ? f.places[1] : f.places[2]);
        } else {
            assert_false(s.damaged);
            assert_int_equal(s.records, bit / 8 < f.places[3] ? 2 : 3);
        }
        f.at[bit / 8] ^= (uint8_t) (1u << bit % 8);
    }
}

static void
a_part_of_a_file_asks_for_more(void **state)
{
    struct segment_record r;
    struct file f;

    (void) state;
    begin(&f);
    append(&f, "payload");
    for (uint32_t n = 0; n < f.end - f.places[0]; n++)
        assert_int_equal(segment_read(&r, f.at + f.places[0], n, false, SALT, f.places[0]),
                         SEGMENT_SHORT);
    assert_int_equal(
        segment_read(&r, f.at + f.places[0], f.end - f.places[0], false, SALT, f.places[0]),
        SEGMENT_RECORD);
}

// A file of version 1, kept: what it holds is known, and it was not made by this run.
static void
a_file_of_version_1_is_read_for_ever(void **state)
{
    static const char *const wanted[] = { "one", "", "three, which is longer" };
    struct segment_header header;
    struct segment_record record;
    struct buf file = { 0 };
    struct segment_scan s;
    uint32_t place = SEGMENT_HEADER_BYTES;

    (void) state;
    assert_true(file_read(&file, AT_FDCWD, "tests/data/segment/1-whole.seg", 4096) > 0);
    assert_int_equal(segment_header_take(&header, file.at, file.len), 0);
    assert_true(header.owner == UINT64_C(0x1111222233334444) && header.number == 7 &&
                header.salt == UINT64_C(0x0123456789abcdef) &&
                header.made_ms == INT64_C(1700000000000));
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(
            segment_read(&record, file.at + place, file.len - place, true, header.salt, place),
            SEGMENT_RECORD);
        assert_int_equal(record.len, strlen(wanted[i]));
        assert_memory_equal(record.at, wanted[i], record.len);
        assert_int_equal(record.synced, i < 2 ? 0 : 99);
        place = record.next;
    }
    segment_scan(&s, file.at, file.len, header.salt);
    assert_true(s.ended && !s.damaged && s.records == 3 && s.end == place && s.synced == 99);
    buf_release(&file);
}

static void
any_bytes_are_scanned_without_harm(void **state)
{
    uint64_t seed = 11;
    struct file f;

    (void) state;
    for (int round = 0; round < 2000; round++) {
        begin(&f);
        for (int i = 0; i < 10; i++)
            append(&f, "some payload");
        for (uint32_t i = seeded_below(&seed, 20); i > 0; i--)
            f.at[seeded_below(&seed, SIZE)] = (uint8_t) seeded_next(&seed);
        assert_in_range(scan(&f).end, SEGMENT_HEADER_BYTES, SIZE);
        assert_in_range(scan(&f).records, 0, 10);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_is_read_as_it_was_written),
        cmocka_unit_test(records_are_read_back_in_order_up_to_the_last),
        cmocka_unit_test(records_of_an_earlier_life_are_none),
        cmocka_unit_test(a_record_at_another_place_is_none),
        cmocka_unit_test(a_tail_torn_at_any_byte_is_dropped),
        cmocka_unit_test(a_flipped_bit_is_damage_only_where_it_was_durable),
        cmocka_unit_test(a_part_of_a_file_asks_for_more),
        cmocka_unit_test(a_file_of_version_1_is_read_for_ever),
        cmocka_unit_test(any_bytes_are_scanned_without_harm),
    };
    return cmocka_run_group_tests_name("segment", tests, NULL, NULL);
}
