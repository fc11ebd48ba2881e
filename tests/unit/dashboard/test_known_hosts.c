// known_hosts - the hosts that the collector knows, as last told.

#include "dashboard/known_hosts.h"

#include "tests/unit/dashboard/room.h"

static bool
put(known_hosts_t *hosts, uint64_t id, const char *name, uint8_t state, int64_t since_ms,
    int64_t last_ms)
{
    struct host_info info = {
        .host = id, .state = state, .since_ms = since_ms, .last_ms = last_ms
    };
    bool taken;

    info.name = strdup(name);
    assert_non_null(info.name);
    taken = known_hosts_put(hosts, &info);
    host_info_release(&info);
    return taken;
}

static void
a_host_is_found_by_id_and_by_name(void **state)
{
    known_hosts_t *hosts = known_hosts_new();

    (void) state;
    put(hosts, 0xabc, "web-1", HOST_UP, 1, 1);
    assert_int_equal(known_hosts_find(hosts, "web-1")->host, 0xabc);
    assert_int_equal(known_hosts_find(hosts, "0000000000000abc")->host, 0xabc);
    assert_null(known_hosts_find(hosts, "abc"));
    assert_null(known_hosts_find(hosts, "web"));
    assert_null(known_hosts_find(hosts, ""));
    known_hosts_destroy(&hosts);
}

static void
of_two_with_one_name_the_one_heard_last_is_meant(void **state)
{
    known_hosts_t *hosts = known_hosts_new();

    (void) state;
    put(hosts, 1, "web", HOST_STOPPED, 1, 500);
    put(hosts, 2, "web", HOST_UP, 1, 900);
    put(hosts, 3, "web", HOST_STOPPED, 1, 700);
    assert_int_equal(known_hosts_find(hosts, "web")->host, 2);
    known_hosts_destroy(&hosts);
}

static void
an_id_goes_before_a_name_that_looks_like_one(void **state)
{
    known_hosts_t *hosts = known_hosts_new();

    (void) state;
    put(hosts, 1, "0000000000000002", HOST_UP, 1, 1);
    assert_int_equal(known_hosts_find(hosts, "0000000000000002")->host, 1);
    put(hosts, 2, "other", HOST_UP, 1, 1);
    assert_int_equal(known_hosts_find(hosts, "0000000000000002")->host, 2);
    known_hosts_destroy(&hosts);
}

static void
a_list_made_before_a_change_does_not_undo_it(void **state)
{
    known_hosts_t *hosts = known_hosts_new();

    (void) state;
    assert_true(put(hosts, 1, "web", HOST_SILENT, 20, 5));
    assert_false(put(hosts, 1, "web", HOST_UP, 10, 5));
    assert_int_equal(known_hosts_get(hosts, 1)->state, HOST_SILENT);
    assert_true(put(hosts, 1, "web", HOST_SILENT, 20, 6));
    assert_int_equal(known_hosts_get(hosts, 1)->last_ms, 6);
    known_hosts_destroy(&hosts);
}

static void
a_new_epoch_forgets_them_all(void **state)
{
    known_hosts_t *hosts = known_hosts_new();

    (void) state;
    known_hosts_set_epoch(hosts, 7);
    put(hosts, 1, "web", HOST_UP, 1000, 1);
    known_hosts_set_epoch(hosts, 7);
    assert_non_null(known_hosts_get(hosts, 1));
    known_hosts_set_epoch(hosts, 8);
    assert_null(known_hosts_get(hosts, 1));
    assert_true(put(hosts, 1, "web", HOST_UP, 10, 1)); // its clock may be another one
    known_hosts_destroy(&hosts);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_is_found_by_id_and_by_name),
        cmocka_unit_test(of_two_with_one_name_the_one_heard_last_is_meant),
        cmocka_unit_test(an_id_goes_before_a_name_that_looks_like_one),
        cmocka_unit_test(a_list_made_before_a_change_does_not_undo_it),
        cmocka_unit_test(a_new_epoch_forgets_them_all),
    };

    return cmocka_run_group_tests_name("known_hosts", tests, NULL, NULL);
}
