// flow_keys - with a folder of keys the real collector enrols, lists and revokes.

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/net/key_file.h"
#include "tests/support/keyed.h"

static bool
s_has(stage_t *s, process_t *p, const char *text)
{
    (void) s;
    return strstr(process_out(p), text) != NULL;
}

static void
a_token_enrols_one_key_which_is_then_listed_and_revoked(void **state)
{
    stage_t *s = *state;
    char token[100], server[80], their_keys[300];
    struct keyed p;
    process_t *run;

    keyed_place(s, &p);
    (void) keyed_collector(s, &p);
    // Somebody else, who has the command alone.
    keyed_token(s, &p, "dashboard", "board", token, server);
    snprintf(their_keys, sizeof their_keys, "--keys=%s/theirs", stage_dir(s));
    for (int i = 0; i < 2; i++) { // again, as after an answer that was lost
        run = stage_run(s, "zpulse", "enrol", p.target, their_keys, token, server,
                        "--role=dashboard", NULL);
        claim(s, process_ended(run, stage_ms(STAGE_PATIENCE_MS)));
        claim(s, process_code(run) == 0 && s_has(s, run, "board is enrolled as dashboard"));
    }
    // A third one has the same token.
    snprintf(their_keys, sizeof their_keys, "--keys=%s/others", stage_dir(s));
    run = stage_run(s, "zpulse", "enrol", p.target, their_keys, token, server, "--role=dashboard",
                    NULL);
    claim(s, process_ended(run, stage_ms(STAGE_PATIENCE_MS)));
    claim(s, process_code(run) == 1 && strstr(process_err(run), "no valid token") != NULL);

    claim(s, keyed_zpulse(s, &p, &run, "keys", "list", NULL, NULL) == 0);
    claim(s, s_has(s, run, "operator") && s_has(s, run, "board") && s_has(s, run, "valid"));
    claim(s, keyed_zpulse(s, &p, &run, "keys", "show", "nobody", NULL) == 1);
    claim(s, keyed_zpulse(s, &p, &run, "keys", "revoke", "board", NULL) == 0);
    claim(s, keyed_zpulse(s, &p, &run, "keys", "show", "board", "-ojson") == 0);
    claim(s, s_has(s, run, "\"state\":\"revoked\""));
    claim(s, keyed_zpulse(s, &p, &run, "keys", "revoke", "board", NULL) == 1);
    claim(s, strstr(process_err(run), ": board: no such name") != NULL);
}

// As each of the others, with the command of that one; then as what it is for.
static void
a_token_of_another_role_is_refused_and_not_spent(void **state)
{
    static const char *const roles[] = { "agent", "dashboard", "operator" };
    static const char *const names[] = { "web-1", "board", "second" };
    stage_t *s = *state;
    char token[100], server[80], role[40], theirs[340];
    struct keyed p;
    process_t *run;

    keyed_place(s, &p);
    (void) keyed_collector(s, &p);
    for (size_t of = 0; of < 3; of++) {
        keyed_token(s, &p, roles[of], names[of], token, server);
        for (size_t i = 1; i <= 3; i++) {
            const size_t as = (of + i) % 3;

            snprintf(role, sizeof role, "--role=%s", roles[as]);
            snprintf(theirs, sizeof theirs, "--keys=%s/%s-%s", stage_dir(s), roles[of], roles[as]);
            if (as == 0)
                run = stage_run(s, "zpulse-agent", "--enrol", stage_endpoint(s), server, token,
                                theirs, NULL);
            else
                run = stage_run(s, "zpulse", "enrol", p.target, theirs, token, server, role, NULL);
            claim(s, process_ended(run, stage_ms(STAGE_PATIENCE_MS)));
            claim(s, process_code(run) == (as == of ? 0 : 1));
            claim(s, as == of || strstr(process_err(run), "another role, and is not spent"));
        }
    }
}

// The door stays shut to that key, so nobody can say why but its owner.
static void
a_revoked_key_that_lies_there_is_named_when_it_would_join(void **state)
{
    stage_t *s = *state;
    char token[100], server[80], path[400];
    struct keyed_peer agent;
    struct keyed p;
    process_t *run;

    keyed_place(s, &p);
    (void) keyed_collector(s, &p);
    keyed_enrol(s, &p, "agent", "web-1", &agent);
    claim(s, keyed_zpulse(s, &p, &run, "keys", "revoke", "web-1", NULL) == 0);
    keyed_token(s, &p, "agent", "web-1", token, server);
    snprintf(path, sizeof path, "%s/agent.key", agent.dir);
    run = stage_run(s, "zpulse-agent", "--enrol", stage_endpoint(s), server, token, agent.word,
                    NULL);
    claim(s, process_ended(run, stage_ms(STAGE_PATIENCE_MS)) && process_code(run) == 69);
    claim(s, strstr(process_err(run), path) != NULL);
    claim(s, strstr(process_err(run), "is revoked: delete it") != NULL);
    claim(s, unlink(path) == 0);
    run = stage_run(s, "zpulse-agent", "--enrol", stage_endpoint(s), server, token, agent.word,
                    NULL);
    claim(s, process_ended(run, stage_ms(STAGE_PATIENCE_MS)) && process_code(run) == 0);
}

static void
who_belongs_outlives_a_kill(void **state)
{
    stage_t *s = *state;
    struct keyed p;
    process_t *run, *collector;

    keyed_place(s, &p);
    collector = keyed_collector(s, &p);
    claim(s, keyed_zpulse(s, &p, &run, "keys", "rotate", NULL, NULL) == 0);
    process_signal(collector, SIGKILL);
    claim(s, process_ended(collector, stage_ms(STAGE_PATIENCE_MS)));
    (void) keyed_collector(s, &p);
    claim(s, keyed_zpulse(s, &p, &run, "keys", "list", NULL, NULL) == 0);
    claim(s, s_has(s, run, "retiring") && s_has(s, run, "valid"));
}

static void
a_key_that_others_may_read_stops_the_start(void **state)
{
    stage_t *s = *state;
    struct keyed_peer board;
    struct keyed p;
    process_t *run, *collector;
    char path[400];

    keyed_place(s, &p);
    collector = keyed_collector(s, &p);
    claim(s, keyed_zpulse(s, &p, &run, "keys", "list", NULL, NULL) == 0);
    process_signal(collector, SIGTERM);
    claim(s, process_ended(collector, stage_ms(STAGE_PATIENCE_MS)) && process_code(collector) == 0);
    snprintf(path, sizeof path, "%s/collector.key", p.keys);
    claim(s, chmod(path, 0644) == 0);
    collector = stage_collector(s, p.word, NULL);
    claim(s,
          process_ended(collector, stage_ms(STAGE_PATIENCE_MS)) && process_code(collector) == 78);
    claim(s, strstr(process_err(collector), "0644") != NULL);
    claim(s, strstr(process_err(collector), "collector.key") != NULL);
    snprintf(path, sizeof path, "%s/operator.key", p.keys);
    claim(s, chmod(path, 0640) == 0);
    claim(s, keyed_zpulse(s, &p, &run, "keys", "list", NULL, NULL) == 78);
    claim(s, strstr(process_err(run), "0640") != NULL);
    // A dashboard's, whatever the collector says of it.
    keyed_stranger(s, &p, "dashboard", "board", &board);
    snprintf(path, sizeof path, "%s/dashboard.key", board.dir);
    claim(s, chmod(path, 0604) == 0);
    run = stage_dashboard(s, board.word, NULL);
    claim(s, process_ended(run, stage_ms(STAGE_PATIENCE_MS)) && process_code(run) == 78);
    claim(s, strstr(process_err(run), "dashboard.key") != NULL);
    claim(s, strstr(process_err(run), "0604") != NULL);
}

static void
a_stranger_with_a_key_of_its_own_is_told_nothing(void **state)
{
    stage_t *s = *state;
    struct keyed p, theirs;
    struct key_pair pair;
    struct buf why = { 0 };
    char server[KEY_TEXT_SIZE];
    process_t *run;
    bool made;

    keyed_place(s, &p);
    (void) keyed_collector(s, &p);
    claim(s, keyed_zpulse(s, &p, &run, "keys", "list", NULL, NULL) == 0);
    theirs = p;
    snprintf(theirs.keys, sizeof theirs.keys, "%s/theirs", stage_dir(s));
    snprintf(theirs.word, sizeof theirs.word, "--keys=%s", theirs.keys);
    claim(s, key_file_load_or_make(&pair, &made, theirs.keys, "operator", &why) == 0);
    claim(s, keyed_zpulse(s, &theirs, &run, "keys", "list", NULL, NULL) == 78);
    claim(s, key_file_load_public(server, p.keys, "collector", &why) == 0);
    claim(s, key_file_save_public(theirs.keys, "collector", server, &why) == 0);
    claim(s, keyed_zpulse(s, &theirs, &run, "keys", "list", NULL, NULL) == 1);
    claim(s, strstr(process_err(run), "not allowed") != NULL && process_out(run)[0] == '\0');
    claim(s, keyed_zpulse(s, &theirs, &run, "enrol", "--new", NULL, NULL) == 1);
    claim(s, process_out(run)[0] == '\0');
    buf_release(&why);
}

static bool
s_is_sent_away(stage_t *s, void *agent)
{
    (void) s;
    return strstr(process_err(agent), "sends us away") != NULL &&
           strstr(process_err(agent), "reason=name") != NULL;
}

static void
with_keys_a_host_is_seen_by_who_may_and_nobody_else_sends(void **state)
{
    stage_t *s = *state;
    struct keyed_peer agent, board, other;
    struct stage_host up = { "web-1", "up" }, gone = { "web-1", "silent" };
    struct stage_said unheard = { NULL, "the collector does not answer" };
    struct keyed p;
    process_t *run, *first, *wrong;

    keyed_place(s, &p);
    (void) keyed_collector(s, &p);
    keyed_enrol(s, &p, "agent", "web-1", &agent);
    keyed_enrol(s, &p, "dashboard", "board", &board);
    keyed_enrol(s, &p, "agent", "other", &other);
    (void) stage_dashboard(s, board.word, NULL);
    first = stage_agent(s, "web-1", agent.word, NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_host_is, &up));
    // The operator asks, too.
    claim(s, keyed_zpulse(s, &p, &run, "hosts", NULL, NULL, NULL) == 0 && s_has(s, run, "web-1"));
    claim(s, keyed_zpulse(s, &p, &run, "ledger", "web-1", NULL, NULL) == 0);
    claim(s, keyed_zpulse(s, &p, &run, "tail", "--lines=1", NULL, NULL) == 0);
    // No key; and a key of another name.
    unheard.who = stage_agent(s, "web-2", "--insecure", NULL);
    wrong = stage_agent(s, "web-3", other.word, NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_is_sent_away, wrong));
    claim(s, stage_until(s, 2 * STAGE_PATIENCE_MS, stage_has_said, &unheard));
    // Who is in, goes on meanwhile, and they are not.
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_host_is, &up));
    claim(s, stage_host(s, "web-2") == NULL);
    claim(s, stage_host(s, "web-3") == NULL);
    // A host that is another's, with all that it has not sent yet.
    process_signal(first, SIGTERM);
    claim(s, process_ended(first, stage_ms(STAGE_PATIENCE_MS)));
    wrong = stage_agent(s, "web-1", "--name=other", other.word, NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_is_sent_away, wrong));
    claim(s, stage_host(s, "other") == NULL);
    process_signal(wrong, SIGTERM);
    claim(s, process_ended(wrong, stage_ms(STAGE_PATIENCE_MS)));
    (void) stage_agent(s, "web-1", agent.word, NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_host_is, &up));
    claim(s, keyed_zpulse(s, &p, &run, "keys", "revoke", "web-1", NULL) == 0);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_host_is, &gone));
    claim(s, keyed_zpulse(s, &p, &run, "keys", "revoke", "board", NULL) == 0);
}

static void
words_that_make_no_sense_ask_nobody(void **state)
{
    static const struct {
        const char *words[3];
        int code;
        const char *said; // on stderr
    } cases[] = {
        { { "keys" }, 2, "is wanted" },
        { { "keys", "shwo" }, 2, "\"shwo\": one of" },
        { { "keys", "show" }, 2, "\"show\": one NAME" },
        { { "keys", "revoke", "a b" }, 2, "\"a b\": a name" },
        { { "keys", "list", "x" }, 2, "\"x\": no word" },
        { { "enrol", "--uses=0", "--new" }, 2, "uses" },
        // As any program of ours says of values that do not go together.
        { { "enrol" }, 78, "--new" },
        { { "enrol", "--token=x" }, 78, "zpulse-agent --enrol" },
        { { "enrol", "--token=x", "--role=operator" }, 78, "server-key" },
        { { "enrol", "--token=x", "--new" }, 78, "--new" },
    };
    stage_t *s = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *const *words = cases[i].words;
        process_t *run = stage_run(s, "zpulse", words[0], words[1], words[2], NULL);

        claim(s, process_ended(run, stage_ms(STAGE_PATIENCE_MS)));
        if (process_code(run) != cases[i].code)
            fail_msg("%s %s ends with %d", words[0], words[1], process_code(run));
        if (strstr(process_err(run), cases[i].said) == NULL)
            fail_msg("%s %s says %s", words[0], words[1], process_err(run));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(a_token_enrols_one_key_which_is_then_listed_and_revoked),
        stage_test(a_token_of_another_role_is_refused_and_not_spent),
        stage_test(a_revoked_key_that_lies_there_is_named_when_it_would_join),
        stage_test(who_belongs_outlives_a_kill),
        stage_test(a_key_that_others_may_read_stops_the_start),
        stage_test(a_stranger_with_a_key_of_its_own_is_told_nothing),
        stage_test(with_keys_a_host_is_seen_by_who_may_and_nobody_else_sends),
        stage_test(words_that_make_no_sense_ask_nobody),
    };

    return cmocka_run_group_tests_name("flow_keys", tests, NULL, NULL);
}
