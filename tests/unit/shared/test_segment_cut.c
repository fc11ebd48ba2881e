// test_segment_cut - power cuts at every byte of a small log; segments closed early, and dropped
// in any order.

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/err.h"
#include "shared/base/segment_cursor.h"
#include "tests/support/seeded.h"
#include "tests/support/small_disk.h"

#define OWNER 9
#define BYTES 4096u
#define LEN   60u

struct bed {
    char dir[64];
    segment_log_t *log;
    struct segment_log_found found; // by the last open
    uint32_t n;                     // appended
};

static void
open_log(struct bed *b)
{
    const struct segment_log_options opt = {
        .dir = b->dir, .owner = OWNER, .segment_bytes = BYTES, .spares = 1, .holes = true
    };

    assert_int_equal(segment_log_open(&b->log, &b->found, &opt), 0);
}

static void
reopen(struct bed *b)
{
    segment_log_close(&b->log);
    open_log(b);
}

static int
setup(void **state)
{
    struct bed *b = calloc(1, sizeof *b);

    // Each open syncs several times: where there is a folder in memory, it is used.
    strcpy(b->dir,
           access("/dev/shm", W_OK) == 0 ? "/dev/shm/zpulse-cut-XXXXXX" : "/tmp/zpulse-cut-XXXXXX");
    assert_non_null(mkdtemp(b->dir));
    open_log(b);
    *state = b;
    return 0;
}

static void
path_of(char out[128], const struct bed *b, uint64_t number)
{
    char name[SEGMENT_NAME_SIZE];

    segment_name(name, number);
    snprintf(out, 128, "%s/%s", b->dir, name);
}

static int
teardown(void **state)
{
    struct bed *b = *state;
    char path[128];

    segment_log_close(&b->log);
    for (uint64_t n = 0; n < 500; n++) {
        path_of(path, b, n);
        unlink(path);
    }
    snprintf(path, sizeof path, "%s/spare.0", b->dir);
    unlink(path);
    assert_int_equal(rmdir(b->dir), 0);
    free(b);
    return 0;
}

static struct segment_place
append(struct bed *b)
{
    uint8_t bytes[LEN];
    struct segment_place place;

    memset(bytes, 0xa5, sizeof bytes); // no zeros: any byte that is lost is seen
    memcpy(bytes, &b->n, sizeof b->n);
    assert_int_equal(
        segment_log_append(b->log, &(const struct segment_payload){ bytes, LEN, NULL, 0 }, &place),
        0);
    b->n++;
    return place;
}

// How many records are there; they are those from `first` on without a hole, or, with `any`,
// rising.
static uint32_t
count(struct bed *b, uint32_t first, bool any, unsigned *damage)
{
    segment_cursor_t *cursor;
    struct segment_entry entry;
    uint32_t next = first, n = 0;
    int rc;

    assert_int_equal(segment_log_flush(b->log), 0);
    assert_int_equal(segment_cursor_open(&cursor, b->dir, OWNER, (struct segment_place){ 0, 0 }),
                     0);
    segment_cursor_pass_holes(cursor);
    while ((rc = segment_cursor_next(cursor, segment_log_end(b->log), &entry)) != 0) {
        uint32_t i;

        if (rc == ERR_FORMAT) {
            assert_non_null(damage);
            ++*damage;
            continue;
        }
        assert_int_equal(rc, 1);
        memcpy(&i, entry.at, sizeof i);
        assert_true(any ? i >= next : i == next);
        next = i + 1;
        n++;
    }
    segment_cursor_close(&cursor);
    return n;
}

static void
get(const char *path, uint8_t file[BYTES])
{
    const int fd = open(path, O_RDONLY);

    assert_int_equal(pread(fd, file, BYTES, 0), BYTES);
    close(fd);
}

static void
put(const char *path, const uint8_t file[BYTES])
{
    const int fd = open(path, O_RDWR);

    assert_int_equal(pwrite(fd, file, BYTES, 0), BYTES);
    close(fd);
}

// `was`: what the disk had behind the header before this life of the file.
static void
cut_at_every_byte(struct bed *b, const uint8_t was[BYTES])
{
    const uint32_t synced = 6, all = 12;
    struct segment_place places[12];
    uint8_t file[BYTES], cut[BYTES];
    char path[128];

    b->n = 0;
    for (uint32_t i = 0; i < all; i++) {
        places[i] = append(b);
        if (i + 1 == synced)
            assert_int_equal(segment_log_sync(b->log), 0);
    }
    assert_int_equal(segment_log_flush(b->log), 0);
    path_of(path, b, places[0].segment);
    get(path, file);
    for (uint32_t at = places[synced].offset; at <= segment_log_end(b->log).offset; at++) {
        uint32_t whole = synced;

        while (whole < all && places[whole].offset + SEGMENT_RECORD_BYTES + LEN <= at)
            whole++;
        segment_log_close(&b->log);
        memcpy(cut, file, at);
        memcpy(cut + at, was + at, BYTES - at);
        put(path, cut);
        open_log(b);
        assert_int_equal(b->found.damaged_bytes, 0);
        b->n = count(b, 0, false, NULL);
        assert_int_equal(b->n, whole);
        // What was cut off does not come back behind what is written now.
        append(b);
        reopen(b);
        assert_int_equal(b->found.torn_bytes, 0);
        assert_int_equal(count(b, 0, false, NULL), whole + 1);
        // As it was, for the next byte.
        segment_log_close(&b->log);
        put(path, file);
        open_log(b);
    }
}

static void
a_power_cut_at_any_byte_takes_only_what_was_not_synced(void **state)
{
    static const uint8_t zeros[BYTES];

    cut_at_every_byte(*state, zeros);
}

static void
so_it_does_in_a_file_that_was_used_before(void **state)
{
    struct bed *b = *state;
    uint8_t was[BYTES];
    char path[128];

    for (int i = 0; i < 200; i++)
        append(b);
    while (segment_log_newest(b->log) < 20) {
        assert_int_equal(segment_log_roll(b->log), 0);
        assert_int_equal(segment_log_trim(b->log, segment_log_newest(b->log)), 0);
        append(b);
    }
    assert_int_equal(segment_log_trim(b->log, segment_log_newest(b->log)), 0);
    // The spare, which is next, is full of old records.
    snprintf(path, sizeof path, "%s/spare.0", b->dir);
    get(path, was);
    assert_int_equal(segment_log_roll(b->log), 0);
    assert_int_equal(segment_log_trim(b->log, segment_log_newest(b->log)), 0);
    cut_at_every_byte(b, was);
}

// Sectors may reach the disk in any order.
static void
a_power_cut_that_loses_any_sectors_takes_only_what_was_not_synced(void **state)
{
    enum { SECTOR = 512 };
    struct bed *b = *state;
    uint64_t seed = 5;
    uint8_t file[BYTES];
    char path[128];
    uint32_t synced = 0;

    for (int round = 0; round < 600; round++) {
        struct segment_place end;

        for (uint32_t i = seeded_below(&seed, 8); i > 0; i--)
            append(b);
        if (seeded_below(&seed, 3) == 0) {
            assert_int_equal(segment_log_sync(b->log), 0);
            synced = b->n;
        }
        assert_int_equal(segment_log_flush(b->log), 0);
        end = segment_log_end(b->log);
        path_of(path, b, end.segment);
        get(path, file);
        // Records of closed segments, and those before the last sync, are durable.
        for (uint32_t at = 0; at < BYTES; at += SECTOR) {
            uint32_t from = at > SEGMENT_HEADER_BYTES ? at : SEGMENT_HEADER_BYTES;
            const uint32_t records = (end.offset - SEGMENT_HEADER_BYTES) / (16 + LEN);
            const uint32_t first = b->n - records; // in this segment
            const uint32_t durable = synced > first ? synced - first : 0;
            const uint32_t safe = SEGMENT_HEADER_BYTES + durable * (16 + LEN);

            if (first > synced)
                synced = first;
            if (from < safe)
                from = safe;
            if (from < at + SECTOR && seeded_below(&seed, 3) == 0)
                memset(file + from, 0, at + SECTOR - from);
        }
        segment_log_close(&b->log);
        put(path, file);
        open_log(b);
        assert_int_equal(b->found.damaged_bytes, 0);
        b->n = count(b, 0, false, NULL);
        assert_true(b->n >= synced);
        synced = b->n;
    }
}

static void
a_file_used_again_is_not_torn_when_it_was_closed_in_peace(void **state)
{
    struct bed *b = *state;

    for (int i = 0; i < 300; i++) {
        append(b);
        assert_int_equal(segment_log_trim(b->log, segment_log_newest(b->log)), 0);
        reopen(b);
        assert_int_equal(b->found.torn_bytes, 0);
    }
}

// The END of the segment may be all that is left to say that the record was durable.
static void
damage_is_told_again_when_no_segment_could_begin_behind_it(void **state)
{
    struct bed *b = *state;
    struct segment_place second;
    uint8_t file[BYTES];
    char path[128];

    append(b);
    second = append(b);
    append(b);
    assert_int_equal(segment_log_sync(b->log), 0);
    assert_int_equal(segment_log_roll(b->log), 0);
    segment_log_close(&b->log);
    // As if it had ended between the two.
    path_of(path, b, 2);
    assert_int_equal(unlink(path), 0);
    snprintf(path, sizeof path, "%s/spare.0", b->dir);
    unlink(path);
    path_of(path, b, 1);
    assert_int_equal(truncate(path, BYTES), 0);
    get(path, file);
    file[second.offset + 20] ^= 1;
    put(path, file);
    for (int round = 0; round < 3; round++) {
        unsigned damage = 0;

        small_disk_fill(b->dir, true, BYTES / 2);
        open_log(b);
        small_disk_free(b->dir);
        assert_int_equal(b->found.damaged_bytes, SEGMENT_RECORD_BYTES + LEN);
        assert_int_equal(count(b, 0, true, &damage), 2);
        assert_int_equal(damage, 1);
        segment_log_close(&b->log);
    }
    open_log(b);
    append(b);
}

static void
a_roll_begins_a_segment_and_gives_back_what_the_old_one_did_not_use(void **state)
{
    struct bed *b = *state;
    const struct segment_file *files;
    size_t n;

    assert_int_equal(segment_log_roll(b->log), 0);
    assert_int_equal(segment_log_newest(b->log), 1); // it was empty
    for (int i = 0; i < 5; i++) {
        append(b);
        assert_int_equal(segment_log_roll(b->log), 0);
    }
    files = segment_log_files(b->log, &n);
    assert_int_equal(n, 6);
    for (size_t i = 0; i + 1 < n; i++)
        assert_int_equal(files[i].bytes, SEGMENT_HEADER_BYTES + LEN + 2 * SEGMENT_RECORD_BYTES);
    assert_int_equal(files[n - 1].bytes, BYTES);
    assert_int_equal(count(b, 0, false, NULL), 5);
    reopen(b);
    assert_int_equal(count(b, 0, false, NULL), 5);
    // Forgotten, they are no spares: those are of full size.
    assert_int_equal(segment_log_trim(b->log, 6), 0);
    assert_int_equal(segment_log_bytes(b->log), 2 * BYTES);
}

static void
what_the_log_says_of_its_room_is_so(void **state)
{
    struct bed *b = *state;
    uint64_t seed = 3;

    for (int i = 0; i < 400; i++) {
        static const uint8_t bytes[BYTES];
        const uint32_t room = segment_log_room(b->log);
        const uint32_t len = 1 + seeded_below(&seed, 900);
        const uint64_t newest = segment_log_newest(b->log);
        struct segment_place place;

        assert_int_equal(segment_log_append(b->log,
                                            &(const struct segment_payload){
                                                bytes, room > 0 && len > room ? room : len, "", 0 },
                                            &place),
                         0);
        assert_int_equal(place.segment, newest + (room == 0));
        assert_true(place.offset + len <= BYTES || room > 0);
        assert_true(segment_log_end(b->log).offset <= BYTES);
        if (seeded_below(&seed, 20) == 0)
            assert_int_equal(segment_log_flush(b->log), 0);
    }
    assert_true(segment_log_newest(b->log) > 10);
}

static void
segments_are_dropped_in_any_order_and_the_rest_is_read(void **state)
{
    struct bed *b = *state;
    uint64_t seed = 77;
    uint32_t gone = 0;
    size_t n;

    // Segment k has k records.
    for (uint32_t k = 1; k < 40; k++) {
        for (uint32_t i = 0; i < k; i++)
            append(b);
        assert_int_equal(segment_log_roll(b->log), 0);
    }
    assert_int_equal(segment_log_drop(b->log, 40), ERR_RANGE);
    assert_int_equal(segment_log_drop(b->log, 41), ERR_UNKNOWN);
    for (int i = 0; i < 25; i++) {
        const uint64_t number = 1 + seeded_below(&seed, 39);
        const int rc = segment_log_drop(b->log, number);

        assert_true(rc == 0 || rc == ERR_UNKNOWN);
        gone += rc == 0 ? (uint32_t) number : 0;
        assert_int_equal(count(b, 0, true, NULL), b->n - gone);
        if (i % 5 == 0)
            reopen(b);
    }
    (void) segment_log_files(b->log, &n);
    assert_in_range(n, 15, 39);
}

static void
a_cursor_goes_on_where_its_segment_was_dropped_under_it(void **state)
{
    struct bed *b = *state;
    segment_cursor_t *cursor;
    struct segment_entry entry;
    uint32_t i;
    int rc;

    for (int k = 0; k < 4; k++) {
        for (int j = 0; j < 20; j++)
            append(b);
        assert_int_equal(segment_log_roll(b->log), 0);
    }
    assert_int_equal(segment_cursor_open(&cursor, b->dir, OWNER, (struct segment_place){ 1, 0 }),
                     0);
    segment_cursor_pass_holes(cursor);
    assert_int_equal(segment_cursor_next(cursor, segment_log_end(b->log), &entry), 1);
    assert_int_equal(segment_log_drop(b->log, 1), 0);
    assert_int_equal(segment_log_drop(b->log, 2), 0);
    assert_int_equal(segment_log_drop(b->log, 3), 0);
    for (int j = 0; j < 60; j++) // the file at hand is used again, once or twice
        append(b);
    assert_int_equal(segment_log_flush(b->log), 0);
    // What it has read already it may still give; then what is there.
    do
        rc = segment_cursor_next(cursor, segment_log_end(b->log), &entry);
    while (rc == 1 && entry.place.segment == 1);
    assert_int_equal(rc, 1);
    memcpy(&i, entry.at, sizeof i);
    assert_int_equal(entry.place.segment, 4);
    assert_int_equal(i, 60);
    segment_cursor_close(&cursor);
}

static void
files_with_names_that_only_look_like_ours_are_left_alone(void **state)
{
    static const char *const names[] = { "spare.00",
                                         "spare.8",
                                         "spare.x",
                                         "spare.",
                                         "0000000000000000.seg",
                                         "ffffffffffffffff.seg",
                                         "000000000000000A.seg" };
    struct bed *b = *state;
    char path[128];

    append(b);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", b->dir, names[i]);
        close(open(path, O_WRONLY | O_CREAT, 0600));
    }
    reopen(b);
    assert_int_equal(b->found.foreign, sizeof names / sizeof names[0]);
    for (int i = 0; i < 200; i++)
        append(b);
    assert_int_equal(count(b, 0, false, NULL), 201);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", b->dir, names[i]);
        assert_int_equal(unlink(path), 0);
    }
}

#define cut_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cut_test(a_power_cut_at_any_byte_takes_only_what_was_not_synced),
        cut_test(so_it_does_in_a_file_that_was_used_before),
        cut_test(a_power_cut_that_loses_any_sectors_takes_only_what_was_not_synced),
        cut_test(a_file_used_again_is_not_torn_when_it_was_closed_in_peace),
        cut_test(damage_is_told_again_when_no_segment_could_begin_behind_it),
        cut_test(a_roll_begins_a_segment_and_gives_back_what_the_old_one_did_not_use),
        cut_test(what_the_log_says_of_its_room_is_so),
        cut_test(segments_are_dropped_in_any_order_and_the_rest_is_read),
        cut_test(a_cursor_goes_on_where_its_segment_was_dropped_under_it),
        cut_test(files_with_names_that_only_look_like_ours_are_left_alone),
    };
    signal(SIGXFSZ, SIG_IGN);
    return cmocka_run_group_tests_name("segment_cut", tests, NULL, NULL);
}
