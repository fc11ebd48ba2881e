// test_topic - the set of series that a topic's rows had.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "collector/topic.h"
#include "tests/support/seeded.h"

#define MOST 200u

static bool
admit(struct topic *topic, series_id *ids, uint32_t n)
{
    return topic_admit(topic, &(struct store_row){ .host = topic->host, .series = ids, .n = n });
}

static void
a_host_has_a_topic_for_itself_and_one_for_its_applications(void **state)
{
    struct topics *topics = topics_new(0xa1);

    (void) state;
    assert_string_equal(topics->at[TOPIC_HOST].name, "m/00000000000000a1");
    assert_string_equal(topics->at[TOPIC_APPS].name, "a/00000000000000a1");
    for (unsigned i = 0; i < TOPICS; i++) {
        assert_int_equal(topics->at[i].generation, 1);
        assert_int_equal(topics->at[i].n_ids, 0);
    }
    topics_free(topics);
}

static void
only_what_is_new_is_told_as_new(void **state)
{
    struct topics *topics = topics_new(1);
    struct topic *topic = &topics->at[TOPIC_HOST];

    (void) state;
    assert_false(admit(topic, NULL, 0));
    assert_true(admit(topic, (series_id[]){ 5, 9 }, 2));
    assert_false(admit(topic, (series_id[]){ 5 }, 1));
    assert_false(admit(topic, (series_id[]){ 9 }, 1));
    assert_true(admit(topic, (series_id[]){ 1, 5, 7, 20 }, 4));
    assert_int_equal(topic->n_ids, 5);
    assert_memory_equal(topic->ids, ((series_id[]){ 1, 5, 7, 9, 20 }), 5 * sizeof(series_id));
    topics_free(topics);
}

// Against a table of all that was ever seen.
static void
any_rows_make_the_set_of_their_series(void **state)
{
    uint64_t seed = 7;

    (void) state;
    for (unsigned round = 0; round < 50; round++) {
        struct topics *topics = topics_new(1);
        struct topic *topic = &topics->at[TOPIC_APPS];
        bool seen[MOST] = { false };

        for (unsigned rows = 0; rows < 30; rows++) {
            const uint32_t sparse = 1 + (uint32_t) seeded_below(&seed, 40);
            series_id ids[MOST];
            uint32_t n = 0, at = 0;
            bool fresh = false;

            for (uint32_t id = 0; id < MOST; id++) {
                if (seeded_below(&seed, sparse) != 0)
                    continue;
                fresh = fresh || !seen[id];
                seen[id] = true;
                ids[n++] = id;
            }
            assert_int_equal(admit(topic, ids, n), fresh);
            for (uint32_t id = 0; id < MOST; id++)
                if (seen[id])
                    assert_int_equal(topic->ids[at++], id);
            assert_int_equal(topic->n_ids, at);
        }
        topics_free(topics);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_has_a_topic_for_itself_and_one_for_its_applications),
        cmocka_unit_test(only_what_is_new_is_told_as_new),
        cmocka_unit_test(any_rows_make_the_set_of_their_series),
    };
    return cmocka_run_group_tests_name("topic", tests, NULL, NULL);
}
