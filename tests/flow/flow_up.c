// flow_up - `zpulse` as a user types it: up, hosts, tail.

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "tests/support/stage.h"

#define CHILDREN 3
#define CLIMB    "../../../../../../../../../../../../../../../.." // from bin/ to the root

// With keys of its own making, or (`more`) as it is told.
static process_t *
s_up_with(stage_t *s, const char *more)
{
    char dir[300], base[16], listen[32];

    unsetenv("ZPULSE_KEYS");
    snprintf(dir, sizeof dir, "%s/run", stage_dir(s));
    snprintf(base, sizeof base, "%u", stage_port(s));
    snprintf(listen, sizeof listen, "127.0.0.1:%u", stage_http_port(s));
    return stage_run(s, "zpulse", "up", "--dir", dir, "--port-base", base, "--listen", listen,
                     "--app-sub", "", "--app-pull", "", more, NULL);
}

static process_t *
s_up(stage_t *s)
{
    return s_up_with(s, NULL);
}

static bool
s_says_the_address(stage_t *s, void *up)
{
    char url[40];

    snprintf(url, sizeof url, "http://127.0.0.1:%u", stage_http_port(s));
    return strstr(process_out(up), url) != NULL;
}

// The processes whose parent is `parent`; how many.
static unsigned
s_children(pid_t parent, pid_t *ret, unsigned most)
{
    char path[64], line[256] = "", *at = line, *end;
    unsigned n = 0;
    FILE *f;

    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int) parent, (int) parent);
    f = fopen(path, "r");
    if (f == NULL)
        return 0;
    if (fgets(line, sizeof line, f) == NULL)
        line[0] = '\0';
    fclose(f);
    for (long pid; n < most && (pid = strtol(at, &end, 10), end != at); at = end)
        ret[n++] = (pid_t) pid;
    return n;
}

static void
s_command(pid_t pid, char *out, size_t size)
{
    char path[64];
    FILE *f;

    out[0] = '\0';
    snprintf(path, sizeof path, "/proc/%d/comm", (int) pid);
    f = fopen(path, "r");
    if (f == NULL)
        return;
    if (fgets(out, (int) size, f) != NULL)
        out[strcspn(out, "\n")] = '\0';
    fclose(f);
}

// Processes may be gone a moment after who ended them: they are the kernel's to reap.
static bool
s_gone(stage_t *s, void *arg)
{
    const pid_t *children = arg;

    (void) s;
    for (unsigned i = 0; i < CHILDREN; i++) {
        char comm[32];

        s_command(children[i], comm, sizeof comm);
        if (strncmp(comm, "zpulse-", 7) == 0)
            return false;
    }
    return true;
}

static void
up_prints_the_address_once_a_number_is_there(void **state)
{
    stage_t *s = *state;
    process_t *up = s_up(s);
    json_t *hosts;

    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_says_the_address, up));
    hosts = http_json(stage_http_port(s), "/api/v1/hosts");
    claim(s, json_array_size(hosts) == 1);
    claim(s, json_integer_value(json_object_get(json_array_get(hosts, 0), "last_ms")) > 0);
    json_decref(hosts);
}

static void
ctrl_c_ends_all_with_0(void **state)
{
    stage_t *s = *state;
    process_t *up = s_up(s);
    pid_t children[CHILDREN];

    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_says_the_address, up));
    claim(s, s_children(process_pid(up), children, CHILDREN) == CHILDREN);
    process_signal(up, SIGINT);
    claim(s, process_ended(up, stage_ms(STAGE_PATIENCE_MS)));
    claim(s, process_code(up) == 0);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_gone, children));
}

static void
a_child_that_dies_ends_all_loudly(void **state)
{
    static const char *const names[] = { "zpulse-agent", "zpulse-collector", "zpulse-dashboard" };
    stage_t *s = *state;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        process_t *up = s_up(s);
        pid_t children[CHILDREN];
        char comm[32];
        bool found = false;

        claim(s, stage_until(s, STAGE_PATIENCE_MS, s_says_the_address, up));
        claim(s, s_children(process_pid(up), children, CHILDREN) == CHILDREN);
        for (unsigned c = 0; c < CHILDREN; c++) {
            s_command(children[c], comm, sizeof comm);
            // The kernel keeps 15 letters of a name.
            if (strncmp(comm, names[i], 15) == 0) {
                found = true;
                kill(children[c], SIGKILL);
            }
        }
        claim(s, found);
        claim(s, process_ended(up, stage_ms(STAGE_PATIENCE_MS)));
        claim(s, process_code(up) != 0 && process_code(up) < 128);
        claim(s, strstr(process_err(up), names[i]) != NULL);
        claim(s, stage_until(s, STAGE_PATIENCE_MS, s_gone, children));
    }
}

static void
children_do_not_outlive_a_killed_up(void **state)
{
    stage_t *s = *state;
    process_t *up = s_up(s);
    pid_t children[CHILDREN];

    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_says_the_address, up));
    claim(s, s_children(process_pid(up), children, CHILDREN) == CHILDREN);
    process_signal(up, SIGKILL);
    claim(s, process_ended(up, stage_ms(STAGE_PATIENCE_MS)));
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_gone, children));
}

static void
a_port_that_is_taken_is_named(void **state)
{
    stage_t *s = *state;
    const uint16_t ports[] = { stage_port(s), stage_http_port(s) };

    for (size_t i = 0; i < 2; i++) {
        const struct sockaddr_in at = { .sin_family = AF_INET,
                                        .sin_port = htons(ports[i]),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        process_t *up;
        char port[8];

        assert_int_equal(bind(fd, (const struct sockaddr *) &at, sizeof at), 0);
        assert_int_equal(listen(fd, 1), 0);
        up = s_up(s);
        claim(s, process_ended(up, stage_ms(STAGE_PATIENCE_MS)));
        claim(s, process_code(up) == 69);
        snprintf(port, sizeof port, "%u", ports[i]);
        claim(s, strstr(process_err(up), port) != NULL);
        close(fd);
    }
}

static void
what_a_program_refuses_is_the_exit_code_of_all(void **state)
{
    stage_t *s = *state;
    process_t *up = s_up_with(s, "--app-pull=@tcp://192.0.2.7:5565");

    claim(s, process_ended(up, stage_ms(STAGE_PATIENCE_MS)));
    claim(s, strstr(process_err(up), "the agent ended with status 78") != NULL);
    claim(s, process_code(up) == 78);
}

static unsigned
s_mode(stage_t *s, const char *path)
{
    char whole[400];
    struct stat st;

    snprintf(whole, sizeof whole, "%s/run/%s", stage_dir(s), path);
    return stat(whole, &st) == 0 ? (unsigned) st.st_mode & 07777 : 0;
}

// `zpulse hosts`, in the folder that `up` was started in: its exit code.
static int
s_hosts_there(stage_t *s, const char *more)
{
    const char *build = getenv("BUILD_DIR");
    char here[256], script[1200];
    process_t *p;

    claim(s, getcwd(here, sizeof here) != NULL);
    snprintf(script, sizeof script, "cd '%s' && exec '%s%s%s/bin/zpulse' hosts --collector %s %s",
             stage_dir(s), build != NULL && build[0] == '/' ? "" : here,
             build != NULL && build[0] == '/' ? "" : "/", build != NULL ? build : "build",
             stage_endpoint(s), more);
    p = stage_run(s, CLIMB "/bin/sh", "-c", script, NULL);
    claim(s, process_ended(p, stage_ms(STAGE_PATIENCE_MS)));
    return process_code(p);
}

static void
up_makes_keys_that_its_owner_alone_may_read_and_nobody_comes_in_without(void **state)
{
    static const char *const secrets[] = { "keys/operator.key", "keys/dashboard.key",
                                           "keys/agent.key", "collector/keys/collector.key",
                                           "collector/keys/admit" };
    stage_t *s = *state;
    process_t *up = s_up(s);

    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_says_the_address, up));
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++)
        claim(s, s_mode(s, secrets[i]) == 0600);
    claim(s, s_mode(s, "keys") == 0700 && s_mode(s, "collector/keys") == 0700);
    claim(s, s_hosts_there(s, "") == 0);
    claim(s, s_hosts_there(s, "--insecure") == 69);
    claim(s, strstr(process_err(up), "insecure") == NULL);
}

// Keys that were lost are made anew, and are let in.
static void
up_without_its_old_keys_comes_up_again(void **state)
{
    static const char *const parts[] = { "keys", "collector/keys", "collector/roster" };
    stage_t *s = *state;
    char script[400];

    for (size_t i = 0; i <= sizeof parts / sizeof parts[0]; i++) {
        process_t *up = s_up(s), *rm;

        claim(s, stage_until(s, STAGE_PATIENCE_MS, s_says_the_address, up));
        claim(s, s_hosts_there(s, "") == 0);
        process_signal(up, SIGINT);
        claim(s, process_ended(up, stage_ms(STAGE_PATIENCE_MS)) && process_code(up) == 0);
        if (i == sizeof parts / sizeof parts[0])
            break;
        snprintf(script, sizeof script, "rm -r '%s/run/%s'", stage_dir(s), parts[i]);
        rm = stage_run(s, CLIMB "/bin/sh", "-c", script, NULL);
        claim(s, process_ended(rm, stage_ms(STAGE_PATIENCE_MS)) && process_code(rm) == 0);
    }
}

static void
up_goes_on_under_the_name_of_its_first_start_and_says_so(void **state)
{
    stage_t *s = *state;
    struct stage_host up_now = { "as-it-was", "up" };
    process_t *up;

    free(stage_file(s, "run/keys/agent.name", "as-it-was\n"));
    up = s_up(s);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_host_is, &up_now));
    claim(s, strstr(process_err(up), "goes on as as-it-was here") != NULL);
}

// Its samples of before are in the store still: they are no sign that it delivers.
static void
up_is_not_up_while_its_own_agent_is_sent_away(void **state)
{
    stage_t *s = *state;
    struct stage_host was = { "as-it-was", "up" };
    process_t *up;

    free(stage_file(s, "run/keys/agent.name", "as-it-was\n"));
    up = s_up(s);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_says_the_address, up));
    claim(s, stage_host_is(s, &was));
    process_signal(up, SIGINT);
    claim(s, process_ended(up, stage_ms(STAGE_PATIENCE_MS)) && process_code(up) == 0);
    free(stage_file(s, "run/keys/agent.name", "another\n"));
    up = s_up(s);
    claim(s, process_ended(up, stage_ms(2 * STAGE_PATIENCE_MS)) && process_code(up) == 69);
    claim(s, !s_says_the_address(s, up));
    claim(s, strstr(process_err(up), "the collector sends the agent away: ") != NULL);
}

static void
up_is_not_up_while_its_agents_key_is_revoked(void **state)
{
    stage_t *s = *state;
    process_t *up, *revoke;
    char keys[300];

    free(stage_file(s, "run/keys/agent.name", "as-it-was\n"));
    snprintf(keys, sizeof keys, "%s/run/keys", stage_dir(s));
    up = s_up(s);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_says_the_address, up));
    revoke = stage_run(s, "zpulse", "keys", "revoke", "as-it-was", "--keys", keys, "--collector",
                       stage_endpoint(s), NULL);
    claim(s, process_ended(revoke, stage_ms(STAGE_PATIENCE_MS)) && process_code(revoke) == 0);
    process_signal(up, SIGINT);
    claim(s, process_ended(up, stage_ms(STAGE_PATIENCE_MS)) && process_code(up) == 0);
    up = s_up(s);
    claim(s, process_ended(up, stage_ms(2 * STAGE_PATIENCE_MS)) && process_code(up) == 69);
    claim(s, !s_says_the_address(s, up));
    claim(s, strstr(process_err(up), "the collector sends the agent away: its key is revoked") !=
                 NULL);
}

static void
up_without_keys_says_so_for_each_program(void **state)
{
    stage_t *s = *state;
    process_t *up = s_up_with(s, "--insecure");
    unsigned said = 0;

    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_says_the_address, up));
    for (const char *at = process_err(up); (at = strstr(at, "insecure: ")) != NULL; at++)
        said++;
    claim(s, said == CHILDREN);
    claim(s, s_mode(s, "keys") == 0 && s_mode(s, "collector/keys") == 0);
    claim(s, s_hosts_there(s, "--insecure") == 0);
}

static void
hosts_lists_them(void **state)
{
    stage_t *s = *state;
    process_t *p = stage_run(s, "zpulse", "hosts", "--collector", stage_endpoint(s), NULL);

    claim(s, process_ended(p, stage_ms(STAGE_PATIENCE_MS)) && process_code(p) == 0);
    claim(s, strstr(process_out(p), "web-1") != NULL);
    claim(s, strstr(process_out(p), "up") != NULL);
}

static void
tail_prints_n_samples_and_ends(void **state)
{
    stage_t *s = *state;
    process_t *p = stage_run(s, "zpulse", "tail", "-n", "5", "--collector", stage_endpoint(s),
                             "node_load1", NULL);
    unsigned lines = 0;

    claim(s, process_ended(p, stage_ms(STAGE_PATIENCE_MS)) && process_code(p) == 0);
    for (const char *at = process_out(p); (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    claim(s, lines == 5);
    claim(s, strstr(process_out(p), "node_load1") != NULL);
    claim(s, strstr(process_out(p), "node_memory") == NULL);
}

static void
no_collector_is_69(void **state)
{
    stage_t *s = *state;
    process_t *p = stage_run(s, "zpulse", "hosts", "--collector", stage_endpoint(s), NULL);

    claim(s, process_ended(p, stage_ms(STAGE_PATIENCE_MS)) && process_code(p) == 69);
    claim(s, strstr(process_err(p), stage_endpoint(s)) != NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(up_prints_the_address_once_a_number_is_there),
        stage_test(ctrl_c_ends_all_with_0),
        stage_test(a_child_that_dies_ends_all_loudly),
        stage_test(children_do_not_outlive_a_killed_up),
        stage_test(a_port_that_is_taken_is_named),
        stage_test(what_a_program_refuses_is_the_exit_code_of_all),
        stage_test(up_makes_keys_that_its_owner_alone_may_read_and_nobody_comes_in_without),
        stage_test(up_without_its_old_keys_comes_up_again),
        stage_test(up_goes_on_under_the_name_of_its_first_start_and_says_so),
        stage_test(up_is_not_up_while_its_own_agent_is_sent_away),
        stage_test(up_is_not_up_while_its_agents_key_is_revoked),
        stage_test(up_without_keys_says_so_for_each_program),
        stage_test_up(hosts_lists_them),
        stage_test_up(tail_prints_n_samples_and_ends),
        stage_test(no_collector_is_69),
    };
    return cmocka_run_group_tests_name("flow_up", tests, NULL, NULL);
}
