// label - sets with one form, and the limits of what is let in.

#include "shared/model/label.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shared/base/err.h"
#include "shared/base/xalloc.h"

#define N_OF(table) (sizeof(table) / sizeof(table)[0])

static const struct label cpu[] = {
    { "mode", "idle" },
    { "__name__", "node_cpu_seconds_total" },
    { "cpu", "0" },
};

static void
a_set_is_sorted_and_found_by_name(void **state)
{
    struct label_set set;

    (void) state;
    assert_int_equal(label_set_init(&set, cpu, N_OF(cpu)), 0);
    assert_int_equal(set.count, 3);
    assert_string_equal(set.at[0].name, "__name__");
    assert_string_equal(set.at[1].name, "cpu");
    assert_string_equal(set.at[2].name, "mode");
    assert_string_equal(label_set_get(&set, "mode"), "idle");
    assert_null(label_set_get(&set, "mod"));
    assert_null(label_set_get(&set, "zone"));
    assert_string_equal(label_set_metric(&set), "node_cpu_seconds_total");
    label_set_release(&set);
    assert_int_equal(set.count, 0);
    label_set_release(&set);
}

static void
order_of_giving_does_not_matter(void **state)
{
    const struct label turned[] = { cpu[2], cpu[0], cpu[1], { "empty", "" } };
    struct label_set a, b;

    (void) state;
    assert_int_equal(label_set_init(&a, cpu, 3), 0);
    assert_int_equal(label_set_init(&b, turned, 4), 0);
    assert_true(label_set_equal(&a, &b));
    assert_int_equal(a.hash, b.hash);
    assert_int_equal(label_set_compare(&a, &b), 0);
    label_set_release(&a);
    label_set_release(&b);
}

static void
text_that_runs_together_differs(void **state)
{
    const struct label one[] = { { "a", "bc" } }, other[] = { { "ab", "c" } };
    struct label_set a, b;

    (void) state;
    assert_int_equal(label_set_init(&a, one, 1), 0);
    assert_int_equal(label_set_init(&b, other, 1), 0);
    assert_false(label_set_equal(&a, &b));
    assert_true(label_set_compare(&a, &b) < 0);
    label_set_release(&a);
    label_set_release(&b);
}

static void
the_empty_set_is_zero(void **state)
{
    const struct label nothing[] = { { "a", "" } };
    struct label_set zero = { 0 }, made;

    (void) state;
    assert_int_equal(label_set_init(&made, nothing, 1), 0);
    assert_true(label_set_equal(&zero, &made));
    assert_string_equal(label_set_metric(&made), "");
    label_set_copy(&made, &zero);
    assert_int_equal(made.count, 0);
}

static void
a_copy_outlives_its_origin(void **state)
{
    struct label_set a, b;

    (void) state;
    assert_int_equal(label_set_init(&a, cpu, 3), 0);
    label_set_copy(&b, &a);
    assert_true(label_set_equal(&a, &b));
    label_set_release(&a);
    assert_string_equal(label_set_get(&b, "cpu"), "0");
    label_set_release(&b);
}

static void
with_adds_replaces_and_takes_out(void **state)
{
    struct label_set a, b;

    (void) state;
    assert_int_equal(label_set_init(&a, cpu, 3), 0);
    assert_int_equal(label_set_with(&b, &a, "instance", "web"), 0);
    assert_int_equal(b.count, 4);
    assert_string_equal(b.at[2].name, "instance");
    label_set_release(&b);
    assert_int_equal(label_set_with(&b, &a, "mode", "user"), 0);
    assert_int_equal(b.count, 3);
    assert_string_equal(label_set_get(&b, "mode"), "user");
    label_set_release(&b);
    assert_int_equal(label_set_with(&b, &a, "mode", ""), 0);
    assert_int_equal(b.count, 2);
    label_set_release(&b);
    assert_int_equal(label_set_with(&b, &a, "bad name", "x"), ERR_FORMAT);
    label_set_release(&a);
}

static void
bad_names_and_values_are_refused(void **state)
{
    static const struct label bad[] = {
        { "", "x" },
        { "1a", "x" },
        { "a-b", "x" },
        { "a:b", "x" },
        { "caf\xc3\xa9", "x" },
        { "a b", "x" },
        { "a", "\xff" },
        { "a", "\xed\xa0\x80" },
        { "__name__", "a b" },
        { "__name__", "1a" },
        { "__name__", "\xc3\xa9" },
    };
    const struct label twice[] = { { "a", "1" }, { "b", "1" }, { "a", "2" } };
    struct label_set set;

    (void) state;
    for (size_t i = 0; i < N_OF(bad); i++) {
        assert_int_equal(label_set_init(&set, &bad[i], 1), ERR_FORMAT);
        assert_int_equal(set.count, 0);
        assert_null(set.at);
    }
    assert_int_equal(label_set_init(&set, twice, 3), ERR_FORMAT);
}

static void
odd_but_legal_names_and_values_pass(void **state)
{
    static const struct label good[] = {
        { "_", "x" },
        { "A9_", "\x01\n\"" },
        { "a", "\xf0\x9f\x98\x80" },
        { "__name__", ":a:b" },
    };
    struct label_set set;

    (void) state;
    assert_int_equal(label_set_init(&set, good, N_OF(good)), 0);
    label_set_release(&set);
}

// A text of `len` letters, for free().
static char *
letters(size_t len)
{
    char *text = xmalloc(len + 1);

    memset(text, 'x', len);
    text[len] = '\0';
    return text;
}

static void
limits_of_length_hold_to_the_byte(void **state)
{
    static const struct {
        size_t name, value;
        int rc;
    } cases[] = {
        { LABEL_NAME_MAX, 1, 0 },
        { LABEL_NAME_MAX + 1, 1, ERR_LIMIT },
        { 1, LABEL_VALUE_MAX, 0 },
        { 1, LABEL_VALUE_MAX + 1, ERR_LIMIT },
    };
    struct label_set set;

    (void) state;
    for (size_t i = 0; i < N_OF(cases); i++) {
        char *name = letters(cases[i].name), *value = letters(cases[i].value);
        const struct label label = { name, value };

        assert_int_equal(label_set_init(&set, &label, 1), cases[i].rc);
        label_set_release(&set);
        free(name);
        free(value);
    }
}

static void
limits_of_a_set_hold_to_the_byte(void **state)
{
    char *most = letters(LABEL_VALUE_MAX), *less = letters(LABEL_VALUE_MAX - 2);
    const struct label fits[] = { { "a", most }, { "b", less } };
    const struct label over[] = { { "a", most }, { "bb", less } };
    struct label_set set;

    (void) state;
    assert_int_equal(label_set_init(&set, fits, 2), 0);
    label_set_release(&set);
    assert_int_equal(label_set_init(&set, over, 2), ERR_LIMIT);
    free(most);
    free(less);
}

static void
sixty_four_labels_are_the_most(void **state)
{
    char names[LABEL_SET_MAX + 2][4];
    struct label labels[LABEL_SET_MAX + 2];
    struct label_set set, more;

    (void) state;
    for (size_t i = 0; i < N_OF(labels); i++) {
        snprintf(names[i], sizeof names[i], "l%zu", i % 100);
        labels[i] = (struct label){ names[i], "v" };
    }
    assert_int_equal(label_set_init(&set, labels, LABEL_SET_MAX + 1), ERR_LIMIT);
    labels[0].value = "";
    assert_int_equal(label_set_init(&set, labels, LABEL_SET_MAX + 1), 0);
    assert_int_equal(set.count, LABEL_SET_MAX);
    assert_int_equal(label_set_with(&more, &set, "another", "v"), ERR_LIMIT);
    assert_int_equal(label_set_with(&more, &set, "l5", "other"), 0);
    label_set_release(&more);
    label_set_release(&set);
}

static size_t
encode(uint8_t *place, size_t size, const struct label_set *set)
{
    struct wbuf w;

    wbuf_init(&w, place, size);
    label_set_put(&w, set);
    return (size_t) wbuf_finish(&w);
}

static void
a_set_travels_and_comes_back(void **state)
{
    struct label_set a, b, empty = { 0 };
    uint8_t bytes[200];
    struct rbuf r;

    (void) state;
    assert_int_equal(label_set_init(&a, cpu, 3), 0);
    rbuf_init(&r, bytes, encode(bytes, sizeof bytes, &a));
    assert_int_equal(label_set_take(&r, &b), 0);
    assert_int_equal(rbuf_finish(&r), 0);
    assert_true(label_set_equal(&a, &b));
    label_set_release(&a);
    label_set_release(&b);
    rbuf_init(&r, bytes, encode(bytes, sizeof bytes, &empty));
    assert_int_equal(label_set_take(&r, &b), 0);
    assert_int_equal(b.count, 0);
}

static void
a_set_cut_at_any_length_is_refused(void **state)
{
    struct label_set a, b;
    uint8_t bytes[200];
    size_t n;

    (void) state;
    assert_int_equal(label_set_init(&a, cpu, 3), 0);
    n = encode(bytes, sizeof bytes, &a);
    for (size_t cut = 0; cut < n; cut++) {
        uint8_t *own = xmemdup(bytes, cut);
        struct rbuf r;

        rbuf_init(&r, own, cut);
        assert_int_equal(label_set_take(&r, &b), ERR_FORMAT);
        assert_int_equal(b.count, 0);
        assert_null(b.at);
        free(own);
    }
    label_set_release(&a);
}

static void
a_set_of_another_form_is_refused(void **state)
{
    static const struct {
        const char *why, *bytes;
        size_t len;
    } cases[] = {
        { "65 labels", "\x41\1a\1x", 5 },
        { "hostile count", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10 },
        { "hostile length",
          "\1\xff\xff\xff\xff\x0f"
          "a",
          7 },
        { "out of order", "\2\1b\1x\1a\1x", 9 },
        { "a name twice", "\2\1a\1x\1a\1y", 9 },
        { "an empty value", "\1\1a\0", 4 },
        { "an empty name", "\1\0\1x", 4 },
        { "a bad name", "\1\1-\1x", 5 },
        { "a NUL in a value", "\1\1a\2x\0", 6 },
        { "a NUL in a name", "\1\2a\0\1x", 6 },
        { "not UTF-8", "\1\1a\1\xff", 5 },
    };
    struct label_set set;
    struct rbuf r;

    (void) state;
    for (size_t i = 0; i < N_OF(cases); i++) {
        rbuf_init(&r, cases[i].bytes, cases[i].len);
        if (label_set_take(&r, &set) != ERR_FORMAT)
            fail_msg("%s", cases[i].why);
        assert_null(set.at);
    }
}

static void
text_is_as_exposition_writes_it(void **state)
{
    static const struct {
        struct label labels[3];
        size_t n;
        const char *text;
    } cases[] = {
        { { { 0 } }, 0, "{}" },
        { { { "__name__", "up" } }, 1, "up" },
        { { { "a", "1" } }, 1, "{a=\"1\"}" },
        { { { "b", "2" }, { "__name__", "up" }, { "a", "q\"\\\n" } },
          3,
          "up{a=\"q\\\"\\\\\\n\",b=\"2\"}" },
        { { { "A", "1" }, { "__name__", "up" } }, 2, "up{A=\"1\"}" },
    };
    struct buf out = { 0 };

    (void) state;
    for (size_t i = 0; i < N_OF(cases); i++) {
        struct label_set set;

        assert_int_equal(label_set_init(&set, cases[i].labels, cases[i].n), 0);
        buf_clear(&out);
        label_set_text(&out, &set);
        assert_string_equal(buf_cstr(&out), cases[i].text);
        label_set_release(&set);
    }
    buf_release(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_set_is_sorted_and_found_by_name),
        cmocka_unit_test(order_of_giving_does_not_matter),
        cmocka_unit_test(text_that_runs_together_differs),
        cmocka_unit_test(the_empty_set_is_zero),
        cmocka_unit_test(a_copy_outlives_its_origin),
        cmocka_unit_test(with_adds_replaces_and_takes_out),
        cmocka_unit_test(bad_names_and_values_are_refused),
        cmocka_unit_test(odd_but_legal_names_and_values_pass),
        cmocka_unit_test(limits_of_length_hold_to_the_byte),
        cmocka_unit_test(limits_of_a_set_hold_to_the_byte),
        cmocka_unit_test(sixty_four_labels_are_the_most),
        cmocka_unit_test(a_set_travels_and_comes_back),
        cmocka_unit_test(a_set_cut_at_any_length_is_refused),
        cmocka_unit_test(a_set_of_another_form_is_refused),
        cmocka_unit_test(text_is_as_exposition_writes_it),
    };
    return cmocka_run_group_tests_name("label", tests, NULL, NULL);
}
