// test_import_table - which series is which, and whose.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "collector/ctl/import_table.h"
#include "shared/base/err.h"

// Nobody needs to be there: nothing is said before the link is pumped.
#define NOBODY "tcp://127.0.0.1:9"

static import_link_t *s_link;
static import_table_t *s_table;
static struct import_fault s_fault;

static void
make(const char *instance, uint64_t content)
{
    assert_int_equal(import_link_open(&s_link, NOBODY, NULL, -1), 0);
    s_table = import_table_new(
        &(struct import_table_options){ .link = s_link, .instance = instance, .content = content });
}

static int
teardown(void **state)
{
    (void) state;
    import_table_destroy(&s_table);
    import_link_close(&s_link);
    return 0;
}

static const struct import_series *
find(const char *text)
{
    const struct import_line line = { .sample = true, .series = text, .series_len = strlen(text) };
    const struct import_series *series;

    s_fault = (struct import_fault){ 0 };
    return import_table_find(s_table, &line, &series, &s_fault) == 0 ? series : NULL;
}

static void
the_same_labels_are_the_same_series_however_they_are_written(void **state)
{
    const struct import_series *a, *b;

    (void) state;
    make(NULL, 1);
    a = find("a{instance=\"web-1\",x=\"y\"}");
    b = find("a{x=\"z\",instance=\"web-1\"}");
    assert_non_null(a);
    assert_true(find("a{x=\"y\",instance=\"web-1\",}") == NULL); // no series at all
    assert_ptr_equal(find("a{x=\"y\",instance=\"web-1\"}"), a);
    assert_ptr_equal(find("a{x=\"y\",instance=\"web-1\",empty=\"\"}"), a);
    assert_ptr_equal(find("a{instance=\"web-1\",x=\"y\"}"), a);
    assert_ptr_equal(b->instance, a->instance);
    assert_true(a->slot == 0 && b->slot == 1);
    assert_int_equal(import_table_count(s_table), 2);
}

static void
each_instance_has_a_stream_of_its_own(void **state)
{
    const struct import_series *a, *b;

    (void) state;
    make(NULL, 1);
    a = find("a{instance=\"web-1\"}");
    b = find("a{instance=\"web-2\"}");
    assert_true(a->instance != b->instance && a->slot == 0 && b->slot == 0);
    assert_string_equal(b->instance->name, "web-2");
    assert_true(a->instance->host != b->instance->host);
    assert_int_equal(import_link_count(s_link), 2);
}

static void
who_has_no_instance_gets_the_one_that_was_named_or_is_refused(void **state)
{
    (void) state;
    make(NULL, 1);
    assert_null(find("a{x=\"y\"}"));
    assert_non_null(strstr(s_fault.rule, "--instance"));
    assert_null(find("a{instance=\"\"}"));
    assert_null(find("a{"));
    assert_non_null(strstr(s_fault.rule, "brace"));
    (void) teardown(state);
    make("web-9", 1);
    assert_string_equal(find("a{x=\"y\"}")->instance->name, "web-9");
    assert_ptr_equal(find("a{instance=\"web-9\",x=\"y\"}"), find("a{x=\"y\"}"));
    assert_string_equal(find("a{instance=\"web-1\"}")->instance->name, "web-1");
}

static uint64_t
stream_of(const char *series, uint64_t content)
{
    const struct import_series *found;
    uint64_t stream;

    make(NULL, content);
    found = find(series);
    assert_non_null(found);
    stream = import_window_hello(found->instance->window).stream;
    (void) teardown(NULL);
    return stream;
}

static void
the_id_of_a_stream_is_of_content_and_instance_alone(void **state)
{
    const uint64_t one = stream_of("a{instance=\"web-1\"}", 1);

    (void) state;
    assert_true(one != 0 && one == stream_of("b{instance=\"web-1\"}", 1));
    assert_true(one != stream_of("a{instance=\"web-1\"}", 2));
    assert_true(one != stream_of("a{instance=\"web-2\"}", 1));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_same_labels_are_the_same_series_however_they_are_written,
                                  teardown),
        cmocka_unit_test_teardown(each_instance_has_a_stream_of_its_own, teardown),
        cmocka_unit_test_teardown(who_has_no_instance_gets_the_one_that_was_named_or_is_refused,
                                  teardown),
        cmocka_unit_test(the_id_of_a_stream_is_of_content_and_instance_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
