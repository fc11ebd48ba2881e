// test_segment_room - a segment log on a disk that is full, and has room again.
//
// Each claim is tried on a small file system of its own, where one can be had, and in any case with
// a limit on the size of files, which nobody needs to be root for.

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/segment_cursor.h"
#include "tests/support/small_disk.h"

#define OWNER 7
#define BYTES 4096u
#define DISK  (64u * 1024u)
#define LEN   500u

static char dir[64] = "/tmp/zpulse-room-XXXXXX";
static bool small; // dir is a small file system

// A log, and how much of it is there to be read.
struct bed {
    bool by_limit;
    char log_dir[96];
    segment_log_t *log;
    uint32_t n; // appended
};

static void
open_log(struct bed *b, unsigned spares)
{
    struct segment_log_found found;

    assert_int_equal(segment_log_open(&b->log, &found,
                                      &(const struct segment_log_options){ .dir = b->log_dir,
                                                                           .owner = OWNER,
                                                                           .segment_bytes = BYTES,
                                                                           .spares = spares,
                                                                           .holes = true }),
                     0);
    assert_int_equal(found.damaged_bytes, 0);
}

static struct bed
begin(bool by_limit, const char *name)
{
    struct bed b = { .by_limit = by_limit };

    snprintf(b.log_dir, sizeof b.log_dir, "%s/%s.%d", dir, name, by_limit);
    return b;
}

static void
fill(const struct bed *b)
{
    small_disk_fill(dir, b->by_limit, BYTES / 2);
}

static int
append(struct bed *b)
{
    uint8_t bytes[LEN];
    struct segment_place place;
    int rc;

    memset(bytes, (int) b->n, sizeof bytes);
    memcpy(bytes, &b->n, sizeof b->n);
    rc = segment_log_append(b->log, &(const struct segment_payload){ bytes, LEN, NULL, 0 }, &place);
    b->n += rc == 0;
    return rc;
}

// All from `first` on, in order.
static void
expect_all(struct bed *b, uint32_t first)
{
    segment_cursor_t *cursor;
    struct segment_entry entry;
    uint32_t next = first;

    assert_int_equal(segment_log_flush(b->log), 0);
    assert_int_equal(segment_cursor_open(&cursor, b->log_dir, OWNER,
                                         (struct segment_place){ segment_log_oldest(b->log), 0 }),
                     0);
    while (segment_cursor_next(cursor, segment_log_end(b->log), &entry) == 1) {
        uint32_t i;

        memcpy(&i, entry.at, sizeof i);
        assert_int_equal(i, next);
        next++;
    }
    segment_cursor_close(&cursor);
    assert_int_equal(next, b->n);
}

static void
end(struct bed *b)
{
    small_disk_free(dir);
    segment_log_close(&b->log);
    for (uint64_t n = 0; n < 200; n++) {
        char path[200], name[SEGMENT_NAME_SIZE];

        segment_name(name, n);
        snprintf(path, sizeof path, "%s/%s", b->log_dir, name);
        unlink(path);
        snprintf(path, sizeof path, "%s/spare.%u", b->log_dir, (unsigned) n);
        unlink(path);
    }
    assert_int_equal(rmdir(b->log_dir), 0);
}

#define each_disk(by_limit) for (int by_limit = small ? 0 : 1; by_limit < 2; by_limit++)

static void
a_full_disk_refuses_and_takes_again_what_it_refused(void **state)
{
    (void) state;
    each_disk(by_limit)
    {
        struct bed b = begin(by_limit, "refuses");
        int rc;

        open_log(&b, 1);
        fill(&b);
        while ((rc = append(&b)) == 0)
            ;
        assert_int_equal(rc, -ENOSPC);
        for (int i = 0; i < 5; i++)
            assert_int_equal(append(&b), -ENOSPC);
        small_disk_free(dir);
        for (int i = 0; i < 40; i++)
            assert_int_equal(append(&b), 0);
        expect_all(&b, 0);
        end(&b);
    }
}

static void
a_full_disk_leaves_the_room_that_was_had_before(void **state)
{
    (void) state;
    if (small) {
        struct bed b = begin(false, "leaves");
        uint32_t before;

        open_log(&b, 2);
        assert_int_equal(append(&b), 0);
        fill(&b);
        while (append(&b) == 0)
            ;
        // The segment and both spares: 7 records each.
        assert_int_equal(b.n, 21);
        // A segment that is forgotten is used again at once, however often.
        for (int round = 0; round < 20; round++) {
            before = b.n;
            assert_int_equal(segment_log_drop(b.log, segment_log_oldest(b.log)), 0);
            while (append(&b) == 0)
                ;
            assert_int_equal(b.n, before + 7);
        }
        expect_all(&b, b.n - 21);
        end(&b);
    }
}

static void
a_log_opens_on_a_full_disk_and_begins_when_there_is_room(void **state)
{
    (void) state;
    each_disk(by_limit)
    {
        struct bed b = begin(by_limit, "opens");

        // An empty folder first, then one whose newest segment is closed.
        for (int round = 0; round < 2; round++) {
            assert_true(mkdir(b.log_dir, 0700) == 0 || errno == EEXIST);
            fill(&b);
            open_log(&b, 0);
            assert_true(round > 0 || segment_log_room(b.log) == 0);
            while (append(&b) == 0)
                ;
            assert_int_equal(append(&b), -ENOSPC);
            small_disk_free(dir);
            assert_int_equal(append(&b), 0);
            expect_all(&b, 0);
            segment_log_close(&b.log);
        }
        open_log(&b, 0);
        expect_all(&b, 0);
        end(&b);
    }
}

static void
a_file_that_lost_its_room_is_left_for_another(void **state)
{
    (void) state;
    each_disk(by_limit)
    {
        struct bed b = begin(by_limit, "lost");
        char path[200], name[SEGMENT_NAME_SIZE];

        open_log(&b, 1);
        assert_int_equal(append(&b), 0);
        assert_int_equal(segment_log_flush(b.log), 0);
        segment_log_close(&b.log);
        segment_name(name, 1);
        snprintf(path, sizeof path, "%s/%s", b.log_dir, name);
        assert_int_equal(truncate(path, 1000), 0); // as a copy of the folder may be
        fill(&b);
        open_log(&b, 1);
        (void) append(&b);
        small_disk_free(dir);
        for (int i = 0; i < 20; i++)
            assert_int_equal(append(&b), 0);
        expect_all(&b, 0);
        end(&b);
    }
}

static int
enter(void **state)
{
    (void) state;
    if (mkdtemp(dir) == NULL)
        return -1;
    small = small_disk_enter(dir, DISK);
    print_message("small file system: %s\n", small ? "yes" : "no, by limit only");
    return 0;
}

static int
leave(void **state)
{
    (void) state;
    if (small)
        umount(dir);
    return rmdir(dir);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_disk_refuses_and_takes_again_what_it_refused),
        cmocka_unit_test(a_full_disk_leaves_the_room_that_was_had_before),
        cmocka_unit_test(a_log_opens_on_a_full_disk_and_begins_when_there_is_room),
        cmocka_unit_test(a_file_that_lost_its_room_is_left_for_another),
    };
    return cmocka_run_group_tests_name("segment_room", tests, enter, leave);
}
