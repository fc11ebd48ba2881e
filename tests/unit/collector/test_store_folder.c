// test_store_folder - a store's folder is summed up by names and sizes.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/store/store_folder.h"
#include "tests/support/folder.h"

#define DAY_MS INT64_C(86400000)
#define TODAY  (INT64_C(20454) * DAY_MS) // 2026-01-01
#define HOUR   INT64_C(3600000)

static char dir[64];

static int
setup(void **state)
{
    (void) state;
    snprintf(dir, sizeof dir, "/tmp/zpulse-folder-XXXXXX");
    return mkdtemp(dir) != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
    (void) state;
    return folder_remove(dir);
}

static void
put(const char *name, size_t bytes)
{
    char path[160];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    file = fopen(path, "w");
    assert_non_null(file);
    for (size_t i = 0; i < bytes; i++)
        fputc('x', file);
    assert_int_equal(fclose(file), 0);
}

static struct store_folder
look(int64_t now_ms, int64_t since_ms)
{
    struct store_folder folder;

    assert_int_equal(store_folder_look(&folder, dir, now_ms, since_ms), 0);
    return folder;
}

static void
files_logs_and_what_was_set_aside_are_told_apart(void **state)
{
    struct store_folder is;

    (void) state;
    put("raw-0-20251230.db", 1000);
    put("raw-0-20260101.db", 300);
    put("raw-0-20260101.db-wal", 30);
    put("raw-0-20260101.db-shm", 7);
    put("raw-0-20251229.db.damaged", 50);
    put("raw-0-20251229.db.damaged-wal", 5);
    put("raw-0-20251229.db.damaged2", 60);
    put("meta.db", 11);
    put("meta.db-wal", 2);
    put("raw-0-20260102.db.new", 9);
    put("raw-0-20261301.db", 9);
    put("notes.txt", 9);
    is = look(TODAY + HOUR, INT64_MIN);
    assert_int_equal(is.files, 2);
    assert_int_equal(is.bytes, 1330);
    assert_int_equal(is.damaged, 2);
    assert_int_equal(is.damaged_bytes, 115);
    assert_int_equal(is.meta_bytes, 13);
    assert_true(is.first_ms == TODAY - 2 * DAY_MS);
    assert_true(is.last_ms == TODAY + DAY_MS);
}

static void
a_day_is_the_mean_of_the_last_whole_days_that_have_a_file(void **state)
{
    (void) state;
    put("raw-0-20260101.db", 999);
    put("raw-0-20251231.db", 100);
    put("raw-1-20251231.db", 100);
    put("raw-0-20251229.db", 400);
    put("raw-0-20251224.db", 5000);
    assert_int_equal(look(TODAY + HOUR, INT64_MIN).day_bytes, 300);
    assert_int_equal(look(TODAY + HOUR, TODAY).day_bytes, 300);
}

static void
a_store_of_today_is_told_by_its_hours(void **state)
{
    (void) state;
    put("raw-0-20260101.db", 100);
    assert_int_equal(look(TODAY + 12 * HOUR, TODAY + 6 * HOUR).day_bytes, 400);
    assert_int_equal(look(TODAY + 12 * HOUR, TODAY - DAY_MS).day_bytes, 200);
    assert_int_equal(look(TODAY + 12 * HOUR, INT64_MIN).day_bytes, 0);
    assert_int_equal(look(TODAY + 12 * HOUR, TODAY + 12 * HOUR - 1).day_bytes, 0);
}

static void
an_empty_folder_has_nothing_and_a_missing_one_is_told(void **state)
{
    struct store_folder is;

    (void) state;
    is = look(TODAY, INT64_MIN);
    assert_int_equal(is.files, 0);
    assert_true(is.first_ms > is.last_ms);
    assert_int_equal(store_folder_look(&is, "/nonexistent", TODAY, INT64_MIN), -ENOENT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(files_logs_and_what_was_set_aside_are_told_apart, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_day_is_the_mean_of_the_last_whole_days_that_have_a_file,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_store_of_today_is_told_by_its_hours, setup, teardown),
        cmocka_unit_test_setup_teardown(an_empty_folder_has_nothing_and_a_missing_one_is_told,
                                        setup, teardown),
    };

    return cmocka_run_group_tests_name("store_folder", tests, NULL, NULL);
}
