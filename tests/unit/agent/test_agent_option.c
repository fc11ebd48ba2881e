// test_agent_option - what the agent accepts, refuses, and falls back on.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "agent/agent_option.h"

#define WORDS_MAX 16

static struct agent_config config;

// Loads the words after the program's name; the exit code, or -1 to go on.
static int
load(const char *const words[])
{
    static char copy[WORDS_MAX][256];
    char *argv[WORDS_MAX + 2] = { NULL };
    int argc = 0, code = -1;

    argv[argc++] = strcpy(copy[WORDS_MAX - 1], "zpulse-agent");
    for (size_t i = 0; words[i] != NULL; i++)
        argv[argc++] = strcpy(copy[i], words[i]);
    return agent_config_load(&config, &code, argc, argv) == 0 ? -1 : code;
}

#define LOAD(...) load((const char *const[]){ __VA_ARGS__, NULL })

static void
defaults_are_those_of_one_machine(void **state)
{
    (void) state;
    assert_int_equal(LOAD("--log-level", "info"), -1);
    assert_string_equal(config.data, "/var/lib/zpulse-agent");
    assert_string_equal(config.collector, "tcp://127.0.0.1:5560");
    assert_string_equal(config.control, "tcp://127.0.0.1:5561");
    assert_string_equal(config.rootfs, "/");
    assert_int_equal(config.interval_ms, 1000);
    assert_true(strlen(config.name) > 0);
    assert_false(config.once || config.more_collectors);
    agent_config_release(&config);
}

static void
the_first_of_several_collectors_is_taken(void **state)
{
    (void) state;
    assert_int_equal(LOAD("--collector", ">tcp://127.0.0.2:7000", "--collector",
                          "tcp://127.0.0.3:7000", "--name", "web-1"),
                     -1);
    assert_string_equal(config.collector, "tcp://127.0.0.2:7000");
    assert_string_equal(config.control, "tcp://127.0.0.2:7001");
    assert_string_equal(config.name, "web-1");
    assert_true(config.more_collectors);
    agent_config_release(&config);
}

#define A_KEY "HelloHelloHelloHelloHelloHelloHelloHello"

static void
enrolment_wants_all_of_it(void **state)
{
    (void) state;
    assert_int_equal(LOAD("--enrol", "tcp://127.0.0.1:5560"), OPTION_EXIT_CONFIG);
    assert_int_equal(LOAD("--enrol", "tcp://10.0.0.2:5560", "--server-key", A_KEY),
                     OPTION_EXIT_CONFIG);
    assert_int_equal(LOAD("--enrol", "tcp://127.0.0.1:5560", "--server-key", A_KEY, "--token", "t",
                          "--insecure"),
                     OPTION_EXIT_CONFIG);
    assert_int_equal(LOAD("--enrol", "tcp://10.0.0.2:5560", "--server-key", "no key", "--token",
                          "t", "--keys", "k"),
                     OPTION_EXIT_CONFIG);
    assert_int_equal(LOAD("--enrol", "tcp://10.0.0.2:5560", "--server-key", A_KEY, "--token", "t",
                          "--keys", "k"),
                     -1);
    agent_config_release(&config);
}

static void
with_keys_a_collector_may_be_on_another_machine(void **state)
{
    (void) state;
    assert_int_equal(LOAD("--collector", "tcp://10.0.0.2:5560", "--insecure"), OPTION_EXIT_CONFIG);
    assert_int_equal(LOAD("--collector", "tcp://10.0.0.2:5560", "--keys", "k", "--insecure"),
                     OPTION_EXIT_CONFIG);
    assert_int_equal(LOAD("--collector", "tcp://10.0.0.2:5560", "--keys", "k"), -1);
    assert_string_equal(config.keys, "k");
    agent_config_release(&config);
    assert_int_equal(LOAD("--collector", "tcp://127.0.0.1:5560", "--keys", "k", "--insecure"), -1);
    assert_null(config.keys);
    agent_config_release(&config);
}

static void
every_option_of_the_agent_is_accepted(void **state)
{
    static const char *const words[][2] = {
        { "--app-sub", "" },          { "--app-pull", ">tcp://127.0.0.1:5557" },
        { "--statsd", "" },           { "--spool-sync", "1s" },
        { "--backlog-rate", "2MiB" }, { "--keys", "/etc/zpulse/keys" },
        { "--server-key", "key" },    { "--token", "token" },
        { "--insecure", "--once" },
    };

    (void) state;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        assert_int_equal(LOAD(words[i][0], words[i][1]), -1);
        agent_config_release(&config);
    }
}

static void
what_can_not_be_is_a_wrong_configuration(void **state)
{
    static const char *const collectors[] = {
        "tcp://192.0.2.1:5560",   // not this machine
        "tcp://example.com:5560", // may be anywhere
        "@tcp://127.0.0.1:5560",  // the agent connects
        "tcp://127.0.0.1:65535",  // no port left for control
        "inproc://collector",
    };

    (void) state;
    for (size_t i = 0; i < sizeof collectors / sizeof collectors[0]; i++)
        if (LOAD("--insecure", "--collector", collectors[i]) != OPTION_EXIT_CONFIG)
            fail_msg("taken: %s", collectors[i]);
}

static void
what_can_not_be_read_is_a_wrong_usage(void **state)
{
    (void) state;
    assert_int_equal(LOAD("--interval", "50ms"), OPTION_EXIT_USAGE);
    assert_int_equal(LOAD("--interval", "2h"), OPTION_EXIT_USAGE);
    assert_int_equal(LOAD("--collector", ""), OPTION_EXIT_USAGE);
    assert_int_equal(LOAD("--name", ""), OPTION_EXIT_USAGE);
    assert_int_equal(LOAD("--intervall", "1s"), OPTION_EXIT_USAGE);
}

static void
a_family_is_turned_off_or_timed_by_its_name(void **state)
{
    size_t at = 0;

    (void) state;
    while (strcmp(family_list[at]->name, "loadavg") != 0)
        at++;
    assert_int_equal(LOAD("--family", "loadavg=30s"), -1);
    assert_false(config.families.wish[at].off);
    assert_int_equal(config.families.wish[at].every_ms, 30000);
    agent_config_release(&config);
    assert_int_equal(LOAD("--family", "loadavg=off", "--disk-exclude", ""), -1);
    assert_true(config.families.wish[at].off);
    assert_string_equal(config.families.exclude[PROC_FILTER_DISK], "");
    assert_non_null(strstr(config.families.exclude[PROC_FILTER_FSTYPE], "squashfs"));
    agent_config_release(&config);
}

static void
all_families_are_turned_off_at_once_and_one_on_again(void **state)
{
    (void) state;
    assert_int_equal(LOAD("--family", "all=off", "--family", "loadavg=on"), -1);
    for (size_t i = 0; i < family_count; i++)
        assert_int_equal(config.families.wish[i].off, strcmp(family_list[i]->name, "loadavg") != 0);
    agent_config_release(&config);
    assert_int_equal(LOAD("--family", "all=30s"), -1);
    for (size_t i = 0; i < family_count; i++)
        assert_int_equal(config.families.wish[i].every_ms, 30000);
    agent_config_release(&config);
    assert_int_equal(LOAD("--family", "all=never"), 78);
}

static void
a_family_or_filter_that_is_none_is_a_wrong_configuration(void **state)
{
    static const char *const words[][2] = {
        { "--family", "loadavq=off" }, { "--family", "loadavg" }, { "--family", "loadavg=often" },
        { "--family", "loadavg=1ms" }, { "--family", "=off" },    { "--disk-exclude", "a(" },
        { "--mount-include", "[" },
    };

    (void) state;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (LOAD(words[i][0], words[i][1]) != OPTION_EXIT_CONFIG)
            fail_msg("taken: %s %s", words[i][0], words[i][1]);
}

static void
applications_have_a_default_that_can_be_turned_off(void **state)
{
    (void) state;
    assert_int_equal(LOAD("--log-level", "info"), -1);
    assert_int_equal(config.app_sub.n, 1);
    assert_string_equal(config.app_sub.endpoints[0], "@tcp://127.0.0.1:5555");
    assert_string_equal(config.app_pull.endpoints[0], "@tcp://127.0.0.1:5565");
    assert_false(config.app_sub.given || config.app_pull.given);
    agent_config_release(&config);
    assert_int_equal(LOAD("--app-sub", "", "--app-pull", "", "--app-pull", "@ipc:///run/a",
                          "--app-pull", ">tcp://127.0.0.1:5557"),
                     -1);
    assert_int_equal(config.app_sub.n, 0);
    assert_true(config.app_sub.given && config.app_pull.given);
    assert_int_equal(config.app_pull.n, 2);
    assert_string_equal(config.app_pull.endpoints[1], ">tcp://127.0.0.1:5557");
    agent_config_release(&config);
}

static void
applications_of_elsewhere_are_a_wrong_configuration(void **state)
{
    static const char *const endpoints[] = {
        "@tcp://0.0.0.0:5555",     "@tcp://*:5555",  ">tcp://192.0.2.1:5556",
        ">tcp://example.com:5556", "@inproc://apps",
    };

    (void) state;
    for (size_t i = 0; i < sizeof endpoints / sizeof endpoints[0]; i++)
        if (LOAD("--app-sub", endpoints[i]) != OPTION_EXIT_CONFIG ||
            LOAD("--app-pull", endpoints[i]) != OPTION_EXIT_CONFIG)
            fail_msg("taken: %s", endpoints[i]);
}

static void
what_only_a_start_takes_up_is_known(void **state)
{
    static const char *const others[][2] = {
        { "--keys", "/other" },
        { "--data", "/other" },
        { "--name", "other" },
        { "--interval", "2s" },
        { "--spool-sync", "1s" },
        { "--spool-bytes", "2GiB" },
        { "--spool-age", "1d" },
        { "--memory", "8MiB" },
        { "--backlog-rate", "2MiB" },
        { "--app-sub", "" },
        { "--collector", "tcp://127.0.0.2:7000" },
    };
    struct agent_config before;

    (void) state;
    assert_int_equal(LOAD("--log-level", "info", "--keys", "/keys"), -1);
    before = config;
    assert_int_equal(LOAD("--log-level", "debug", "--keys", "/keys"), -1);
    assert_false(agent_config_wants_start(&config, &before));
    agent_config_release(&config);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        const bool keys = strcmp(others[i][0], "--keys") == 0;

        assert_int_equal(LOAD("--keys", keys ? others[i][1] : "/keys",
                              keys ? "--log-level" : others[i][0], keys ? "info" : others[i][1]),
                         -1);
        if (!agent_config_wants_start(&config, &before))
            fail_msg("not noticed: %s", others[i][0]);
        agent_config_release(&config);
    }
    agent_config_release(&before);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_only_a_start_takes_up_is_known),
        cmocka_unit_test(defaults_are_those_of_one_machine),
        cmocka_unit_test(the_first_of_several_collectors_is_taken),
        cmocka_unit_test(applications_have_a_default_that_can_be_turned_off),
        cmocka_unit_test(applications_of_elsewhere_are_a_wrong_configuration),
        cmocka_unit_test(every_option_of_the_agent_is_accepted),
        cmocka_unit_test(enrolment_wants_all_of_it),
        cmocka_unit_test(with_keys_a_collector_may_be_on_another_machine),
        cmocka_unit_test(what_can_not_be_is_a_wrong_configuration),
        cmocka_unit_test(what_can_not_be_read_is_a_wrong_usage),
        cmocka_unit_test(a_family_is_turned_off_or_timed_by_its_name),
        cmocka_unit_test(all_families_are_turned_off_at_once_and_one_on_again),
        cmocka_unit_test(a_family_or_filter_that_is_none_is_a_wrong_configuration),
    };
    return cmocka_run_group_tests_name("agent_option", tests, NULL, NULL);
}
