// test_link_request - the elements of an answer that came in parts, from a collector that may lie.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "dashboard/link_request.h"
#include "shared/base/err.h"

#define PARTS 3

static struct buf parts[PARTS];

// So many hosts from number `first` on, in a part that says it has `told`.
static void
put_hosts(struct buf *out, uint64_t first, uint32_t n, uint32_t told)
{
    struct query_reply reply = { .type = QUERY_HOSTS, .status = QUERY_OK, .n = told };

    char name[] = "web", version[] = "1";

    query_put_reply(out, &reply);
    for (uint32_t i = 0; i < n; i++) {
        struct host_info info = { .host = first + i,
                                  .state = HOST_UP,
                                  .interval_ms = 1000,
                                  .name = name,
                                  .version = version };

        host_info_put(out, &info);
    }
}

static int
teardown(void **state)
{
    (void) state;
    for (unsigned i = 0; i < PARTS; i++)
        buf_release(&parts[i]);
    return 0;
}

static void
the_elements_of_all_parts_are_one_list(void **state)
{
    struct host_info *hosts;
    size_t n;

    (void) state;
    put_hosts(&parts[0], 1, 20, 20);
    put_hosts(&parts[1], 21, 0, 0);
    put_hosts(&parts[2], 21, 30, 30);
    assert_int_equal(link_hosts_take(&hosts, &n, parts, PARTS), 0);
    assert_int_equal(n, 50);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(hosts[i].host, i + 1);
    link_hosts_free(hosts, n);
}

static void
an_answer_of_nothing_is_an_empty_list(void **state)
{
    struct query_series *series;
    size_t n = 9;

    (void) state;
    assert_int_equal(link_series_take(&series, &n, NULL, 0), 0);
    assert_int_equal(n, 0);
    link_series_free(series, n);
}

// Room for what it says would be hundreds of GB: where memory is limited, the end of the process.
static void
a_part_that_tells_of_more_than_it_has_is_refused(void **state)
{
    struct host_info *hosts;
    size_t n;

    (void) state;
    put_hosts(&parts[0], 1, 20, UINT32_MAX);
    assert_int_equal(link_hosts_take(&hosts, &n, parts, 1), ERR_FORMAT);
    buf_clear(&parts[0]);
    put_hosts(&parts[0], 1, 20, 20);
    for (size_t cut = 0, whole = parts[0].len; cut < whole; cut++) {
        parts[0].len = cut;
        assert_int_equal(link_hosts_take(&hosts, &n, parts, 1), ERR_FORMAT);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_elements_of_all_parts_are_one_list, teardown),
        cmocka_unit_test_teardown(an_answer_of_nothing_is_an_empty_list, teardown),
        cmocka_unit_test_teardown(a_part_that_tells_of_more_than_it_has_is_refused, teardown),
    };
    return cmocka_run_group_tests_name("link_request", tests, NULL, NULL);
}
