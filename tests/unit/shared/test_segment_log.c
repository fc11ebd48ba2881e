// test_segment_log - a folder of segments against a model, through kills, power cuts and damage.

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/err.h"
#include "shared/base/segment_cursor.h"
#include "shared/base/xalloc.h"
#include "tests/support/seeded.h"

#define OWNER   42
#define BYTES   4096u
#define RECORDS 40000u

// What should be in the log: record i is `i` and some bytes that follow from it.
struct model {
    char dir[64];
    segment_log_t *log;
    bool holes;
    uint32_t n;       // appended
    uint32_t flushed; // of them, handed to the kernel
    uint32_t synced;  // of them, durable
    uint32_t first;   // oldest not trimmed
    struct segment_place places[RECORDS];
    struct segment_place synced_end;
};

static const struct segment_log_options *
options(const struct model *m)
{
    static struct segment_log_options opt;

    opt = (struct segment_log_options){
        .dir = m->dir, .owner = OWNER, .segment_bytes = BYTES, .spares = 2, .holes = m->holes
    };
    return &opt;
}

static size_t
payload(uint8_t out[256], uint32_t i)
{
    uint64_t seed = i;
    const size_t n = 4 + seeded_below(&seed, 200);

    memcpy(out, &i, 4);
    for (size_t k = 4; k < n; k++)
        out[k] = (uint8_t) seeded_next(&seed);
    return n;
}

static int
setup(void **state)
{
    struct model *m = xcalloc(1, sizeof *m);
    struct segment_log_found found;

    strcpy(m->dir, "/tmp/zpulse-seg-XXXXXX");
    assert_non_null(mkdtemp(m->dir));
    assert_int_equal(segment_log_open(&m->log, &found, options(m)), 0);
    *state = m;
    return 0;
}

static void
each_file(const char *dir, void (*fn)(const char *path, void *arg), void *arg)
{
    DIR *d = opendir(dir);

    assert_non_null(d);
    for (const struct dirent *e; (e = readdir(d)) != NULL;) {
        char path[400];

        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        if (e->d_name[0] != '.' || strcmp(e->d_name, ".spare") == 0)
            fn(path, arg);
    }
    closedir(d);
}

static void
remove_file(const char *path, void *arg)
{
    (void) arg;
    unlink(path);
}

static int
teardown(void **state)
{
    struct model *m = *state;

    segment_log_close(&m->log);
    each_file(m->dir, remove_file, NULL);
    assert_int_equal(rmdir(m->dir), 0);
    free(m);
    return 0;
}

static void
append(struct model *m)
{
    uint8_t bytes[256];
    const size_t n = payload(bytes, m->n);
    const struct segment_payload p = { bytes, 4, bytes + 4, n - 4 };
    const uint64_t before = segment_log_newest(m->log);

    assert_true(m->n < RECORDS);
    assert_int_equal(segment_log_append(m->log, &p, &m->places[m->n]), 0);
    // A new segment means that all before it is durable.
    if (segment_log_newest(m->log) != before) {
        m->flushed = m->synced = m->n;
        m->synced_end = (struct segment_place){ segment_log_newest(m->log), SEGMENT_HEADER_BYTES };
    }
    m->n++;
}

static void
flush(struct model *m)
{
    assert_int_equal(segment_log_flush(m->log), 0);
    m->flushed = m->n;
}

static void
sync_log(struct model *m)
{
    assert_int_equal(segment_log_sync(m->log), 0);
    m->flushed = m->synced = m->n;
    m->synced_end = segment_log_end(m->log);
}

static void
trim(struct model *m, uint64_t below)
{
    assert_int_equal(segment_log_trim(m->log, below), 0);
    while (m->first < m->n && m->places[m->first].segment < segment_log_oldest(m->log))
        m->first++;
}

// Everything that is there is what was appended, in order, from the oldest on. Returns one past the
// last. Damage is counted.
static uint32_t
read_all(struct model *m, unsigned *damage)
{
    const struct segment_place from = { segment_log_oldest(m->log), 0 };
    const struct segment_place until = segment_log_end(m->log);
    segment_cursor_t *cursor;
    struct segment_entry entry;
    uint32_t next = m->first;
    int rc;

    assert_int_equal(segment_cursor_open(&cursor, m->dir, OWNER, from), 0);
    while ((rc = segment_cursor_next(cursor, until, &entry)) != 0) {
        uint8_t wanted[256];
        uint32_t i;

        if (rc == ERR_FORMAT) {
            assert_non_null(damage);
            ++*damage;
            continue;
        }
        assert_int_equal(rc, 1);
        assert_true(entry.len >= 4);
        memcpy(&i, entry.at, 4);
        assert_true(damage != NULL ? i >= next : i == next);
        assert_int_equal(entry.len, payload(wanted, i));
        assert_memory_equal(entry.at, wanted, entry.len);
        assert_int_equal(entry.place.segment, m->places[i].segment);
        assert_int_equal(entry.place.offset, m->places[i].offset);
        next = i + 1;
    }
    segment_cursor_close(&cursor);
    return next;
}

// After a flush, closing writes nothing: the files are as a kill would leave them.
static void
reopen(struct model *m, struct segment_log_found *found)
{
    segment_log_close(&m->log);
    assert_int_equal(segment_log_open(&m->log, found, options(m)), 0);
}

// A kill just after a flush: the kernel keeps what it was given.
static void
kill_and_reopen(struct model *m)
{
    struct segment_log_found found;

    flush(m);
    reopen(m, &found);
    assert_int_equal(found.damaged_bytes, 0);
    m->n = read_all(m, NULL);
    assert_int_equal(m->n, m->flushed);
    // What was found whole was made durable before anything goes behind it.
    m->synced = m->n;
    m->synced_end = segment_log_end(m->log);
}

// Zeros or noise over random bytes of the newest segment behind what was synced.
static void
power_cut(struct model *m, uint64_t *seed)
{
    struct segment_log_found found;
    char path[128];
    int fd;

    flush(m);
    snprintf(path, sizeof path, "%s/%016llx.seg", m->dir,
             (unsigned long long) m->synced_end.segment);
    fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    for (uint32_t at = m->synced_end.offset; at < BYTES; at++)
        if (seeded_below(seed, 64) == 0) {
            const uint8_t byte = seeded_below(seed, 2) == 0 ? 0 : (uint8_t) seeded_next(seed);

            assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        }
    close(fd);
    reopen(m, &found);
    assert_int_equal(found.damaged_bytes, 0);
    m->n = read_all(m, NULL);
    assert_true(m->n >= m->synced && m->n <= m->flushed);
    m->flushed = m->synced = m->n;
    m->synced_end = segment_log_end(m->log);
}

static void
what_was_appended_is_read_back_across_segments(void **state)
{
    struct model *m = *state;

    for (int i = 0; i < 500; i++)
        append(m);
    flush(m);
    assert_int_equal(read_all(m, NULL), 500);
    assert_true(segment_log_newest(m->log) > 10);
}

static void
a_cursor_begins_at_any_record(void **state)
{
    struct model *m = *state;

    for (int i = 0; i < 200; i++)
        append(m);
    flush(m);
    for (uint32_t first = 0; first < m->n; first++) {
        segment_cursor_t *cursor;
        struct segment_entry entry;
        uint32_t next = first, i;

        assert_int_equal(segment_cursor_open(&cursor, m->dir, OWNER, m->places[first]), 0);
        while (segment_cursor_next(cursor, segment_log_end(m->log), &entry) == 1) {
            memcpy(&i, entry.at, 4);
            assert_int_equal(i, next);
            next++;
        }
        assert_int_equal(next, m->n);
        segment_cursor_close(&cursor);
    }
}

static void
a_cursor_follows_as_far_as_it_is_told(void **state)
{
    struct model *m = *state;
    segment_cursor_t *cursor;
    struct segment_entry entry;
    uint32_t seen = 0;

    append(m);
    assert_int_equal(segment_cursor_open(&cursor, m->dir, OWNER, (struct segment_place){ 1, 0 }),
                     0);
    assert_int_equal(segment_cursor_next(cursor, segment_log_end(m->log), &entry), 0);
    for (int round = 0; round < 200; round++) {
        for (int i = round % 5; i >= 0; i--)
            append(m);
        flush(m);
        while (segment_cursor_next(cursor, segment_log_end(m->log), &entry) == 1)
            seen++;
        assert_int_equal(seen, m->n);
    }
    segment_cursor_close(&cursor);
}

static void
trimmed_segments_are_used_again_and_their_records_never_seen(void **state)
{
    struct model *m = *state;
    uint64_t most = 0;

    for (int i = 0; i < 3000; i++) {
        append(m);
        if (i % 40 == 0)
            trim(m, segment_log_newest(m->log));
        if (segment_log_bytes(m->log) > most)
            most = segment_log_bytes(m->log);
    }
    flush(m);
    assert_int_equal(read_all(m, NULL), 3000);
    assert_true(most <= 8 * BYTES);
}

static void
a_random_life_keeps_what_it_promised(void **state)
{
    struct model *m = *state;
    uint64_t seed = 2026;

    for (int step = 0; step < 6000; step++) {
        const uint32_t dice = seeded_below(&seed, 200);

        if (dice < 150)
            append(m);
        else if (dice < 170)
            flush(m);
        else if (dice < 185)
            sync_log(m);
        else if (dice < 193)
            trim(m, segment_log_newest(m->log) - seeded_below(&seed, 3));
        else if (dice < 197)
            kill_and_reopen(m);
        else
            power_cut(m, &seed);
    }
    flush(m);
    assert_int_equal(read_all(m, NULL), m->n);
}

static void
damage_in_the_middle_is_told_and_read_around(void **state)
{
    struct model *m = *state;
    struct segment_log_found found;
    unsigned damage = 0;
    char path[128];
    int fd;

    while (m->n < 200 || segment_log_end(m->log).offset > 2000) {
        append(m);
        sync_log(m);
    }
    append(m);
    append(m); // in the same segment, and says that all before was durable
    flush(m);
    for (int which = 0; which < 2; which++) {
        const struct segment_place at = m->places[which == 0 ? 20 : m->n - 3];

        snprintf(path, sizeof path, "%s/%016llx.seg", m->dir, (unsigned long long) at.segment);
        fd = open(path, O_RDWR);
        assert_true(fd >= 0);
        assert_int_equal(pwrite(fd, "\xff\xff", 2, at.offset + 8), 2);
        close(fd);
    }
    reopen(m, &found);
    assert_true(found.damaged_bytes > 0); // that of the newest segment
    assert_int_equal(read_all(m, &damage), m->n);
    assert_int_equal(damage, 2);
    // And it can be written to.
    append(m);
    flush(m);
    damage = 0;
    assert_int_equal(read_all(m, &damage), m->n);
    assert_int_equal(damage, 2);
}

static void
a_segment_without_a_header_is_damage_as_a_whole(void **state)
{
    struct model *m = *state;
    struct segment_log_found found;
    unsigned damage = 0;
    char path[128];
    int fd;

    for (int i = 0; i < 100; i++)
        append(m);
    sync_log(m);
    for (uint64_t number = 2; number <= segment_log_newest(m->log);
         number += segment_log_newest(m->log) - 2) {
        snprintf(path, sizeof path, "%s/%016llx.seg", m->dir, (unsigned long long) number);
        fd = open(path, O_RDWR);
        assert_int_equal(pwrite(fd, "xxxx", 4, 0), 4);
        close(fd);
        if (number == segment_log_newest(m->log))
            break;
    }
    reopen(m, &found);
    assert_int_equal(found.damaged_bytes, BYTES);
    append(m);
    flush(m);
    assert_int_equal(read_all(m, &damage), m->n);
    assert_int_equal(damage, 2);
}

static void
a_folder_of_another_or_with_a_hole_or_in_use_is_refused(void **state)
{
    struct model *m = *state;
    struct segment_log_options opt = *options(m);
    struct segment_log_found found;
    segment_log_t *other = NULL;
    char path[128];

    for (int i = 0; i < 100; i++)
        append(m);
    sync_log(m);
    assert_int_equal(segment_log_open(&other, &found, &opt), ERR_LOCKED);
    segment_log_close(&m->log);
    opt.owner = OWNER + 1;
    assert_int_equal(segment_log_open(&other, &found, &opt), ERR_UNKNOWN);
    opt.owner = OWNER;
    snprintf(path, sizeof path, "%s/%016llx.seg", m->dir, 2ull);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(segment_log_open(&other, &found, &opt), ERR_FORMAT);
    assert_null(other);
    opt.dir = "/nonexistent/log";
    assert_int_equal(segment_log_open(&other, &found, &opt), -ENOENT);
}

static void
what_is_no_segment_is_left_alone_and_told(void **state)
{
    struct model *m = *state;
    struct segment_log_found found;
    char path[128];
    FILE *f;

    snprintf(path, sizeof path, "%s/notes.txt", m->dir);
    f = fopen(path, "w");
    assert_non_null(f);
    fclose(f);
    append(m);
    flush(m);
    reopen(m, &found);
    assert_int_equal(found.foreign, 1);
    assert_int_equal(access(path, F_OK), 0);
}

static void
a_cursor_in_a_trimmed_segment_is_told(void **state)
{
    struct model *m = *state;
    segment_cursor_t *cursor;
    struct segment_entry entry;
    int rc = 1;

    for (int i = 0; i < 100; i++)
        append(m);
    flush(m);
    assert_int_equal(segment_cursor_open(&cursor, m->dir, OWNER, (struct segment_place){ 1, 0 }),
                     0);
    assert_int_equal(segment_cursor_next(cursor, segment_log_end(m->log), &entry), 1);
    trim(m, segment_log_newest(m->log));
    for (int i = 0; i < 200; i++)
        append(m);
    flush(m);
    while (rc == 1)
        rc = segment_cursor_next(cursor, segment_log_end(m->log), &entry);
    assert_int_equal(rc, ERR_CLOSED);
    segment_cursor_close(&cursor);
}

#define log_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        log_test(what_was_appended_is_read_back_across_segments),
        log_test(a_cursor_begins_at_any_record),
        log_test(a_cursor_follows_as_far_as_it_is_told),
        log_test(trimmed_segments_are_used_again_and_their_records_never_seen),
        log_test(a_random_life_keeps_what_it_promised),
        log_test(damage_in_the_middle_is_told_and_read_around),
        log_test(a_segment_without_a_header_is_damage_as_a_whole),
        log_test(a_folder_of_another_or_with_a_hole_or_in_use_is_refused),
        log_test(what_is_no_segment_is_left_alone_and_told),
        log_test(a_cursor_in_a_trimmed_segment_is_told),
    };
    return cmocka_run_group_tests_name("segment_log", tests, NULL, NULL);
}
