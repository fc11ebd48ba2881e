// test_tile_golden - tiles written once are read for ever, and FORMAT.md tells the truth.
//
// tests/data/store holds, for each version of the format, tiles and what they say in words. Writers
// may come to choose better ways of the same format, so that what is written today is not compared.
//
// usage: test_tile_golden [--write]    --write adds the files that are missing; it replaces none

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "shared/base/file.h"
#include "tests/support/hex_block.h"
#include "tests/unit/collector/golden_tile.h"

#define FOLDER   "tests/data/store/"
#define FORMAT   "collector/store/FORMAT.md"
#define FILE_MAX (1u << 20)
#define FENCE    "```hex "

static const struct {
    const char *name;
    void (*make)(struct buf *out);
} golden_all[] = {
    { "1.0-tile-small", make_small },
    { "1.0-tile-all", make_all },
};

static void
slurp(struct buf *into, const char *name, const char *ending)
{
    char path[128];

    assert_true(snprintf(path, sizeof path, FOLDER "%s%s", name, ending) < (int) sizeof path);
    if (file_read(into, AT_FDCWD, path, FILE_MAX) < 0)
        fail_msg("%s can not be read", path);
}

static void
every_golden_tile_says_what_it_said(void **state)
{
    struct buf bytes = { 0 }, words = { 0 }, should_say = { 0 };

    (void) state;
    for (size_t i = 0; i < N_OF(golden_all); i++) {
        slurp(&bytes, golden_all[i].name, ".bin");
        slurp(&should_say, golden_all[i].name, ".txt");
        buf_clear(&words);
        tell_tile(&words, bytes.at, bytes.len);
        if (strcmp(buf_cstr(&words), buf_cstr(&should_say)) != 0)
            fail_msg("%s says:\n%s", golden_all[i].name, buf_cstr(&words));
    }
    buf_release(&bytes);
    buf_release(&words);
    buf_release(&should_say);
}

static void
what_is_written_today_says_the_same(void **state)
{
    struct buf bytes = { 0 }, words = { 0 }, should_say = { 0 };

    (void) state;
    for (size_t i = 0; i < N_OF(golden_all); i++) {
        buf_clear(&bytes);
        buf_clear(&words);
        golden_all[i].make(&bytes);
        tell_tile(&words, bytes.at, bytes.len);
        slurp(&should_say, golden_all[i].name, ".txt");
        assert_string_equal(buf_cstr(&words), buf_cstr(&should_say));
    }
    buf_release(&bytes);
    buf_release(&words);
    buf_release(&should_say);
}

static void
the_golden_tiles_have_every_codec(void **state)
{
    struct buf bytes = { 0 };
    struct tile_column column;
    struct tile_cursor cursor;
    unsigned seen = 0;
    struct tile t;

    (void) state;
    slurp(&bytes, "1.0-tile-all", ".bin");
    assert_int_equal(tile_open(&t, bytes.at, bytes.len), 0);
    tile_cursor_init(&cursor, &t);
    while (tile_cursor_next(&cursor, &column) == 1)
        seen |= 1u << (column.at[0] & 15u);
    assert_int_equal(seen, 0x3f);
    buf_release(&bytes);
}

static void
the_example_of_the_format_is_this_file(void **state)
{
    struct buf text = { 0 }, shown = { 0 }, bytes = { 0 };
    char name[64];
    const char *at;

    (void) state;
    assert_true(file_read(&text, AT_FDCWD, FORMAT, FILE_MAX) > 0);
    at = strstr(buf_cstr(&text), FENCE);
    assert_non_null(at);
    assert_int_equal(sscanf(at, FENCE "%63s", name), 1);
    slurp(&bytes, name, ".bin");
    hex_block_take(&shown, strchr(at, '\n') + 1);
    assert_int_equal(shown.len, bytes.len);
    assert_memory_equal(shown.at, bytes.at, bytes.len);
    buf_release(&text);
    buf_release(&shown);
    buf_release(&bytes);
}

static void
write_if_missing(const char *name, const char *ending, const struct buf *bytes)
{
    char path[128];

    snprintf(path, sizeof path, FOLDER "%s%s", name, ending);
    if (access(path, F_OK) != 0 && file_write_atomic(path, bytes->at, bytes->len, 0644) == 0)
        printf("%s\n", path);
}

static void
write_missing(void)
{
    struct buf bytes = { 0 }, words = { 0 };

    for (size_t i = 0; i < N_OF(golden_all); i++) {
        buf_clear(&bytes);
        buf_clear(&words);
        golden_all[i].make(&bytes);
        tell_tile(&words, bytes.at, bytes.len);
        write_if_missing(golden_all[i].name, ".bin", &bytes);
        write_if_missing(golden_all[i].name, ".txt", &words);
    }
    buf_release(&bytes);
    buf_release(&words);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_golden_tile_says_what_it_said),
        cmocka_unit_test(what_is_written_today_says_the_same),
        cmocka_unit_test(the_golden_tiles_have_every_codec),
        cmocka_unit_test(the_example_of_the_format_is_this_file),
    };

    if (argc > 1 && strcmp(argv[1], "--write") == 0) {
        write_missing();
        return 0;
    }
    return cmocka_run_group_tests_name("tile_golden", tests, NULL, NULL);
}
