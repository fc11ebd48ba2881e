// fault_hosts - a collector and an agent on two hosts, the cable between them, and a new address.
//
// The hosts are network namespaces of this test, with a pair of virtual interfaces between them;
// they go when it ends, however that is. Without root, or where the kernel will not have it,
// nothing is tested.

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/balance.h"

#define CLIMB     "../../../../../../../../../../../../../../../.." // from bin/ to the root
#define HERE      "10.77.0.1"                                       // the collector's host
#define THERE     "10.77.0.2"                                       // the agent's
#define MOVED     "10.77.0.3"
#define ABSENT_MS 60000 // until a link that was cut is used again: timeouts of TCP, and ours
#define MORE      2000  // samples: some ticks of an agent

static pid_t s_there; // whose network is the other host

// Runs the words on one of the hosts to its end; false where it does not end well.
static bool
s_ip(stage_t *s, bool there, const char *words)
{
    char script[300];
    process_t *p;
    bool well;

    if (there)
        snprintf(script, sizeof script, "exec nsenter -t %d -n ip %s", (int) s_there, words);
    else
        snprintf(script, sizeof script, "exec ip %s", words);
    p = stage_run(s, CLIMB "/bin/sh", "-c", script, NULL);
    well = process_ended(p, stage_ms(STAGE_PATIENCE_MS)) && process_code(p) == 0;
    if (!well)
        fprintf(stderr, "ip %s: %s", words, process_err(p));
    stage_drop(s, &p);
    return well;
}

// A process that does nothing in a network of its own.
static bool
s_second_host(void)
{
    int said[2];
    char well = 0;

    assert_int_equal(pipe(said), 0);
    s_there = fork();
    if (s_there == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        well = unshare(CLONE_NEWNET) == 0;
        (void) !write(said[1], &well, 1);
        for (;;)
            pause();
    }
    assert_true(s_there > 0);
    assert_int_equal(read(said[0], &well, 1), 1);
    close(said[0]);
    close(said[1]);
    return well != 0;
}

static void
s_leave(void)
{
    if (s_there <= 0)
        return;
    kill(s_there, SIGKILL);
    waitpid(s_there, NULL, 0);
    s_there = 0;
}

// Two hosts and a cable; false, and the reason, where that cannot be.
static bool
s_enter(stage_t *s)
{
    char words[128];

    if (unshare(CLONE_NEWNET) == -1 || !s_second_host()) {
        print_message("no network namespaces can be made here (root?): nothing is tested\n");
        return false;
    }
    snprintf(words, sizeof words, "link add cable type veth peer name cable netns %d",
             (int) s_there);
    if (!s_ip(s, false, "link set lo up") || !s_ip(s, false, words)) {
        print_message("no ip(8), or no virtual interfaces here: nothing is tested\n");
        return false;
    }
    claim(s, s_ip(s, false, "address add " HERE "/24 dev cable"));
    claim(s, s_ip(s, false, "link set cable up"));
    claim(s, s_ip(s, true, "link set lo up"));
    claim(s, s_ip(s, true, "address add " THERE "/24 dev cable"));
    claim(s, s_ip(s, true, "link set cable up"));
    return true;
}

// A command line on the other host, and where its keys are; it goes on.
static process_t *
s_there_run(stage_t *s, const char *line, const char *keys)
{
    const char *build = getenv("BUILD_DIR");
    char script[1024];

    snprintf(script, sizeof script,
             "PATH=\"%s/bin:$PATH\"; export PATH; unset ZPULSE_KEYS; "
             "exec nsenter -t %d -n -- %s --keys '%s'",
             build != NULL ? build : "build", (int) s_there, line, keys);
    return stage_run(s, CLIMB "/bin/sh", "-c", script, NULL);
}

static bool
s_has_keys(stage_t *s, void *path)
{
    (void) s;
    return access(path, F_OK) == 0;
}

struct wanted {
    const char *key; // of the host's ledger
    int64_t least;
};

static bool
s_counts(stage_t *s, void *arg)
{
    const struct wanted *want = arg;

    return balance_count(s, "web-9", want->key) >= want->least;
}

static bool
s_says_no_answer(stage_t *s, void *agent)
{
    (void) s;
    return strstr(process_err(agent), "the collector does not answer") != NULL;
}

// As in the README: a token is made here, and what it prints is run there.
static void
s_enrol(stage_t *s, const char *keys)
{
    char path[300], line[700], *end;
    process_t *run;

    snprintf(path, sizeof path, "%s/keys/operator.pub", stage_dir(s));
    (void) stage_collector(s, "--bind=0.0.0.0", NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_has_keys, path));
    snprintf(line, sizeof line, "tcp://" HERE ":%u", stage_port(s));
    run = stage_run(s, "zpulse", "enrol", "--new", "--name", "web-9", "--collector", line, NULL);
    claim(s, process_ended(run, stage_ms(STAGE_PATIENCE_MS)) && process_code(run) == 0);
    snprintf(line, sizeof line, "%s", process_out(run));
    end = strchr(line, '\n');
    claim(s, end != NULL && strncmp(line, "zpulse-agent --enrol ", 21) == 0);
    *end = '\0';
    run = s_there_run(s, line, keys);
    claim(s, process_ended(run, stage_ms(STAGE_PATIENCE_MS)) && process_code(run) == 0);
}

static process_t *
s_agent(stage_t *s, const char *keys)
{
    char line[700];

    snprintf(line, sizeof line,
             "zpulse-agent --data '%s/there' --name web-9 --collector tcp://" HERE
             ":%u --app-sub '' --app-pull '' --statsd ''",
             stage_dir(s), stage_port(s));
    return s_there_run(s, line, keys);
}

static void
s_end(stage_t *s, process_t *agent)
{
    process_signal(agent, SIGTERM);
    claim(s, process_ended(agent, stage_ms(STAGE_PATIENCE_MS)) && process_code(agent) == 0);
}

static void
what_is_sampled_on_another_host_survives_a_cut_and_a_new_address(void **state)
{
    stage_t *s = *state;
    char keys[300], their_keys[300];
    struct wanted want = { "acked", MORE };
    struct balance_base base = { 0 };
    process_t *agent;

    if (!s_enter(s)) {
        s_leave();
        skip();
    }
    snprintf(keys, sizeof keys, "%s/keys", stage_dir(s));
    snprintf(their_keys, sizeof their_keys, "%s/their-keys", stage_dir(s));
    setenv("ZPULSE_KEYS", keys, 1); // of all that runs here
    s_enrol(s, their_keys);
    agent = s_agent(s, their_keys);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_counts, &want));
    // The cable is pulled until the agent has noticed.
    claim(s, s_ip(s, false, "link set cable down"));
    claim(s, stage_until(s, ABSENT_MS, s_says_no_answer, agent));
    claim(s, s_ip(s, false, "link set cable up"));
    want.least = balance_count(s, "web-9", "acked") + MORE;
    claim(s, stage_until(s, ABSENT_MS, s_counts, &want));
    // The host moves: its connections are of an address that is nobody's now.
    claim(s, s_ip(s, true, "address flush dev cable"));
    claim(s, s_ip(s, true, "address add " MOVED "/24 dev cable"));
    want.least = balance_count(s, "web-9", "acked") + MORE;
    claim(s, stage_until(s, ABSENT_MS, s_counts, &want));
    // What it had not sent when it ended, it sends when it runs again; then nothing is missing.
    s_end(s, agent);
    want.least = balance_count(s, "web-9", "produced");
    agent = s_agent(s, their_keys);
    claim(s, stage_until(s, ABSENT_MS, s_counts, &want));
    s_end(s, agent);
    claim(s, balance_is_even(s, BALANCE_NO_LOSS, ABSENT_MS));
    claim(s, balance_is_exported(s, &base));
    unsetenv("ZPULSE_KEYS");
    s_leave();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(what_is_sampled_on_another_host_survives_a_cut_and_a_new_address),
    };

    return cmocka_run_group_tests_name("fault_hosts", tests, NULL, NULL);
}
