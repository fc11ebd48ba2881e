// test_table_print - columns that line up, and cells that cannot do harm.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collector/ctl/table_print.h"

static const struct table_column columns[] = { { "NAME", false }, { "AGE", true }, { "V", false } };

static table_t *
make(void)
{
    return table_new(columns, 3);
}

static void
columns_are_as_wide_as_their_widest_cell(void **state)
{
    table_t *t = make();
    struct buf out = { 0 };

    (void) state;
    table_add(t, (const char *const[]){ "a", "10s", "1" });
    table_add(t, (const char *const[]){ "gr\xc3\xbc\xc3\x9f", "1s", "22" });
    table_put_text(t, &out);
    assert_string_equal(buf_cstr(&out), "NAME  AGE  V\n"
                                        "a     10s  1\n"
                                        "gr\xc3\xbc\xc3\x9f   1s  22\n");
    buf_release(&out);
    table_destroy(&t);
}

static void
no_rows_are_a_line_of_titles(void **state)
{
    table_t *t = make();
    struct buf out = { 0 };

    (void) state;
    table_put_text(t, &out);
    table_put_csv(t, &out);
    assert_string_equal(buf_cstr(&out), "NAME  AGE  V\nNAME,AGE,V\n");
    buf_release(&out);
    table_destroy(&t);
    table_destroy(&t);
}

static void
csv_quotes_what_would_break_it(void **state)
{
    table_t *t = make();
    struct buf out = { 0 };

    (void) state;
    table_add(t, (const char *const[]){ "a,b", "say \"x\"", "" });
    table_put_csv(t, &out);
    assert_string_equal(buf_cstr(&out), "NAME,AGE,V\n\"a,b\",\"say \"\"x\"\"\",\n");
    buf_release(&out);
    table_destroy(&t);
}

static void
a_name_cannot_move_the_cursor_or_begin_a_line(void **state)
{
    table_t *t = make();
    struct buf out = { 0 };

    (void) state;
    table_add(t, (const char *const[]){ "\x1b[2J", "x\ny", "\x7f" });
    table_put_text(t, &out);
    assert_string_equal(buf_cstr(&out), "NAME  AGE  V\n?[2J  x?y  ?\n");
    buf_release(&out);
    table_destroy(&t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_as_wide_as_their_widest_cell),
        cmocka_unit_test(no_rows_are_a_line_of_titles),
        cmocka_unit_test(csv_quotes_what_would_break_it),
        cmocka_unit_test(a_name_cannot_move_the_cursor_or_begin_a_line),
    };
    return cmocka_run_group_tests_name("table_print", tests, NULL, NULL);
}
