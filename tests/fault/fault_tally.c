// fault_tally - the checker finds what it is there to find: else the other faults prove nothing.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <string.h>

#include "tests/support/seeded.h"
#include "tests/support/tally.h"

#define N 100

// Sample i has the time 1000 + 7 i and the value i.
static tally_t *
s_given(struct sample held[N + 8])
{
    tally_t *t = tally_new("h");

    for (int i = 0; i < N; i++) {
        held[i] = (struct sample){ .time_ms = 1000 + 7 * i, .value = i };
        tally_give(t, held[i].time_ms, held[i].value, i);
    }
    return t;
}

static struct tally_verdict
s_verdict(tally_t *t, struct sample *held, size_t n)
{
    struct tally_verdict v;

    tally_check(t, held, n, &v);
    tally_destroy(&t);
    return v;
}

// Exactly these, and nothing else.
static void
s_assert(const struct tally_verdict *v, enum tally_fault fault, size_t n, size_t found)
{
    for (int i = 0; i < TALLY_FAULTS; i++)
        assert_int_equal(v->faults[i], i == (int) fault ? n : 0);
    assert_int_equal(v->found, found);
    assert_int_equal(tally_is_right(v), n == 0);
}

static void
what_is_all_there_is_right_in_any_order(void **state)
{
    struct sample held[N + 8];
    tally_t *t = s_given(held);
    uint64_t seed = 1;
    struct tally_verdict v;

    (void) state;
    for (int i = N - 1; i > 0; i--) {
        const uint32_t j = seeded_below(&seed, (uint32_t) i + 1);
        const struct sample other = held[i];

        held[i] = held[j];
        held[j] = other;
    }
    v = s_verdict(t, held, N);
    s_assert(&v, TALLY_MISSING, 0, N);
}

static void
a_missing_sample_is_found_wherever_it_is(void **state)
{
    (void) state;
    for (size_t at = 0; at < N; at++) {
        struct sample held[N + 8];
        tally_t *t = s_given(held);
        struct tally_verdict v;

        memmove(held + at, held + at + 1, (N - at - 1) * sizeof held[0]);
        v = s_verdict(t, held, N - 1);
        s_assert(&v, TALLY_MISSING, 1, N - 1);
        assert_int_equal(v.said[0].from_ms, 1000 + 7 * (int64_t) at);
    }
}

static void
a_doubled_sample_is_found_wherever_it_is(void **state)
{
    (void) state;
    for (size_t at = 0; at < N; at++) {
        struct sample held[N + 8];
        tally_t *t = s_given(held);
        struct tally_verdict v;

        held[N] = held[at];
        v = s_verdict(t, held, N + 1);
        s_assert(&v, TALLY_DOUBLED, 1, N - 1);
        assert_int_equal(v.said[0].from_ms, 1000 + 7 * (int64_t) at);
    }
}

static void
a_changed_sample_is_found_wherever_it_is(void **state)
{
    (void) state;
    for (size_t at = 0; at < N; at++) {
        struct sample held[N + 8];
        tally_t *t = s_given(held);
        struct tally_verdict v;

        held[at].value = at == 0 ? -0.0 : held[at].value * (1 + 1e-15);
        v = s_verdict(t, held, N);
        s_assert(&v, TALLY_CHANGED, 1, N - 1);
        assert_int_equal(v.said[0].from_ms, 1000 + 7 * (int64_t) at);
    }
}

static void
a_double_with_another_value_is_a_change(void **state)
{
    struct sample held[N + 8];
    tally_t *t = s_given(held);
    struct tally_verdict v;

    (void) state;
    held[N] = (struct sample){ .time_ms = held[3].time_ms, .value = 4 };
    v = s_verdict(t, held, N + 1);
    s_assert(&v, TALLY_CHANGED, 1, N - 1);
    assert_true(v.said[0].held == 4);
}

static void
a_sample_at_a_time_of_its_own_is_foreign(void **state)
{
    struct sample held[N + 8];
    tally_t *t = s_given(held);
    struct tally_verdict v;

    (void) state;
    held[N] = (struct sample){ .time_ms = 1001, .value = 0 };
    held[N + 1] = (struct sample){ .time_ms = 1, .value = 0 };
    held[N + 2] = (struct sample){ .time_ms = 99999, .value = 0 };
    v = s_verdict(t, held, N + 3);
    s_assert(&v, TALLY_FOREIGN, 3, N);
}

static void
an_excused_sample_may_be_missing_and_nothing_else(void **state)
{
    struct sample held[N + 8];
    tally_t *t = s_given(held);
    struct tally_verdict v;

    (void) state;
    assert_int_equal(tally_excuse(t, N - 10), 10);
    assert_int_equal(tally_excuse(t, N - 12), 2);
    tally_check(t, held, N - 12, &v);
    s_assert(&v, TALLY_MISSING, 0, N - 12);
    assert_int_equal(v.absent, 12);
    tally_check(t, held, N - 13, &v);
    s_assert(&v, TALLY_MISSING, 1, N - 13);
    held[N - 12].value = 0.5;
    v = s_verdict(t, held, N - 11);
    s_assert(&v, TALLY_CHANGED, 1, N - 12);
}

// Whoever keeps one has taken all before it, however young they are.
static void
only_what_was_given_behind_all_that_is_kept_is_excused(void **state)
{
    struct sample held[N + 8];
    tally_t *t = s_given(held);
    const struct sample kept[] = { held[2], held[N - 6], held[N - 4] };
    struct tally_verdict v;

    (void) state;
    assert_int_equal(tally_excuse_behind(t, kept, 3, 0), 3);
    tally_check(t, held, N - 3, &v);
    s_assert(&v, TALLY_MISSING, 0, N - 3);
    memmove(held + N - 5, held + N - 4, sizeof held[0]);
    v = s_verdict(t, held, N - 4);
    s_assert(&v, TALLY_MISSING, 1, N - 4);
}

static void
where_nothing_is_kept_time_alone_excuses(void **state)
{
    struct sample held[N + 8];
    tally_t *t = s_given(held);
    const struct sample kept = { .time_ms = 1 }; // of somebody else

    (void) state;
    assert_int_equal(tally_excuse_behind(t, &kept, 1, N - 7), 7);
    tally_destroy(&t);
}

static void
what_a_collector_had_once_is_excused_no_more(void **state)
{
    struct sample held[N + 8];
    tally_t *t = s_given(held);
    int64_t from_ms, to_ms;
    struct tally_verdict v;

    (void) state;
    assert_false(tally_span_excused(t, &from_ms, &to_ms));
    tally_excuse(t, N - 10);
    tally_excuse_times(t, held[N - 1].time_ms, INT64_MAX);
    assert_true(tally_span_excused(t, &from_ms, &to_ms));
    assert_int_equal(from_ms, held[N - 10].time_ms);
    assert_int_equal(to_ms, held[N - 2].time_ms);
    // The last one was told of as well: that stays.
    assert_int_equal(tally_oblige(t, held + N - 3, 3), 2);
    v = s_verdict(t, held, N - 3);
    s_assert(&v, TALLY_MISSING, 2, N - 3);
}

static void
a_run_of_missing_samples_is_one_range(void **state)
{
    struct sample held[N + 8];
    tally_t *t = s_given(held);
    struct tally_verdict v;

    (void) state;
    memmove(held + 10, held + 30, (N - 30) * sizeof held[0]);
    v = s_verdict(t, held, N - 20);
    s_assert(&v, TALLY_MISSING, 20, N - 20);
    assert_int_equal(v.n_said, 1);
    assert_int_equal(v.said[0].n, 20);
    assert_int_equal(v.said[0].from_ms, 1070);
    assert_int_equal(v.said[0].to_ms, 1000 + 7 * 29);
}

static void
a_stale_mark_is_nobodys_sample(void **state)
{
    struct sample held[N + 8];
    tally_t *t = s_given(held);
    struct tally_verdict v;

    (void) state;
    held[N] = (struct sample){ .time_ms = 1003, .value = sample_from_bits(SAMPLE_STALE_BITS) };
    v = s_verdict(t, held, N + 1);
    s_assert(&v, TALLY_MISSING, 0, N);
}

static void
what_is_forgotten_is_not_missed(void **state)
{
    struct sample held[N + 8];
    tally_t *t = s_given(held);
    struct tally_verdict v;

    (void) state;
    tally_forget(t, 40);
    assert_int_equal(tally_given(t), N - 40);
    v = s_verdict(t, held + 40, N - 40);
    s_assert(&v, TALLY_MISSING, 0, N - 40);
}

static void
a_loss_that_was_told_excuses_its_times_only(void **state)
{
    struct sample held[N + 8];
    tally_t *t = s_given(held);
    struct tally_verdict v;

    (void) state;
    assert_int_equal(tally_excuse_times(t, 1070, 1084), 3);
    memmove(held + 10, held + 14, (N - 14) * sizeof held[0]);
    v = s_verdict(t, held, N - 4);
    s_assert(&v, TALLY_MISSING, 1, N - 4);
    assert_int_equal(v.said[0].from_ms, 1091);
    assert_int_equal(v.absent, 3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_all_there_is_right_in_any_order),
        cmocka_unit_test(a_missing_sample_is_found_wherever_it_is),
        cmocka_unit_test(a_doubled_sample_is_found_wherever_it_is),
        cmocka_unit_test(a_changed_sample_is_found_wherever_it_is),
        cmocka_unit_test(a_double_with_another_value_is_a_change),
        cmocka_unit_test(a_sample_at_a_time_of_its_own_is_foreign),
        cmocka_unit_test(an_excused_sample_may_be_missing_and_nothing_else),
        cmocka_unit_test(only_what_was_given_behind_all_that_is_kept_is_excused),
        cmocka_unit_test(where_nothing_is_kept_time_alone_excuses),
        cmocka_unit_test(what_a_collector_had_once_is_excused_no_more),
        cmocka_unit_test(a_run_of_missing_samples_is_one_range),
        cmocka_unit_test(a_stale_mark_is_nobodys_sample),
        cmocka_unit_test(what_is_forgotten_is_not_missed),
        cmocka_unit_test(a_loss_that_was_told_excuses_its_times_only),
    };
    return cmocka_run_group_tests_name("fault_tally", tests, NULL, NULL);
}
