// test_app_input - real sockets: who sends, what is taken, what is refused.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <czmq.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/app_input.h"
#include "agent/own_series.h"
#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/base/log.h"
#include "shared/net/selfstat.h"

#define DEADLINE_MS 20000

static series_table_t *table;
static app_series_t *series;
static app_input_t *input;
static const char *culprit;
static char dir[64];

static int
setup(void **state)
{
    (void) state;
    own_series_init();
    table = series_table_new();
    series = app_series_new(table, 1000);
    strcpy(dir, "/tmp/zpulse-apps-XXXXXX");
    assert_non_null(mkdtemp(dir));
    return 0;
}

static int
teardown(void **state)
{
    char path[128];

    (void) state;
    app_input_close(&input);
    app_series_destroy(&series);
    series_table_destroy(&table);
    snprintf(path, sizeof path, "%s/deep/apps", dir);
    unlink(path);
    snprintf(path, sizeof path, "%s/deep", dir);
    rmdir(path);
    snprintf(path, sizeof path, "%s/apps", dir);
    unlink(path);
    assert_int_equal(rmdir(dir), 0);
    return 0;
}

static int
open_input(const char *sub, const char *pull, bool given)
{
    const struct app_input_options opt = {
        .sub = { .endpoints = &sub, .n = sub != NULL, .given = given },
        .pull = { .endpoints = &pull, .n = pull != NULL, .given = given },
        .series = series,
        .table = table,
    };

    return app_input_open(&input, &opt, &culprit);
}

// In the test's folder.
static const char *
ipc(const char *name)
{
    static char text[2][128];
    static unsigned next;
    char *at = text[next++ % 2];

    snprintf(at, sizeof text[0], "@ipc://%s/%s", dir, name);
    return at;
}

static zsock_t *
peer(int type, const char *endpoint)
{
    zsock_t *sock = zsock_new(type);

    zsock_set_linger(sock, 1000);
    zsock_set_sndhwm(sock, 100000);
    assert_int_equal(zsock_connect(sock, "%s", endpoint + 1), 0);
    return sock;
}

static void
turn(void)
{
    zmq_pollitem_t items[APP_INPUT_MOST];

    app_input_poll(input, items, clock_mono_ms());
    if (zmq_poll(items, (int) app_input_items(input), 20) > 0)
        app_input_receive(input, items);
}

// Turns until a counter is there.
static void
until(enum agent_stat stat, int64_t value)
{
    const int64_t end = clock_mono_ms() + DEADLINE_MS;

    while (selfstat_value(stat) < value && clock_mono_ms() < end)
        turn();
    assert_int_equal(selfstat_value(stat), value);
}

static void
push_and_pub_are_both_taken(void **state)
{
    const char *sub = ipc("deep/apps"), *pull = ipc("apps");
    zsock_t *pub, *push;
    const int64_t end = clock_mono_ms() + DEADLINE_MS;

    (void) state;
    assert_int_equal(open_input(sub, pull, true), 0);
    assert_int_equal(app_input_items(input), 2);
    push = peer(ZMQ_PUSH, pull);
    zstr_send(push, "{\"color\": \"red\", \"cpu\": 1}");
    until(AGENT_APP_SAMPLES, 1);
    // What is published before the subscription has arrived is lost: so again and again.
    pub = peer(ZMQ_PUB, sub);
    while (selfstat_value(AGENT_APP_SAMPLES) < 2 && clock_mono_ms() < end) {
        zstr_send(pub, "0");
        turn();
    }
    assert_true(selfstat_value(AGENT_APP_SAMPLES) >= 2);
    zsock_destroy(&push);
    zsock_destroy(&pub);
}

static void
a_folder_that_is_made_is_for_owner_and_group(void **state)
{
    struct stat st;
    char path[128];

    (void) state;
    assert_int_equal(open_input(NULL, ipc("deep/apps"), true), 0);
    snprintf(path, sizeof path, "%s/deep", dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0750);
    snprintf(path, sizeof path, "%s/deep/apps", dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0660);
}

// libzmq alone would take the path away from who listens there.
static void
a_path_that_is_listened_at_is_taken(void **state)
{
    app_input_t *first;

    (void) state;
    assert_int_equal(open_input(NULL, ipc("apps"), true), 0);
    first = input;
    input = NULL;
    assert_int_equal(open_input(NULL, ipc("apps"), true), -EADDRINUSE);
    assert_string_equal(culprit, ipc("apps"));
    assert_int_equal(open_input(NULL, ipc("apps"), false), 0); // a default is left out
    assert_int_equal(app_input_items(input), 0);
    app_input_close(&first);
}

static void
a_path_that_a_dead_program_left_is_free(void **state)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    (void) state;
    snprintf(at.sun_path, sizeof at.sun_path, "%s/apps", dir);
    assert_int_equal(bind(fd, (const struct sockaddr *) &at, sizeof at), 0);
    close(fd);
    assert_int_equal(open_input(NULL, ipc("apps"), true), 0);
}

static void
what_is_not_of_this_machine_is_not_opened(void **state)
{
    (void) state;
    assert_int_equal(open_input("@tcp://*:5555", NULL, true), ERR_RANGE);
    assert_string_equal(culprit, "@tcp://*:5555");
    assert_int_equal(open_input(NULL, ">tcp://192.0.2.1:5557", true), ERR_RANGE);
    assert_null(input);
}

static void
bad_messages_are_counted_and_hurt_nobody(void **state)
{
    const char *pull = ipc("apps");
    char *large = malloc(APP_JSON_MAX + 2);
    zsock_t *push;

    (void) state;
    assert_int_equal(open_input(NULL, pull, true), 0);
    push = peer(ZMQ_PUSH, pull);
    zstr_send(push, "{\"cpu\": ");
    zstr_send(push, "");
    zstr_sendx(push, "one", "two", "{\"cpu\": 1}", NULL);
    memset(large, ' ', APP_JSON_MAX + 1);
    large[0] = '1';
    large[APP_JSON_MAX + 1] = '\0';
    zstr_send(push, large);
    zstr_send(push, "\"\"");
    zstr_send(push, "null");
    zstr_send(push, "0");
    until(AGENT_APP_SAMPLES, 1);
    assert_int_equal(selfstat_value(AGENT_APP_MESSAGES), 7);
    assert_int_equal(selfstat_value(AGENT_APP_BAD), 4);
    zsock_destroy(&push);
    free(large);
}

static int64_t
waits(void)
{
    series_table_begin(table);
    app_input_sample(input);
    series_table_end(table);
    for (uint32_t i = 0; i < series_table_count(table); i++)
        if (strcmp(label_set_metric(&series_table_def(table, i)->labels),
                   "zpulse_agent_app_waits_total") == 0)
            return series_table_cells(table)[i].m;
    return -1;
}

// A flood for ten seconds at what is read: who sends little is served in its turn, and not after
// it.
static void
a_flood_is_read_by_the_second(void **state)
{
    const char *pull = ipc("apps");
    const int64_t start = clock_mono_ms();
    zmq_pollitem_t items[APP_INPUT_MOST];
    zsock_t *flood, *quiet;
    int64_t wait_ms;

    (void) state;
    assert_int_equal(open_input(NULL, pull, true), 0);
    flood = peer(ZMQ_PUSH, pull);
    for (int i = 0; i < 20000; i++)
        zstr_send(flood, "null");
    // Time stands still for the budget.
    do {
        wait_ms = app_input_poll(input, items, start);
        if (wait_ms < 0 && zmq_poll(items, 1, 20) > 0)
            app_input_receive(input, items);
    } while (wait_ms < 0 && clock_mono_ms() < start + DEADLINE_MS);
    assert_in_range(wait_ms, 1, 64 / 2 + 1); // until there is a turn's worth
    assert_int_equal(items[0].events, 0);
    // Less than a turn may be left over: turns are as large as what has come.
    assert_in_range(selfstat_value(AGENT_APP_MESSAGES), 2000 - 63, 2000);
    assert_int_equal(waits(), 0);
    quiet = peer(ZMQ_PUSH, pull);
    zstr_send(quiet, "{\"color\": \"red\", \"cpu\": 1}");
    until(AGENT_APP_SAMPLES, 1);
    assert_true(selfstat_value(AGENT_APP_MESSAGES) < 10000);
    app_input_poll(input, items, start + 60000); // a second that had more is over
    assert_int_equal(waits(), 1);
    zsock_set_linger(flood, 0);
    zsock_destroy(&flood);
    zsock_destroy(&quiet);
}

// A turn takes so much and no more, so that ticks are on time.
static void
a_turn_has_a_budget(void **state)
{
    const char *pull = ipc("apps");
    const int64_t end = clock_mono_ms() + DEADLINE_MS;
    int64_t before = 0;
    zsock_t *push;

    (void) state;
    assert_int_equal(open_input(NULL, pull, true), 0);
    push = peer(ZMQ_PUSH, pull);
    for (int i = 0; i < 1000; i++)
        zstr_send(push, "null");
    while (before < 1000 && clock_mono_ms() < end) {
        turn();
        assert_in_range(selfstat_value(AGENT_APP_MESSAGES) - before, 0, 64);
        before = selfstat_value(AGENT_APP_MESSAGES);
    }
    assert_int_equal(before, 1000);
    zsock_destroy(&push);
}

int
main(void)
{
#define TEST(claim) cmocka_unit_test_setup_teardown(claim, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(push_and_pub_are_both_taken),
        TEST(a_folder_that_is_made_is_for_owner_and_group),
        TEST(a_path_that_is_listened_at_is_taken),
        TEST(a_path_that_a_dead_program_left_is_free),
        TEST(what_is_not_of_this_machine_is_not_opened),
        TEST(bad_messages_are_counted_and_hurt_nobody),
        TEST(a_flood_is_read_by_the_second),
        TEST(a_turn_has_a_budget),
    };

    zsys_handler_set(NULL);
    log_init("test_app_input", LOG_LEVEL_ERROR);
    return cmocka_run_group_tests_name("app_input", tests, NULL, NULL);
}
