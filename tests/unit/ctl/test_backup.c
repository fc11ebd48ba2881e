// test_backup - the parts of a backup: plain files, a journal that goes on, block files; and where
// it comes to be. Past 500 lines: they are made and looked at by the same few helpers.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/ctl/backup_files.h"
#include "collector/ctl/backup_journal.h"
#include "collector/ctl/backup_place.h"
#include "collector/ctl/backup_store.h"
#include "collector/store/block_db.h"
#include "collector/store/event_db.h"
#include "collector/store/meta_db.h"
#include "shared/base/err.h"
#include "shared/base/segment_cursor.h"
#include "shared/base/segment_log.h"
#include "tests/support/folder.h"
#include "tests/support/small_disk.h"

#define OWNER   UINT64_C(0xbac)
#define SEGMENT (64u * 1024u)
#define RECORD  1000u
#define MIB     (1024u * 1024u)

static char top[64], data[100], copy[100];
static bool small; // `top` is a disk of 32 MiB
static struct backup b;
static segment_log_t *journal;
static uint32_t n_appended;

static void
in(char ret[200], const char *dir, const char *name)
{
    snprintf(ret, 200, "%s/%s", dir, name);
}

static int
setup(void **state)
{
    char path[200];

    (void) state;
    snprintf(data, sizeof data, "%s/data", top);
    snprintf(copy, sizeof copy, "%s/copy", top);
    in(path, data, "journal");
    n_appended = 0;
    b = (struct backup){ .from = data, .to = copy };
    return mkdir(data, 0700) | mkdir(copy, 0700) | mkdir(path, 0700);
}

static int
teardown(void **state)
{
    (void) state;
    segment_log_close(&journal);
    buf_release(&b.lacks);
    buf_release(&b.notes);
    return folder_remove(data) | folder_remove(copy);
}

static void
put_file(const char *dir, const char *name, const char *text, mode_t mode)
{
    char path[200];
    int fd;

    in(path, dir, name);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
    assert_true(fd != -1);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t) strlen(text));
    close(fd);
}

static bool
is_there(const char *dir, const char *name)
{
    char path[200];

    in(path, dir, name);
    return access(path, F_OK) == 0;
}

static void
open_journal(void)
{
    struct segment_log_found found;
    char path[200];

    in(path, data, "journal");
    assert_int_equal(
        segment_log_open(&journal, &found,
                         &(struct segment_log_options){
                             .dir = path, .owner = OWNER, .segment_bytes = SEGMENT, .spares = 2 }),
        0);
}

// Records that begin with their number, durable.
static void
append(uint32_t n)
{
    static uint8_t bytes[RECORD];

    for (uint32_t end = n_appended + n; n_appended < end; n_appended++) {
        struct segment_place place;

        memcpy(bytes, &n_appended, sizeof n_appended);
        assert_int_equal(
            segment_log_append(
                journal, &(struct segment_payload){ .head = bytes, .head_len = RECORD }, &place),
            0);
        assert_int_equal(segment_log_sync(journal), 0);
    }
}

// What a collector would read of the copy: numbers from *first_ret on, each the next one. How many.
static uint32_t
read_copy(uint32_t *first_ret)
{
    struct segment_log_found found;
    segment_cursor_t *cursor = NULL;
    segment_log_t *log = NULL;
    struct segment_entry entry;
    uint32_t n = 0;
    char path[200];

    in(path, copy, "journal");
    assert_int_equal(segment_log_open(&log, &found,
                                      &(struct segment_log_options){
                                          .dir = path, .owner = OWNER, .segment_bytes = SEGMENT }),
                     0);
    assert_int_equal(found.damaged_bytes, 0);
    assert_int_equal(segment_cursor_open(&cursor, path, OWNER,
                                         (struct segment_place){ segment_log_oldest(log), 0 }),
                     0);
    while (segment_cursor_next(cursor, segment_log_end(log), &entry) == 1) {
        uint32_t number;

        assert_int_equal(entry.len, RECORD);
        memcpy(&number, entry.at, sizeof number);
        if (n == 0)
            *first_ret = number;
        assert_int_equal(number, *first_ret + n);
        n++;
    }
    segment_cursor_close(&cursor);
    segment_log_close(&log);
    return n;
}

static void
all_that_was_durable_is_in_the_copy_of_a_journal(void **state)
{
    uint32_t first = 0;

    (void) state;
    open_journal();
    append(500);
    assert_int_equal(backup_journal(&b), 0);
    assert_int_equal(read_copy(&first), 500);
    assert_int_equal(first, 0);
    assert_false(is_there(copy, "journal/spare.0"));
}

// Lets go of segments, and writes on, while they are copied.
static bool
go_on(void *arg, uint64_t bytes)
{
    unsigned *left = arg;

    (void) bytes;
    append(10);
    if (*left > 0 && --*left % 7 == 0)
        assert_int_equal(segment_log_trim(journal, segment_log_oldest(journal) + 2), 0);
    return true;
}

static void
a_journal_that_lets_go_meanwhile_is_copied_without_a_hole(void **state)
{
    unsigned left = 30;
    uint32_t first = 0, n;

    (void) state;
    b.go_on_fn = go_on;
    b.arg = &left;
    open_journal();
    append(1000);
    assert_int_equal(backup_journal(&b), 0);
    n = read_copy(&first);
    assert_true(first > 0);
    assert_true(first + n >= 1000);
    assert_true(first + n <= n_appended);
}

// The newest segment as it is while a record is being written: its middle is not there yet.
static void
a_record_that_is_being_written_is_no_damage(void **state)
{
    char path[200];
    uint8_t half[RECORD / 2];
    struct segment_place place;
    uint8_t bytes[RECORD] = { 0 };
    char name[SEGMENT_NAME_SIZE], inner[100];
    uint32_t first = 0;
    int fd;

    (void) state;
    open_journal();
    append(20);
    memset(bytes, 7, sizeof bytes);
    assert_int_equal(
        segment_log_append(journal, &(struct segment_payload){ .head = bytes, .head_len = RECORD },
                           &place),
        0);
    assert_int_equal(segment_log_flush(journal), 0);
    segment_name(name, place.segment);
    snprintf(inner, sizeof inner, "journal/%s", name);
    in(path, data, inner);
    fd = open(path, O_WRONLY);
    memset(half, 0, sizeof half);
    assert_int_equal(pwrite(fd, half, sizeof half, place.offset + 100), sizeof half);
    close(fd);
    assert_int_equal(backup_journal(&b), 0);
    assert_int_equal(read_copy(&first), 20);
}

static void
files_keep_their_modes_and_what_is_not_meant_to_stay_is_left_out(void **state)
{
    struct stat st;
    char path[200];

    (void) state;
    in(path, data, "keys");
    assert_int_equal(mkdir(path, 0700), 0);
    put_file(data, "collector_id", "0123456789abcdef\n", 0640);
    put_file(data, "keys/secret", "s", 0600);
    put_file(data, "lock", "", 0600);
    put_file(data, "collector_id.new", "0", 0600);
    in(path, data, "link");
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_int_equal(backup_files(&b), 0);
    assert_true(is_there(copy, "collector_id"));
    in(path, copy, "keys/secret");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(st.st_size, 1);
    assert_false(is_there(copy, "lock"));
    assert_false(is_there(copy, "collector_id.new"));
    assert_false(is_there(copy, "link"));
    assert_false(is_there(copy, "journal"));
    assert_non_null(strstr(buf_cstr(&b.notes), "link is not followed"));
    assert_int_equal(b.lacks.len, 0);
}

static void
put_tile(block_db_t *db, uint64_t number)
{
    static const uint8_t bytes[2000] = { 1 };
    const struct block_tile tile = { .number = number,
                                     .host = 1,
                                     .last_ms = 1,
                                     .rows = 2,
                                     .series = 1,
                                     .samples = 2,
                                     .bytes = bytes,
                                     .len = sizeof bytes };
    const struct block_mark mark = { .stream = 9, .seq = number + 1, .total = 100 };

    assert_int_equal(block_db_write(db, &tile, 1, &mark, 1), 0);
}

static void
make_store(uint64_t tiles)
{
    const struct meta_value value = { META_NEXT_TILE, 5 };
    meta_db_t *meta = NULL;
    block_db_t *db = NULL;
    char path[200];

    in(path, data, "store");
    assert_int_equal(mkdir(path, 0700), 0);
    in(path, data, "store/meta.db");
    assert_int_equal(meta_db_open(&meta, path), 0);
    assert_int_equal(meta_db_write(meta, &(struct meta_batch){ .values = &value, .n_values = 1 }),
                     0);
    meta_db_close(&meta);
    for (int day = 1; day <= 2; day++) {
        char name[40];

        snprintf(name, sizeof name, "store/raw-0-2026010%d.db", day);
        in(path, data, name);
        assert_int_equal(block_db_open(&db, path, BLOCK_DB_WRITE), 0);
        for (uint64_t i = 1; i <= tiles; i++)
            put_tile(db, i);
        block_db_close(&db);
    }
}

static void
a_store_is_copied_with_all_that_its_tiles_need(void **state)
{
    const struct event_row event = { .host = 1, .stream = 2, .seq = 77, .body = "x", .len = 1 };
    event_db_t *events = NULL;
    struct block_stat stat;
    meta_db_t *meta = NULL;
    block_db_t *db = NULL;
    uint64_t next = 0;
    char path[200];

    (void) state;
    make_store(20);
    in(path, data, "store/events.db");
    assert_int_equal(event_db_open(&events, path, &(struct event_limits){ 0 }), 0);
    assert_int_equal(event_db_put(events, &event, 1), 0);
    event_db_close(&events);
    put_file(data, "store/raw-0-20251231.db.damaged", "x", 0600);
    assert_int_equal(backup_store(&b), 0);
    in(path, copy, "store/events.db");
    assert_int_equal(event_db_open(&events, path, &(struct event_limits){ 0 }), 0);
    assert_int_equal(event_db_expire(events, INT64_MAX), 1);
    event_db_close(&events);
    in(path, copy, "store/meta.db");
    assert_int_equal(meta_db_open_read(&meta, path), 0);
    assert_int_equal(meta_db_number(meta, META_NEXT_TILE, &next), 0);
    assert_int_equal(next, 5);
    meta_db_close(&meta);
    in(path, copy, "store/raw-0-20260102.db");
    assert_int_equal(block_db_open(&db, path, BLOCK_DB_READ), 0);
    assert_int_equal(block_db_stat(db, &stat), 0);
    assert_int_equal(stat.tiles, 20);
    block_db_close(&db);
    assert_true(is_there(copy, "store/raw-0-20260101.db"));
    assert_false(is_there(copy, "store/raw-0-20251231.db.damaged"));
    assert_non_null(strstr(buf_cstr(&b.notes), "20251231.db.damaged"));
    assert_int_equal(b.lacks.len, 0);
}

// While the first file is copied, a day begins.
static bool
begin_a_day(void *arg, uint64_t bytes)
{
    block_db_t *db = NULL;
    char path[200];

    (void) arg;
    (void) bytes;
    in(path, data, "store/raw-0-20260103.db");
    if (access(path, F_OK) == 0)
        return true;
    assert_int_equal(block_db_open(&db, path, BLOCK_DB_WRITE), 0);
    put_tile(db, 100);
    block_db_close(&db);
    return true;
}

static int
take_total(void *arg, const struct block_mark *mark)
{
    *(uint64_t *) arg = mark->total;
    return 0;
}

static uint64_t
total_of(const char *name)
{
    uint64_t total = UINT64_MAX;
    block_db_t *db = NULL;
    char path[200];

    in(path, copy, name);
    assert_int_equal(block_db_open(&db, path, BLOCK_DB_READ), 0);
    assert_int_equal(block_db_marks(db, take_total, &total), 0);
    block_db_close(&db);
    return total;
}

// Its marks may speak of tiles of the day before that came after that was copied.
static void
what_a_day_that_began_meanwhile_says_is_not_taken_for_sure(void **state)
{
    (void) state;
    make_store(3);
    b.go_on_fn = begin_a_day;
    assert_int_equal(backup_store(&b), 0);
    assert_false(is_there(copy, "store/raw-0-20260103.db-wal"));
    assert_int_equal(total_of("store/raw-0-20260101.db"), 100);
    assert_int_equal(total_of("store/raw-0-20260102.db"), 100);
    assert_int_equal(total_of("store/raw-0-20260103.db"), 0);
}

static void
a_damaged_file_is_told_and_the_others_are_copied(void **state)
{
    char junk[9000];

    (void) state;
    make_store(3);
    memset(junk, 'j', sizeof junk - 1);
    junk[sizeof junk - 1] = '\0';
    put_file(data, "store/raw-0-20260103.db", junk, 0600);
    assert_int_equal(backup_store(&b), 0);
    assert_non_null(strstr(buf_cstr(&b.lacks), "raw-0-20260103.db"));
    assert_false(is_there(copy, "store/raw-0-20260103.db"));
    assert_true(is_there(copy, "store/raw-0-20260102.db"));
}

static void
a_full_disk_is_told_and_nothing_is_left_of_the_backup(void **state)
{
    struct backup_place place;
    struct buf dir = { 0 };
    int rc;

    (void) state;
    if (!small)
        skip();
    make_store(300);
    small_disk_fill(top, false, 0);
    buf_printf(&dir, "%s/full", top);
    rc = backup_place_open(&place, buf_cstr(&dir), data);
    if (rc == 0) {
        b.to = buf_cstr(&place.part);
        rc = backup_store(&b);
    }
    assert_int_equal(rc, -ENOSPC);
    backup_place_release(&place);
    assert_false(is_there(top, "full"));
    assert_false(is_there(top, "full.part"));
    small_disk_free(top);
    buf_release(&dir);
}

static void
a_place_is_made_beside_its_name_and_gets_it_at_the_end(void **state)
{
    struct backup_place place, second;
    char dir[200];

    (void) state;
    in(dir, copy, "made//");
    assert_int_equal(backup_place_open(&place, dir, data), 0);
    assert_false(is_there(copy, "made"));
    assert_int_equal(backup_place_open(&second, dir, data), ERR_LOCKED);
    backup_place_release(&second);
    put_file(copy, "made.part/file", "x", 0600);
    assert_int_equal(backup_place_finish(&place), 0);
    backup_place_release(&place);
    assert_true(is_there(copy, "made/file"));
    assert_false(is_there(copy, "made.part"));
    assert_int_equal(backup_place_open(&place, dir, data), -EEXIST);
    backup_place_release(&place);
    assert_true(is_there(copy, "made/file"));
}

static void
what_was_broken_off_is_cleared_away(void **state)
{
    struct backup_place place;
    char dir[200], part[200];

    (void) state;
    in(dir, copy, "made");
    in(part, copy, "made.part");
    assert_int_equal(mkdir(part, 0700), 0);
    put_file(copy, "made.part/old", "x", 0600);
    assert_int_equal(mkdir(dir, 0700), 0); // an empty folder gives way
    assert_int_equal(backup_place_open(&place, dir, data), 0);
    assert_false(is_there(copy, "made.part/old"));
    put_file(copy, "made.part/new", "x", 0600);
    backup_place_release(&place);
    assert_false(is_there(copy, "made.part"));
    assert_int_equal(backup_place_open(&place, dir, data), 0);
    assert_int_equal(backup_place_finish(&place), 0);
    backup_place_release(&place);
}

static void
a_place_inside_the_data_folder_is_refused(void **state)
{
    struct backup_place place;
    char dir[200];

    (void) state;
    in(dir, data, "backup");
    assert_int_equal(backup_place_open(&place, dir, data), ERR_RANGE);
    backup_place_release(&place);
    in(dir, data, "journal/backup");
    assert_int_equal(backup_place_open(&place, dir, data), ERR_RANGE);
    backup_place_release(&place);
    in(dir, top, "data2");
    assert_int_equal(backup_place_open(&place, dir, data), 0);
    backup_place_release(&place);
    in(dir, top, "none/backup");
    assert_int_equal(backup_place_open(&place, dir, data), -ENOENT);
    backup_place_release(&place);
}

#define backup_test(claim) cmocka_unit_test_setup_teardown(claim, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        backup_test(all_that_was_durable_is_in_the_copy_of_a_journal),
        backup_test(a_journal_that_lets_go_meanwhile_is_copied_without_a_hole),
        backup_test(a_record_that_is_being_written_is_no_damage),
        backup_test(files_keep_their_modes_and_what_is_not_meant_to_stay_is_left_out),
        backup_test(a_store_is_copied_with_all_that_its_tiles_need),
        backup_test(what_a_day_that_began_meanwhile_says_is_not_taken_for_sure),
        backup_test(a_damaged_file_is_told_and_the_others_are_copied),
        backup_test(a_full_disk_is_told_and_nothing_is_left_of_the_backup),
        backup_test(a_place_is_made_beside_its_name_and_gets_it_at_the_end),
        backup_test(what_was_broken_off_is_cleared_away),
        backup_test(a_place_inside_the_data_folder_is_refused),
    };
    int failed;

    snprintf(top, sizeof top, "/tmp/zpulse-backup-XXXXXX");
    if (mkdtemp(top) == NULL)
        return 1;
    small = small_disk_enter(top, 32 * MIB);
    failed = cmocka_run_group_tests_name("backup", tests, NULL, NULL);
    if (small)
        umount2(top, MNT_DETACH);
    rmdir(top);
    return failed;
}
