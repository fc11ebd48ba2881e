// test_host_table - who lives, who is late, and who may not come in.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "collector/host_table.h"
#include "shared/wire/import_host.h"

static struct seen {
    unsigned changed, forgotten;
    uint64_t host;
    uint8_t state;
} seen;

static void
on_changed(void *arg, const struct host *host)
{
    (void) arg;
    seen.changed++;
    seen.host = host->info.host;
    seen.state = host->info.state;
}

static void
on_forgotten(void *arg, const struct host *host)
{
    (void) arg;
    seen.forgotten++;
    seen.host = host->info.host;
}

static struct ended {
    unsigned told;
    bool again; // not yet, it says
} ended;

static bool
on_imported(void *arg, const struct host *host)
{
    (void) arg;
    (void) host;
    ended.told++;
    return !ended.again;
}

static host_table_t *s_table;

static int
setup(void **state)
{
    (void) state;
    memset(&seen, 0, sizeof seen);
    s_table = host_table_new(3, &(struct host_events){ .changed = on_changed,
                                                       .forgotten = on_forgotten,
                                                       .imported = on_imported });
    ended = (struct ended){ 0 };
    return 0;
}

static int
teardown(void **state)
{
    (void) state;
    host_table_destroy(&s_table);
    return 0;
}

static struct host_time
at(int64_t ms)
{
    return (struct host_time){ .mono_ms = ms, .real_ms = 1000000 + ms };
}

static struct route
route(uint8_t n)
{
    return (struct route){ .len = 2, .at = { 0, n } };
}

static int
hello(uint64_t id, uint64_t nonce, const char *name, uint8_t from, int64_t ms)
{
    struct hello h = { .nonce = nonce,
                       .id = { .host = id,
                               .name = name,
                               .name_len = strlen(name),
                               .version = "1",
                               .version_len = 1,
                               .interval_ms = 1000 } };
    struct route r = route(from);
    const struct host *host;

    return host_table_hello(s_table, &h, &r, at(ms), &host);
}

static int
import(uint64_t id, uint64_t nonce, const char *name, int64_t ms)
{
    struct hello h = { .nonce = nonce,
                       .id = { .host = id,
                               .name = name,
                               .name_len = strlen(name),
                               .version = "1",
                               .version_len = 1,
                               .interval_ms = 1000 } };
    struct route r = route(9);
    const struct host *host;

    return host_table_import(s_table, &h, &r, at(ms), &host);
}

static bool
is_listed(uint64_t id)
{
    return host_table_is_listed(s_table, host_table_find(s_table, id));
}

static bool
ping(uint64_t id, uint64_t nonce, uint8_t from, int64_t ms)
{
    struct ping p = {
        .host = id, .nonce = nonce, .offset_ms = 5, .rtt_us = 100, .ledger.lost = { 2 }
    };
    struct route r = route(from);

    return host_table_ping(s_table, &p, &r, at(ms)) != NULL;
}

static void
bye(uint64_t id, uint64_t nonce, int64_t ms)
{
    host_table_bye(s_table, &(struct bye){ .host = id, .nonce = nonce }, at(ms));
}

static uint8_t
state_of(uint64_t id)
{
    return host_table_find(s_table, id)->info.state;
}

static void
a_hello_makes_a_host(void **state)
{
    const struct host *host;

    (void) state;
    assert_int_equal(hello(1, 10, "web", 1, 0), 0);
    host = host_table_find(s_table, 1);
    assert_non_null(host);
    assert_string_equal(host->info.name, "web");
    assert_string_equal(host->info.version, "1");
    assert_int_equal(host->info.state, HOST_UP);
    assert_int_equal(host->info.since_ms, 1000000);
    assert_int_equal(host->info.first_ms, 1000000);
    assert_int_equal(host->info.rtt_us, -1);
    assert_int_equal(host_table_in_state(s_table, HOST_UP), 1);
    assert_int_equal(seen.changed, 1);
    assert_null(host_table_find(s_table, 2));
}

static void
pings_keep_it_up_and_silence_takes_it_down(void **state)
{
    static const struct {
        int64_t ms;
        bool ping;
        uint8_t state;
    } steps[] = {
        { 1000, true, HOST_UP },    { 2000, true, HOST_UP },      { 4250, false, HOST_UP },
        { 4251, false, HOST_LATE }, { 4500, true, HOST_UP },      { 7000, false, HOST_LATE },
        { 7500, false, HOST_LATE }, { 7501, false, HOST_SILENT }, { 60000, false, HOST_SILENT },
        { 61000, true, HOST_UP },
    };

    (void) state;
    hello(1, 10, "web", 1, 0);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (steps[i].ping)
            assert_true(ping(1, 10, 1, steps[i].ms));
        host_table_tick(s_table, at(steps[i].ms));
        assert_int_equal(state_of(1), steps[i].state);
    }
    assert_int_equal(host_table_find(s_table, 1)->info.since_ms, 1061000);
    assert_int_equal(seen.changed, 6); // up, late, up, late, silent, up
}

static void
a_ping_tells_of_the_agent(void **state)
{
    const struct host_info *info;

    (void) state;
    hello(1, 10, "web", 1, 0);
    ping(1, 10, 1, 100);
    info = &host_table_find(s_table, 1)->info;
    assert_int_equal(info->offset_ms, 5);
    assert_int_equal(info->rtt_us, 100);
    assert_int_equal(info->dropped, 2);
}

static void
a_ping_of_a_stranger_is_not_taken(void **state)
{
    (void) state;
    hello(1, 10, "web", 1, 0);
    assert_false(ping(2, 10, 1, 100)); // another host
    assert_false(ping(1, 11, 1, 100)); // another start
    assert_false(ping(1, 10, 2, 100)); // another connection
    assert_true(ping(1, 10, 1, 100));
}

static void
bye_is_stopped_until_the_next_hello(void **state)
{
    (void) state;
    hello(1, 10, "web", 1, 0);
    bye(1, 99, 50); // of an earlier start
    assert_int_equal(state_of(1), HOST_UP);
    bye(1, 10, 100);
    assert_int_equal(state_of(1), HOST_STOPPED);
    assert_false(ping(1, 10, 1, 150));
    host_table_tick(s_table, at(60000));
    assert_int_equal(state_of(1), HOST_STOPPED);
    assert_int_equal(hello(1, 11, "web", 2, 70000), 0);
    assert_int_equal(state_of(1), HOST_UP);
}

static void
a_second_living_host_of_one_name_is_refused(void **state)
{
    (void) state;
    hello(1, 10, "web", 1, 0);
    assert_int_equal(hello(2, 20, "web", 2, 1000), GOAWAY_NAME);
    assert_null(host_table_find(s_table, 2));
    // Once the first is silent the name is free, and the first has lost it.
    assert_int_equal(hello(2, 20, "web", 2, 3001), 0);
    assert_int_equal(hello(1, 10, "web", 1, 4000), GOAWAY_NAME);
    // Another name is another matter.
    assert_int_equal(hello(1, 10, "db", 1, 4000), 0);
}

static void
a_name_that_was_left_is_free(void **state)
{
    (void) state;
    hello(1, 10, "web", 1, 0);
    hello(1, 10, "web-old", 1, 100);
    assert_int_equal(hello(2, 20, "web", 2, 200), 0);
    bye(2, 20, 300);
    assert_int_equal(hello(3, 30, "web", 3, 400), 0);
}

static void
a_clone_is_refused_while_the_first_lives(void **state)
{
    (void) state;
    hello(1, 10, "web", 1, 0);
    assert_int_equal(hello(1, 11, "web", 2, 3000), GOAWAY_CLONE);
    assert_int_equal(hello(1, 10, "web", 2, 3000), 0); // the same start, on a new connection
    assert_int_equal(hello(1, 11, "web", 2, 6001), 0);
    assert_false(ping(1, 10, 1, 6100));
}

static void
a_lost_connection_makes_room_at_once(void **state)
{
    (void) state;
    hello(1, 10, "web", 1, 0);
    host_table_lost(s_table, 1, at(100));
    assert_int_equal(state_of(1), HOST_SILENT);
    assert_int_equal(seen.state, HOST_SILENT);
    assert_int_equal(hello(1, 11, "web", 2, 101), 0);
}

static void
the_limit_holds_while_all_live(void **state)
{
    (void) state;
    for (uint64_t id = 1; id <= 3; id++) {
        char name[2] = { (char) ('a' + id), '\0' };

        assert_int_equal(hello(id, 10, name, (uint8_t) id, (int64_t) id), 0);
    }
    assert_int_equal(hello(4, 10, "z", 4, 100), GOAWAY_LIMIT);
    // The one that was heard least recently of those that are gone makes room.
    ping(1, 10, 1, 2000);
    host_table_tick(s_table, at(3500));
    assert_int_equal(hello(4, 10, "z", 4, 3500), 0);
    assert_int_equal(seen.forgotten, 1);
    assert_null(host_table_find(s_table, 2));
    assert_non_null(host_table_find(s_table, 3));
    assert_int_equal(host_table_count(s_table), 3);
}

static void
the_newest_stamp_is_kept(void **state)
{
    (void) state;
    hello(1, 10, "web", 1, 0);
    host_table_sample(s_table, 1, 500);
    host_table_sample(s_table, 1, 400);
    host_table_sample(s_table, 2, 900); // nobody
    assert_int_equal(host_table_find(s_table, 1)->info.last_ms, 500);
}

static void
a_host_has_been_there_since_the_oldest_that_came_late(void **state)
{
    int64_t first_ms;

    (void) state;
    hello(1, 10, "web", 1, 0);
    first_ms = host_table_find(s_table, 1)->info.first_ms;
    host_table_filled(s_table, 1, first_ms + 1000);
    assert_int_equal(host_table_find(s_table, 1)->info.first_ms, first_ms);
    host_table_filled(s_table, 1, first_ms - 1000);
    host_table_filled(s_table, 1, first_ms - 500);
    host_table_filled(s_table, 2, 0); // nobody
    assert_int_equal(host_table_find(s_table, 1)->info.first_ms, first_ms - 1000);
}

static void
an_imported_host_is_stopped_from_the_first_and_told_once(void **state)
{
    (void) state;
    assert_int_equal(import(7, 1, "web-1", 0), 0);
    assert_int_equal(import(7, 1, "web-1", 1000), 0);
    assert_int_equal(seen.changed, 1);
    assert_int_equal(seen.state, HOST_STOPPED);
    assert_int_equal(host_table_in_state(s_table, HOST_STOPPED), 1);
    assert_true(is_listed(7));
    assert_false(ping(7, 1, 9, 1500));
    host_table_tick(s_table, at(60000));
    assert_int_equal(state_of(7), HOST_STOPPED);
    assert_int_equal(seen.changed, 1);
}

static void
its_name_is_free_for_an_agent_beside_which_it_is_not_listed(void **state)
{
    (void) state;
    assert_int_equal(import(7, 1, "web-1", 0), 0);
    assert_int_equal(hello(8, 5, "web-1", 1, 100), 0);
    assert_false(is_listed(7));
    assert_true(is_listed(8));
    assert_int_equal(import(9, 1, "web-2", 100), 0);
    assert_int_equal(seen.changed, 3);
    // It is still the agent's once it has gone.
    bye(8, 5, 200);
    assert_false(is_listed(7));
    assert_int_equal(hello(8, 6, "web-3", 1, 5000), 0);
    assert_true(is_listed(7));
}

static void
an_import_beside_an_agent_of_its_name_is_not_told(void **state)
{
    (void) state;
    assert_int_equal(hello(8, 5, "web-1", 1, 0), 0);
    assert_int_equal(import(7, 1, "web-1", 0), 0);
    assert_int_equal(seen.changed, 1);
    assert_int_equal(host_table_in_state(s_table, HOST_UP), 1);
}

static void
one_importer_at_a_time_has_an_instance(void **state)
{
    (void) state;
    assert_int_equal(import(7, 1, "web-1", 0), 0);
    assert_int_equal(import(7, 2, "web-1", HOST_SILENT_MS), GOAWAY_CLONE);
    assert_int_equal(import(7, 2, "web-1", HOST_SILENT_MS + 1), 0);
    // Said BYE, or is known to be gone: at once.
    bye(7, 2, 4000);
    assert_int_equal(import(7, 3, "web-1", 4000), 0);
    host_table_lost(s_table, 7, at(4100));
    assert_int_equal(import(7, 4, "web-1", 4100), 0);
    // An agent that has this id keeps it.
    assert_int_equal(hello(8, 1, "web-2", 1, 4200), 0);
    assert_int_equal(import(8, 1, "web-2", 9000), GOAWAY_CLONE);
}

static void
the_end_of_an_importer_is_told_until_it_is_taken(void **state)
{
    (void) state;
    assert_int_equal(import(7, 1, "web-1", 0), 0);
    host_table_tick(s_table, at(HOST_SILENT_MS));
    assert_int_equal(ended.told, 0);
    ended.again = true;
    host_table_tick(s_table, at(HOST_SILENT_MS + 1));
    host_table_tick(s_table, at(HOST_SILENT_MS + 2));
    ended.again = false;
    host_table_tick(s_table, at(HOST_SILENT_MS + 3));
    host_table_tick(s_table, at(HOST_SILENT_MS + 4));
    assert_int_equal(ended.told, 3);
}

static void
an_importer_at_work_is_not_made_room_of(void **state)
{
    (void) state;
    for (uint64_t id = 1; id <= 3; id++)
        assert_int_equal(import(id, 1, id == 1 ? "a" : id == 2 ? "b" : "c", 0), 0);
    assert_int_equal(import(4, 1, "d", 100), GOAWAY_LIMIT);
    bye(2, 1, 100);
    assert_int_equal(import(4, 1, "d", 100), 0);
    assert_int_equal(seen.forgotten, 1);
    assert_null(host_table_find(s_table, 2));
}

static void
what_was_imported_under_a_name_is_the_hosts_that_has_it(void **state)
{
    const uint64_t past = import_host_id("web", 3);

    (void) state;
    assert_int_equal(import(past, 7, "web", 0), 0);
    host_table_filled(s_table, past, 500);
    assert_int_equal(hello(1, 10, "web", 1, 1000), 0);
    assert_int_equal(host_table_find(s_table, 1)->info.first_ms, 500);
    host_table_filled(s_table, past, 400);
    assert_int_equal(host_table_find(s_table, 1)->info.first_ms, 400);
}

static void
a_host_of_before_is_silent_until_it_comes(void **state)
{
    const struct host *host;

    (void) state;
    host_table_recall(s_table, 1, "web", false, 900000, at(0));
    host_table_recall(s_table, 2, "old", true, 800000, at(0));
    host_table_recall(s_table, 1, "other", false, 900000, at(0)); // it is there
    host = host_table_find(s_table, 1);
    assert_non_null(host);
    assert_string_equal(host->info.name, "web");
    assert_int_equal(host->info.state, HOST_SILENT);
    assert_int_equal(host->info.since_ms, 900000);
    assert_int_equal(state_of(2), HOST_STOPPED);
    host_table_tick(s_table, at(10));
    assert_int_equal(host->info.state, HOST_SILENT);
    assert_int_equal(seen.changed, 0);
    assert_false(ping(1, 10, 1, 20)); // it shall say HELLO
    assert_int_equal(hello(1, 10, "web", 1, 30), 0);
    assert_int_equal(state_of(1), HOST_UP);
    // Another host may take the name of one that has not come, and its place in a full table.
    assert_int_equal(hello(3, 11, "old", 2, 40), 0);
    host_table_recall(s_table, 4, "full", false, 900000, at(0));
    assert_null(host_table_find(s_table, 4));
    assert_int_equal(hello(5, 12, "new", 3, 50), 0);
    assert_null(host_table_find(s_table, 2));
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_was_imported_under_a_name_is_the_hosts_that_has_it),
        TEST(a_host_of_before_is_silent_until_it_comes),
        TEST(a_hello_makes_a_host),
        TEST(pings_keep_it_up_and_silence_takes_it_down),
        TEST(a_ping_tells_of_the_agent),
        TEST(a_ping_of_a_stranger_is_not_taken),
        TEST(bye_is_stopped_until_the_next_hello),
        TEST(a_second_living_host_of_one_name_is_refused),
        TEST(a_name_that_was_left_is_free),
        TEST(a_clone_is_refused_while_the_first_lives),
        TEST(a_lost_connection_makes_room_at_once),
        TEST(the_limit_holds_while_all_live),
        TEST(the_newest_stamp_is_kept),
        TEST(a_host_has_been_there_since_the_oldest_that_came_late),
        TEST(an_imported_host_is_stopped_from_the_first_and_told_once),
        TEST(its_name_is_free_for_an_agent_beside_which_it_is_not_listed),
        TEST(an_import_beside_an_agent_of_its_name_is_not_told),
        TEST(one_importer_at_a_time_has_an_instance),
        TEST(the_end_of_an_importer_is_told_until_it_is_taken),
        TEST(an_importer_at_work_is_not_made_room_of),
    };
    return cmocka_run_group_tests_name("host_table", tests, NULL, NULL);
}
