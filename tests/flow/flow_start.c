// flow_start - how each program starts, refuses to start, and ends: exit codes and sentences.

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/stage.h"

#define ENDS_MS 8000 // the contract is a second; a busy machine may take longer to notice

static const char *const programs[] = { "zpulse-agent", "zpulse-collector", "zpulse-dashboard" };
#define N_PROGRAMS (sizeof programs / sizeof programs[0])

// Somebody else's socket on the port.
static int
s_occupy(uint16_t port)
{
    const struct sockaddr_in at = { .sin_family = AF_INET,
                                    .sin_port = htons(port),
                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (const struct sockaddr *) &at, sizeof at), 0);
    assert_int_equal(listen(fd, 1), 0);
    return fd;
}

static void
s_fails_naming(stage_t *s, process_t *p, int code, const char *name)
{
    claim(s, process_ended(p, stage_ms(STAGE_PATIENCE_MS)));
    if (process_code(p) != code || strstr(process_err(p), name) == NULL) {
        stage_show(s);
        fail_msg("exit %d wanted with a word of '%s'", code, name);
    }
}

static void
a_collector_names_the_port_that_is_taken(void **state)
{
    stage_t *s = *state;
    char port[8];

    for (unsigned step = 0; step < 4; step++) {
        const unsigned taken = stage_port(s) + step;
        const int fd = s_occupy((uint16_t) taken);

        snprintf(port, sizeof port, "%u", taken);
        s_fails_naming(s, stage_collector(s, NULL), 69, port);
        close(fd);
    }
}

static void
a_dashboard_names_the_port_that_is_taken(void **state)
{
    stage_t *s = *state;
    const int fd = s_occupy(stage_http_port(s));
    char port[8];

    snprintf(port, sizeof port, "%u", stage_http_port(s));
    s_fails_naming(s, stage_dashboard(s, NULL), 69, port);
    close(fd);
}

static void
a_folder_in_use_is_refused(void **state)
{
    stage_t *s = *state;
    process_t *first = stage_agent(s, "web-1", NULL);
    char lock[300];

    snprintf(lock, sizeof lock, "%s/agent-web-1/lock", stage_dir(s));
    for (int i = 0; i < stage_ms(1000) && access(lock, F_OK) != 0; i++)
        claim(s, !process_ended(first, 20));
    s_fails_naming(s, stage_agent(s, "web-1", NULL), 75, "agent-web-1");
    claim(s, !process_ended(first, 0));
    first = stage_collector(s, NULL);
    snprintf(lock, sizeof lock, "%s/collector/lock", stage_dir(s));
    for (int i = 0; i < stage_ms(1000) && access(lock, F_OK) != 0; i++)
        claim(s, !process_ended(first, 20));
    s_fails_naming(s, stage_collector(s, NULL), 75, "collector");
    claim(s, !process_ended(first, 0));
}

static void
an_unknown_flag_is_2_with_the_nearest_one(void **state)
{
    stage_t *s = *state;

    for (size_t i = 0; i < N_PROGRAMS; i++)
        s_fails_naming(s, stage_run(s, programs[i], "--log-levle", "info", NULL), 2, "log-level");
    s_fails_naming(s, stage_run(s, "zpulse", "hots", NULL), 2, "hosts");
    s_fails_naming(s, stage_run(s, "zpulse", "hots", NULL), 2, "\"hots\"");
}

static void
a_bad_file_is_78_naming_file_key_and_the_nearest(void **state)
{
    stage_t *s = *state;
    char *unknown = stage_file(s, "unknown.cfg", "log-levle = info\n");
    char *value = stage_file(s, "value.cfg", "log-level = loud\n");

    for (size_t i = 0; i < N_PROGRAMS; i++) {
        process_t *p = stage_run(s, programs[i], "--config", unknown, NULL);

        s_fails_naming(s, p, 78, "unknown.cfg");
        claim(s, strstr(process_err(p), "log-levle") != NULL);
        claim(s, strstr(process_err(p), "log-level") != NULL);
        p = stage_run(s, programs[i], "--check-config", "--config", value, NULL);
        s_fails_naming(s, p, 78, "value.cfg");
        claim(s, strstr(process_err(p), "loud") != NULL);
    }
    free(unknown);
    free(value);
}

static void
a_file_that_is_printed_is_accepted(void **state)
{
    stage_t *s = *state;

    for (size_t i = 0; i < N_PROGRAMS; i++) {
        process_t *p = stage_run(s, programs[i], "--data", stage_dir(s), "--print-config", NULL);
        char *file;

        claim(s, process_ended(p, stage_ms(STAGE_PATIENCE_MS)) && process_code(p) == 0);
        file = stage_file(s, "printed.cfg", process_out(p));
        p = stage_run(s, programs[i], "--check-config", "--config", file, NULL);
        claim(s, process_ended(p, stage_ms(STAGE_PATIENCE_MS)) && process_code(p) == 0);
        free(file);
    }
}

static void
help_and_version_are_told(void **state)
{
    static const char *const all[] = { "zpulse-agent", "zpulse-collector", "zpulse-dashboard",
                                       "zpulse" };
    stage_t *s = *state;

    for (size_t i = 0; i < 4; i++) {
        process_t *p = stage_run(s, all[i], "--help", NULL);

        claim(s, process_ended(p, stage_ms(STAGE_PATIENCE_MS)) && process_code(p) == 0);
        claim(s, strstr(process_out(p), "--version") != NULL);
        p = stage_run(s, all[i], "--version", NULL);
        claim(s, process_ended(p, stage_ms(STAGE_PATIENCE_MS)) && process_code(p) == 0);
        claim(s, strstr(process_out(p), "0.1.0") != NULL);
    }
}

// Where peers cannot be told apart nothing listens beyond this machine.
static void
an_address_beyond_loopback_is_78(void **state)
{
    stage_t *s = *state;

    s_fails_naming(s, stage_collector(s, "--bind", "0.0.0.0", "--insecure", NULL), 78, "0.0.0.0");
    s_fails_naming(s, stage_dashboard(s, "--listen", "0.0.0.0:8088", NULL), 78, "0.0.0.0");
    s_fails_naming(s,
                   stage_run(s, "zpulse-agent", "--data", stage_dir(s), "--collector",
                             "tcp://192.0.2.1:5560", "--insecure", NULL),
                   78, "192.0.2.1");
    s_fails_naming(s, stage_dashboard(s, "--collector", "tcp://192.0.2.1:5560", "--insecure", NULL),
                   78, "192.0.2.1");
}

// It is not cut, which would make it another folder.
static void
a_folder_of_keys_that_is_too_long_is_2_with_the_rule(void **state)
{
    stage_t *s = *state;
    char word[16 + 901 + 1] = "--keys=";

    memset(word + strlen(word), 'k', 901);
    s_fails_naming(s, stage_collector(s, word, NULL), 2, "at most 900 bytes");
    s_fails_naming(s, stage_agent(s, "web-1", word, NULL), 2, "at most 900 bytes");
    s_fails_naming(s, stage_dashboard(s, word, NULL), 2, "at most 900 bytes");
    s_fails_naming(s, stage_run(s, "zpulse", "hosts", word, NULL), 2, "at most 900 bytes");
    s_fails_naming(s, stage_run(s, "zpulse", "up", word, NULL), 2, "at most 900 bytes");
}

static void
who_has_no_key_is_78_with_the_command_that_gets_one(void **state)
{
    stage_t *s = *state;
    char word[300];

    snprintf(word, sizeof word, "--keys=%s/none", stage_dir(s));
    s_fails_naming(s, stage_agent(s, "web-1", word, NULL), 78, "zpulse enrol --new");
    s_fails_naming(s, stage_dashboard(s, word, NULL), 78, "zpulse enrol --new --role=dashboard");
    s_fails_naming(s, stage_run(s, "zpulse", "hosts", word, NULL), 78, "none/operator.key");
    s_fails_naming(s, stage_run(s, "zpulse", "import", word, "nothing", NULL), 78,
                   "none/operator.key");
}

static bool
s_says_how_to_enrol(stage_t *s, void *collector)
{
    (void) s;
    return strstr(process_err(collector), "zpulse enrol --new") != NULL;
}

static void
a_collector_makes_its_keys_at_its_first_start(void **state)
{
    static const char *const names[] = { "collector", "operator" };
    stage_t *s = *state;
    process_t *collector;
    struct stat st;
    char path[300];

    unsetenv("ZPULSE_KEYS");
    collector = stage_collector(s, NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_says_how_to_enrol, collector));
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/collector/keys/%s.key", stage_dir(s), names[i]);
        claim(s, stat(path, &st) == 0 && (st.st_mode & 07777) == 0600);
    }
}

static void
s_ends_cleanly(stage_t *s, process_t *p, int sig)
{
    // Give it time to be up: a signal in the first milliseconds is another case, tried as well.
    if (sig == SIGINT)
        claim(s, !process_ended(p, stage_ms(700)));
    process_signal(p, sig);
    claim(s, process_ended(p, stage_ms(ENDS_MS)));
    if (process_code(p) != 0) {
        stage_show(s);
        fail_msg("%s ended with %d", process_label(p), process_code(p));
    }
}

static void
each_program_ends_on_a_signal_with_peers(void **state)
{
    static const int signals[] = { SIGINT, SIGTERM };
    stage_t *s = *state;

    for (size_t i = 0; i < 2; i++) {
        process_t *collector = stage_collector(s, NULL);
        process_t *agent = stage_agent(s, "web-1", NULL);
        process_t *dashboard = stage_dashboard(s, NULL);

        claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_ready, NULL));
        s_ends_cleanly(s, dashboard, signals[i]);
        s_ends_cleanly(s, agent, signals[i]);
        s_ends_cleanly(s, collector, signals[i]);
    }
}

static void
each_program_ends_on_a_signal_alone(void **state)
{
    stage_t *s = *state;

    s_ends_cleanly(s, stage_agent(s, "web-1", NULL), SIGINT);
    s_ends_cleanly(s, stage_dashboard(s, NULL), SIGINT);
    s_ends_cleanly(s, stage_collector(s, NULL), SIGINT);
}

static void
a_reload_loses_nobody(void **state)
{
    stage_t *s = *state;
    process_t *all[3];
    struct stage_host up = { "web-1", "up" };
    sse_t *stream;
    json_t *tick;

    all[0] = stage_collector(s, NULL);
    all[1] = stage_agent(s, "web-1", NULL);
    all[2] = stage_dashboard(s, NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_host_is, &up));
    stream = sse_open(stage_http_port(s), "/api/v1/stream?view=host&h=web-1", NULL);
    claim(s, stream != NULL && sse_status(stream) == 200);
    for (size_t i = 0; i < 3; i++)
        process_signal(all[i], SIGHUP);
    for (size_t i = 0; i < 3; i++) {
        tick = sse_next_json(stream, "tick", stage_ms(STAGE_PATIENCE_MS));
        claim(s, tick != NULL);
        json_decref(tick);
    }
    sse_close(&stream);
    for (size_t i = 0; i < 3; i++)
        claim(s, !process_ended(all[i], 0));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(a_collector_names_the_port_that_is_taken),
        stage_test(a_dashboard_names_the_port_that_is_taken),
        stage_test(a_folder_in_use_is_refused),
        stage_test(an_unknown_flag_is_2_with_the_nearest_one),
        stage_test(a_bad_file_is_78_naming_file_key_and_the_nearest),
        stage_test(a_file_that_is_printed_is_accepted),
        stage_test(help_and_version_are_told),
        stage_test(an_address_beyond_loopback_is_78),
        stage_test(a_folder_of_keys_that_is_too_long_is_2_with_the_rule),
        stage_test(who_has_no_key_is_78_with_the_command_that_gets_one),
        stage_test(a_collector_makes_its_keys_at_its_first_start),
        stage_test(each_program_ends_on_a_signal_with_peers),
        stage_test(each_program_ends_on_a_signal_alone),
        stage_test(a_reload_loses_nobody),
    };
    return cmocka_run_group_tests_name("flow_start", tests, NULL, NULL);
}
