// flow_admit - who is written beside the collector's key, over its restarts.

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/keyed.h"

static process_t *
s_collector(stage_t *s)
{
    struct stage_said ready = { stage_collector(s, NULL), "msg=\"ready\"" };

    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_has_said, &ready));
    return ready.who;
}

static void
s_ended(stage_t *s, process_t *p, int code)
{
    claim(s, process_ended(p, stage_ms(STAGE_PATIENCE_MS)));
    claim(s, process_code(p) == code);
}

static process_t *
s_restarted(stage_t *s, process_t *collector)
{
    process_signal(collector, SIGTERM);
    s_ended(s, collector, 0);
    return s_collector(s);
}

// `zpulse keys WORD NAME`, as the operator, done.
static process_t *
s_keys(stage_t *s, const char *word, const char *name)
{
    process_t *run = stage_run(s, "zpulse", "keys", "--collector", stage_endpoint(s), word, name,
                               "-ojson", NULL);

    s_ended(s, run, 0);
    return run;
}

static void
who_was_revoked_stays_out_though_the_line_stands(void **state)
{
    stage_t *s = *state;
    struct keyed_counted denied = { "zpulse_collector_handshakes_denied_total{reason=\"revoked\"}",
                                    1 };
    struct stage_host up = { "web-1", "up" };
    process_t *collector = s_collector(s), *run;

    (void) s_keys(s, "revoke", "web-2");
    collector = s_restarted(s, collector);
    claim(s, strstr(process_err(collector), "is not let in") != NULL);
    run = s_keys(s, "show", "web-2");
    claim(s, strstr(process_out(run), "\"state\":\"revoked\"") != NULL);
    claim(s, strstr(process_out(run), "\"state\":\"valid\"") == NULL);
    // And who was not, is in. The other has been at the door by then.
    stage_dashboard(s, NULL);
    stage_agent(s, "web-2", NULL);
    stage_agent(s, "web-1", NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_host_is, &up));
    claim(s, stage_until(s, STAGE_PATIENCE_MS, keyed_has_counted, &denied));
    claim(s, stage_host(s, "web-2") == NULL);
}

static void
a_line_that_is_none_stops_the_start(void **state)
{
    stage_t *s = *state;
    process_t *collector;

    free(stage_file(s, "stage-keys/admit", "operator operator\n"));
    collector = stage_collector(s, NULL);
    s_ended(s, collector, 78);
    claim(s, strstr(process_err(collector), "admit: line 1") != NULL);
}

static void
an_operator_who_took_the_key_away_gets_no_second_one(void **state)
{
    stage_t *s = *state;
    char keys[300], here[400], there[400];
    process_t *collector;

    snprintf(keys, sizeof keys, "%s/collector/keys", stage_dir(s));
    snprintf(here, sizeof here, "%s/operator.key", keys);
    snprintf(there, sizeof there, "%s/taken", stage_dir(s));
    unsetenv("ZPULSE_KEYS");
    collector = s_collector(s);
    claim(s, rename(here, there) == 0);
    (void) s_restarted(s, collector);
    claim(s, access(here, F_OK) == -1);
    // It is the one that counts.
    claim(s, rename(there, here) == 0 && setenv("ZPULSE_KEYS", keys, 1) == 0);
    (void) s_keys(s, "show", "operator");
}

// `zpulse keys new-operator` ends with `code`, and has said `words`.
static void
s_new_operator(stage_t *s, const char *keys, int code, const char *words)
{
    process_t *run = stage_run(s, "zpulse", "keys", "new-operator", "--keys", keys, NULL);

    s_ended(s, run, code);
    claim(s, strstr(code == 0 ? process_out(run) : process_err(run), words) != NULL);
}

static void
a_lost_operators_key_is_made_anew_beside_the_collectors(void **state)
{
    stage_t *s = *state;
    char keys[300], path[400];
    process_t *collector, *run;

    snprintf(keys, sizeof keys, "%s/collector/keys", stage_dir(s));
    snprintf(path, sizeof path, "%s/operator.key", keys);
    unsetenv("ZPULSE_KEYS");
    collector = s_collector(s);
    s_new_operator(s, keys, 1, "is there already");
    claim(s, unlink(path) == 0);
    process_signal(collector, SIGTERM);
    s_ended(s, collector, 0);
    s_new_operator(s, keys, 0, "when it starts");
    collector = s_collector(s);
    claim(s, strstr(process_err(collector), "the old one is revoked") != NULL);
    claim(s, setenv("ZPULSE_KEYS", keys, 1) == 0);
    run = s_keys(s, "show", "operator");
    claim(s, strstr(process_out(run), "\"state\":\"valid\"") != NULL);
    claim(s, strstr(process_out(run), "\"state\":\"revoked\"") != NULL);
}

// Its old key's connections are told by the next thing that they say: nothing has to be begun anew.
static void
a_collector_that_runs_takes_an_operators_key_that_was_made_anew(void **state)
{
    stage_t *s = *state;
    char keys[300], path[400];
    process_t *collector, *run;
    struct stage_said said;

    snprintf(keys, sizeof keys, "%s/collector/keys", stage_dir(s));
    snprintf(path, sizeof path, "%s/operator.key", keys);
    unsetenv("ZPULSE_KEYS");
    collector = s_collector(s);
    claim(s, unlink(path) == 0);
    s_new_operator(s, keys, 0, "within 5 s");
    said = (struct stage_said){ collector, "the operator's key is another one" };
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_has_said, &said));
    claim(s, setenv("ZPULSE_KEYS", keys, 1) == 0);
    run = s_keys(s, "show", "operator");
    claim(s, strstr(process_out(run), "\"state\":\"valid\"") != NULL);
    claim(s, strstr(process_out(run), "\"state\":\"revoked\"") != NULL);
    // One that is rotated is known already: nobody is revoked.
    run = stage_run(s, "zpulse", "keys", "rotate", "--collector", stage_endpoint(s), NULL);
    s_ended(s, run, 0);
    process_signal(collector, SIGHUP); // it looks at once
    said.words = "settings reloaded";
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_has_said, &said));
    run = s_keys(s, "show", "operator");
    claim(s, strstr(process_out(run), "\"state\":\"retiring\"") != NULL);
    claim(s, strstr(process_out(run), "\"state\":\"valid\"") != NULL);
}

static void
no_operators_key_is_made_where_no_collectors_is_or_another_is_named(void **state)
{
    stage_t *s = *state;
    char keys[300];

    s_new_operator(s, stage_dir(s), 1, "collector.key is not there");
    // The stage's own has a list, with the operator in it.
    snprintf(keys, sizeof keys, "%s/stage-keys", stage_dir(s));
    s_new_operator(s, keys, 1, "names the operator's key already");
}

static void
a_folder_is_of_one_collector(void **state)
{
    stage_t *s = *state;
    const char *other = "HelloWorldHelloWorldHelloWorldHelloWorld";
    process_t *run = stage_run(s, "zpulse-agent", "--enrol", stage_endpoint(s), "--server-key",
                               other, "--token", "ze1", NULL);

    s_ended(s, run, 1);
    claim(s, strstr(process_err(run), "collector.pub is another collector's") != NULL);
}

// As README has it, without a name: what is printed is run, and makes the file that its program
// looks for.
static void
the_command_for_a_role_joins_as_it_stands(void **state)
{
    static const char *const roles[] = { "dashboard", "operator" };
    stage_t *s = *state;
    char role[40], keys[300], path[400], want[80];

    s_collector(s);
    for (size_t i = 0; i < 2; i++) {
        char *words[12] = { NULL }, text[1024], *save = NULL;
        size_t n = 0;
        process_t *run;

        snprintf(role, sizeof role, "--role=%s", roles[i]);
        run = stage_run(s, "zpulse", "enrol", "--new", "--collector", stage_endpoint(s), role,
                        NULL);
        s_ended(s, run, 0);
        snprintf(text, sizeof text, "%s", process_out(run));
        for (char *word = strtok_r(text, " '\n", &save); word != NULL && n < 11;
             word = strtok_r(NULL, " '\n", &save))
            words[n++] = word;
        claim(s, n == 10); // zpulse enrol --collector E --server-key K --token T --role R
        snprintf(keys, sizeof keys, "%s/joined-%zu", stage_dir(s), i);
        run = stage_run(s, words[0], words[1], words[2], words[3], words[4], words[5], words[6],
                        words[7], words[8], words[9], "--keys", keys, NULL);
        s_ended(s, run, 0);
        snprintf(want, sizeof want, " is enrolled as %s", roles[i]);
        claim(s, strncmp(process_out(run), roles[i], strlen(roles[i])) == 0);
        claim(s, strstr(process_out(run), want) != NULL);
        snprintf(path, sizeof path, "%s/%s.key", keys, roles[i]);
        claim(s, access(path, F_OK) == 0);
    }
}

// The command that the collector's log offers, word by word.
static process_t *
s_run_as_logged(stage_t *s, process_t *collector)
{
    const char *log = strstr(process_err(collector), "with=\"zpulse enrol --new");
    char *words[8] = { NULL }, text[1024], *save = NULL;
    size_t n = 0;

    claim(s, log != NULL);
    log += strlen("with=\"");
    snprintf(text, sizeof text, "%.*s", (int) strcspn(log, "\""), log);
    for (char *word = strtok_r(text, " ", &save); word != NULL && n < 7;
         word = strtok_r(NULL, " ", &save))
        words[n++] = word;
    claim(s, n == 7); // zpulse enrol --new --keys DIR --collector ENDPOINT
    return stage_run(s, words[0], words[1], words[2], words[3], words[4], words[5], words[6], NULL);
}

// Its ports are not the usual ones, nor is each address.
static void
the_logged_command_works_as_it_stands(void **state)
{
    static const char *const binds[] = { "127.0.0.1", "127.0.0.2" };
    stage_t *s = *state;
    process_t *collector, *run;
    char want[300];

    unsetenv("ZPULSE_KEYS");
    for (size_t i = 0; i < 2; i++) {
        snprintf(want, sizeof want, "zpulse-agent --enrol tcp://%s%s --server-key", binds[i],
                 strrchr(stage_endpoint(s), ':'));
        collector = stage_collector(s, "--bind", binds[i], NULL);
        claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_has_said,
                             &(struct stage_said){ collector, "msg=\"ready\"" }));
        run = s_run_as_logged(s, collector);
        s_ended(s, run, 0);
        claim(s, strstr(process_out(run), want) != NULL);
        process_signal(collector, SIGTERM);
        s_ended(s, collector, 0);
    }
}

// Of a folder with a quote in its name: a word for the shell, in a field that ends where it ends.
static void
the_logged_command_is_one_field_of_the_log(void **state)
{
    stage_t *s = *state;
    char keys[300], want[400];
    process_t *collector;

    snprintf(keys, sizeof keys, "%s/a \"b", stage_dir(s));
    snprintf(want, sizeof want, "with=\"zpulse enrol --new --keys '%s/a \\\"b' --collector %s\"\n",
             stage_dir(s), stage_endpoint(s));
    collector = stage_collector(s, "--keys", keys, NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_has_said,
                         &(struct stage_said){ collector, want }));
    process_signal(collector, SIGTERM);
    s_ended(s, collector, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(who_was_revoked_stays_out_though_the_line_stands),
        stage_test(a_line_that_is_none_stops_the_start),
        stage_test(an_operator_who_took_the_key_away_gets_no_second_one),
        stage_test(a_lost_operators_key_is_made_anew_beside_the_collectors),
        stage_test(a_collector_that_runs_takes_an_operators_key_that_was_made_anew),
        stage_test(no_operators_key_is_made_where_no_collectors_is_or_another_is_named),
        stage_test(a_folder_is_of_one_collector),
        stage_test(the_command_for_a_role_joins_as_it_stands),
        stage_test(the_logged_command_works_as_it_stands),
        stage_test(the_logged_command_is_one_field_of_the_log),
    };

    return cmocka_run_group_tests_name("flow_admit", tests, NULL, NULL);
}
