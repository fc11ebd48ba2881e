// test_doctor_files - files of a data folder are read to their last byte, and what is wrong is
// found in the file where it is.

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
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/ctl/doctor_files.h"
#include "collector/store/block_db.h"
#include "collector/store/event_db.h"
#include "collector/store/meta_db.h"
#include "collector/store/tile.h"
#include "shared/base/segment_log.h"
#include "tests/support/folder.h"

#define OWNER UINT64_C(0x0123456789abcdef)
#define T0    (INT64_C(20454) * 86400000) // 2026-01-01
#define DAY   "store/raw-0-20260101.db"

static char data[64];
static struct doctor_files files;
static struct findings findings;

static void
path_of(char ret[160], const char *name)
{
    snprintf(ret, 160, "%s/%s", data, name);
}

static void
put_file(const char *name, const char *text)
{
    char path[160];
    FILE *file;

    path_of(path, name);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

// A tile of series 1 to 3, spoiled in its body where that is asked for, and its row.
static void
put_tile(uint64_t number, uint64_t host_of_row, bool spoiled)
{
    static const int64_t times[] = { T0, T0 + 1000 };
    static const double values[] = { 1.5, 2.5 };
    tile_writer_t *writer = tile_writer_new();
    struct block_tile row = { .number = number,
                              .host = host_of_row,
                              .first_ms = T0,
                              .last_ms = T0 + 1000,
                              .rows = 2,
                              .series = 3,
                              .samples = 6 };
    block_db_t *db = NULL;
    uint8_t bytes[4096];
    char path[160];

    tile_writer_begin(writer, 7, 0, times, 2);
    for (uint64_t id = 1; id <= 3; id++)
        tile_writer_add_doubles(writer, id, values, NULL);
    row.bytes = tile_writer_finish(writer, &row.len);
    assert_true(row.len < sizeof bytes);
    memcpy(bytes, row.bytes, row.len);
    if (spoiled)
        bytes[row.len - 1] ^= 1;
    row.bytes = bytes;
    path_of(path, DAY);
    assert_int_equal(block_db_open(&db, path, BLOCK_DB_WRITE), 0);
    assert_int_equal(
        block_db_write(db, &row, 1, &(struct block_mark){ .stream = 9, .seq = number + 1 }, 1), 0);
    block_db_close(&db);
    tile_writer_destroy(&writer);
}

static void
put_meta(series_id series)
{
    struct label_set labels;
    meta_db_t *meta = NULL;
    char path[160];

    path_of(path, "store/meta.db");
    assert_int_equal(meta_db_open(&meta, path), 0);
    assert_int_equal(label_set_init(&labels, (struct label[]){ { "a", "b" } }, 1), 0);
    for (series_id id = 1; id <= series; id++) {
        const struct meta_series one = { .id = id, .host = 7, .labels = &labels };

        assert_int_equal(meta_db_write(meta, &(struct meta_batch){ .series = &one, .n_series = 1 }),
                         0);
    }
    label_set_release(&labels);
    meta_db_close(&meta);
}

static void
put_events(void)
{
    const struct event_row row = { .host = 7, .stream = 9, .time_ms = T0, .body = "x", .len = 1 };
    event_db_t *events = NULL;
    char path[160];

    path_of(path, "store/events.db");
    assert_int_equal(event_db_open(&events, path, &(struct event_limits){ 0 }), 0);
    assert_int_equal(event_db_put(events, &row, 1), 0);
    event_db_close(&events);
}

static void
put_journal(uint64_t owner)
{
    static const uint8_t bytes[1000] = { 1 };
    struct segment_log_found found;
    struct segment_place place;
    segment_log_t *log = NULL;
    char path[160];

    path_of(path, "journal");
    assert_int_equal(segment_log_open(&log, &found,
                                      &(struct segment_log_options){
                                          .dir = path, .owner = owner, .segment_bytes = 65536 }),
                     0);
    for (int i = 0; i < 200; i++) {
        const struct segment_payload payload = { .head = bytes, .head_len = sizeof bytes };

        assert_int_equal(segment_log_append(log, &payload, &place), 0);
        assert_int_equal(segment_log_sync(log), 0);
    }
    segment_log_close(&log);
}

static int
setup(void **state)
{
    char path[160];

    (void) state;
    snprintf(data, sizeof data, "/tmp/zpulse-doctor-XXXXXX");
    if (mkdtemp(data) == NULL)
        return -1;
    path_of(path, "store");
    if (mkdir(path, 0700) == -1)
        return -1;
    put_file("collector_id", "0123456789abcdef\n");
    put_file("lock", "");
    put_tile(1, 7, false);
    put_meta(3);
    put_events();
    put_journal(OWNER);
    return 0;
}

static int
teardown(void **state)
{
    (void) state;
    doctor_files_release(&files);
    findings_release(&findings);
    return folder_remove(data);
}

static const struct doctor_file *
file_of(const char *name)
{
    for (size_t i = 0; i < files.n; i++)
        if (strcmp(files.at[i].name, name) == 0)
            return &files.at[i];
    fail_msg("%s was not read", name);
    abort();
}

static void
look(void)
{
    doctor_files_release(&files);
    findings_release(&findings);
    assert_int_equal(doctor_files_read(&files, data, &findings, -1), 0);
}

static void
found(const char *words)
{
    look();
    for (size_t i = 0; i < findings.n; i++)
        if (strstr(findings.at[i].what, words) != NULL)
            return;
    fail_msg("%zu findings, none is %s; the first is: %s", findings.n, words,
             findings.n > 0 ? findings.at[0].what : "none");
}

static void
a_file_that_was_merged_is_told(void **state)
{
    struct buf out = { 0 };

    (void) state;
    put_tile(BLOCK_MERGED_BELOW + 1, 7, false);
    look();
    assert_true(file_of("raw-0-20260101.db")->merged); // the number of the other one is 1
    doctor_files_put_text(&out, &files);
    assert_non_null(strstr(buf_cstr(&out), "sound, merged"));
    buf_release(&out);
}

static void
a_sound_folder_has_no_finding(void **state)
{
    struct buf out = { 0 };

    (void) state;
    look();
    if (findings.n > 0)
        fail_msg("%s", findings.at[0].what);
    assert_false(files.runs);
    assert_int_equal(file_of("raw-0-20260101.db")->tiles, 1);
    assert_int_equal(file_of("raw-0-20260101.db")->samples, 6);
    assert_int_equal(file_of("raw-0-20260101.db")->marks, 1);
    assert_int_equal(file_of("meta.db")->tiles, 3);
    assert_int_equal(file_of("events.db")->tiles, 1);
    assert_int_equal(file_of("0000000000000001.seg")->tiles, 64);
    doctor_files_put_text(&out, &files);
    assert_non_null(strstr(buf_cstr(&out), "2026-01-01T00:00:00"));
    buf_release(&out);
}

static void
a_tile_that_does_not_read_is_found(void **state)
{
    (void) state;
    put_tile(2, 7, true);
    found("of 2 tiles 1 do not read, and 0 are not what their row says");
    assert_string_equal(file_of("raw-0-20260101.db")->is, "damaged");
}

static void
a_row_that_says_something_else_than_its_tile_is_found(void **state)
{
    (void) state;
    put_tile(2, 8, false);
    found("of 2 tiles 0 do not read, and 1 are not what their row says");
}

static void
series_that_nobody_knows_are_found(void **state)
{
    char path[160];

    (void) state;
    path_of(path, "store/meta.db");
    assert_int_equal(unlink(path), 0);
    found("meta.db: missing");
    put_meta(1);
    found("lacks 2 series that tiles have");
}

static void
overwrite(const char *name, off_t at, size_t n)
{
    char path[160], junk[8192];
    int fd;

    path_of(path, name);
    memset(junk, 'j', sizeof junk);
    fd = open(path, O_WRONLY);
    assert_true(fd != -1);
    assert_int_equal(pwrite(fd, junk, n, at), (ssize_t) n);
    close(fd);
}

static void
a_page_that_is_none_is_found(void **state)
{
    (void) state;
    overwrite(DAY, 8192, 8192);
    found("raw-0-20260101.db: damaged");
    overwrite("store/events.db", 0, 8192);
    found("events.db: damaged");
}

static void
another_programs_file_and_a_file_set_aside_are_found(void **state)
{
    char from[160], to[160];

    (void) state;
    path_of(from, "store/meta.db");
    path_of(to, "store/raw-0-20260102.db");
    assert_int_equal(link(from, to), 0);
    put_file("store/raw-0-20251231.db.damaged", "x");
    found("raw-0-20260102.db: another program's");
    found("raw-0-20251231.db.damaged: was set aside");
    assert_string_equal(file_of("raw-0-20260102.db")->is, "foreign");
}

static void
records_that_were_durable_and_do_not_read_are_found(void **state)
{
    (void) state;
    overwrite("journal/0000000000000001.seg", 5000, 2000);
    found("journal/0000000000000001.seg: ");
    assert_string_equal(file_of("0000000000000001.seg")->is, "damaged");
}

static void
a_hole_in_the_journal_is_found(void **state)
{
    char path[160];

    (void) state;
    path_of(path, "journal/0000000000000002.seg");
    assert_int_equal(unlink(path), 0);
    found("segments 2 to 2 are missing");
}

static void
a_journal_of_another_collector_is_found(void **state)
{
    (void) state;
    put_file("collector_id", "00000000000000aa\n");
    found("is of another collector, 0123456789abcdef");
    put_file("collector_id", "what\n");
    found("collector_id is missing, or no id");
}

static void
a_collector_that_has_the_folder_is_noticed_and_not_disturbed(void **state)
{
    char path[160];
    int fd;

    (void) state;
    path_of(path, "lock");
    fd = open(path, O_RDWR);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    look();
    assert_true(files.runs);
    assert_int_equal(findings.n, 0);
    close(fd);
}

static void
an_empty_folder_and_none_are_told_apart(void **state)
{
    char path[160];

    (void) state;
    path_of(path, "journal");
    assert_int_equal(folder_remove(path), 0);
    path_of(path, "store");
    assert_int_equal(folder_remove(path), 0);
    look();
    assert_int_equal(findings.n, 0);
    assert_int_equal(files.n, 0);
    path_of(path, "none");
    assert_int_equal(doctor_files_read(&files, path, &findings, -1), -ENOENT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_sound_folder_has_no_finding, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_that_was_merged_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(a_tile_that_does_not_read_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(a_row_that_says_something_else_than_its_tile_is_found,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(series_that_nobody_knows_are_found, setup, teardown),
        cmocka_unit_test_setup_teardown(a_page_that_is_none_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(another_programs_file_and_a_file_set_aside_are_found, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(records_that_were_durable_and_do_not_read_are_found, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_hole_in_the_journal_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(a_journal_of_another_collector_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_collector_that_has_the_folder_is_noticed_and_not_disturbed, setup, teardown),
        cmocka_unit_test_setup_teardown(an_empty_folder_and_none_are_told_apart, setup, teardown),
    };

    return cmocka_run_group_tests_name("doctor_files", tests, NULL, NULL);
}
