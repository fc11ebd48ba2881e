// flow_keys - with a folder of keys the real collector enrols, lists and revokes.

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/net/key_file.h"
#include "tests/support/stage.h"

struct place {
    char keys[300];   // of the collector, and its operator
    char word[320];   // --keys=...
    char target[128]; // --collector=...
};

static void
s_place(stage_t *s, struct place *p)
{
    snprintf(p->keys, sizeof p->keys, "%s/own", stage_dir(s));
    snprintf(p->word, sizeof p->word, "--keys=%s", p->keys);
    snprintf(p->target, sizeof p->target, "--collector=%s", stage_endpoint(s));
}

static bool
s_is_made(stage_t *s, void *place)
{
    char path[400];

    (void) s;
    snprintf(path, sizeof path, "%s/operator.pub", ((const struct place *) place)->keys);
    return access(path, F_OK) == 0;
}

// A collector whose keys are there; whoever connects before it listens waits by itself.
static process_t *
s_collector(stage_t *s, struct place *p)
{
    process_t *collector = stage_collector(s, p->word, NULL);

    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_is_made, p));
    return collector;
}

// `zpulse` with these words after the collector and the keys, ended: its exit code.
static int
s_zpulse(stage_t *s, const struct place *p, process_t **ret, const char *command, const char *a,
         const char *b, const char *c)
{
    *ret = stage_run(s, "zpulse", command, p->target, p->word, a, b, c, NULL);
    claim(s, process_ended(*ret, stage_ms(STAGE_PATIENCE_MS)));
    return process_code(*ret);
}

static bool
s_has(stage_t *s, process_t *p, const char *text)
{
    (void) s;
    return strstr(process_out(p), text) != NULL;
}

// The word behind `mark` in what it printed.
static void
s_word_after(stage_t *s, process_t *p, const char *mark, char *out, size_t size)
{
    const char *at = strstr(process_out(p), mark);
    size_t n;

    claim(s, at != NULL);
    at += strlen(mark);
    n = strcspn(at, " '\n");
    claim(s, n > 0 && n < size);
    memcpy(out, at, n);
    out[n] = '\0';
}

static void
a_token_enrols_one_key_which_is_then_listed_and_revoked(void **state)
{
    stage_t *s = *state;
    char token[80], server[64], token_word[100], server_word[80], their_keys[300];
    struct place p;
    process_t *run;

    s_place(s, &p);
    (void) s_collector(s, &p);
    claim(s, s_zpulse(s, &p, &run, "enrol", "--new", "--role=dashboard", "--name=board") == 0);
    claim(s, strncmp(process_out(run), "zpulse enrol --collector tcp://", 31) == 0);
    s_word_after(s, run, "--token ", token, sizeof token);
    s_word_after(s, run, "--server-key '", server, sizeof server);
    // Somebody else, who has the command alone.
    snprintf(their_keys, sizeof their_keys, "--keys=%s/theirs", stage_dir(s));
    snprintf(token_word, sizeof token_word, "--token=%s", token);
    snprintf(server_word, sizeof server_word, "--server-key=%s", server);
    for (int i = 0; i < 2; i++) { // again, as after an answer that was lost
        run = stage_run(s, "zpulse", "enrol", p.target, their_keys, token_word, server_word,
                        "--role=dashboard", NULL);
        claim(s, process_ended(run, stage_ms(STAGE_PATIENCE_MS)));
        claim(s, process_code(run) == 0 && s_has(s, run, "board is enrolled as dashboard"));
    }
    // A third one has the same token.
    snprintf(their_keys, sizeof their_keys, "--keys=%s/others", stage_dir(s));
    run = stage_run(s, "zpulse", "enrol", p.target, their_keys, token_word, server_word, NULL);
    claim(s, process_ended(run, stage_ms(STAGE_PATIENCE_MS)));
    claim(s, process_code(run) == 1 && strstr(process_err(run), "no valid token") != NULL);

    claim(s, s_zpulse(s, &p, &run, "keys", "list", NULL, NULL) == 0);
    claim(s, s_has(s, run, "operator") && s_has(s, run, "board") && s_has(s, run, "valid"));
    claim(s, s_zpulse(s, &p, &run, "keys", "show", "nobody", NULL) == 1);
    claim(s, s_zpulse(s, &p, &run, "keys", "revoke", "board", NULL) == 0);
    claim(s, s_zpulse(s, &p, &run, "keys", "show", "board", "-ojson") == 0);
    claim(s, s_has(s, run, "\"state\":\"revoked\""));
    claim(s, s_zpulse(s, &p, &run, "keys", "revoke", "board", NULL) == 1);
}

static void
who_belongs_outlives_a_kill(void **state)
{
    stage_t *s = *state;
    struct place p;
    process_t *run, *collector;

    s_place(s, &p);
    collector = s_collector(s, &p);
    claim(s, s_zpulse(s, &p, &run, "keys", "rotate", NULL, NULL) == 0);
    process_signal(collector, SIGKILL);
    claim(s, process_ended(collector, stage_ms(STAGE_PATIENCE_MS)));
    (void) s_collector(s, &p);
    claim(s, s_zpulse(s, &p, &run, "keys", "list", NULL, NULL) == 0);
    claim(s, s_has(s, run, "retiring") && s_has(s, run, "valid"));
}

static void
a_key_that_others_may_read_stops_the_start(void **state)
{
    stage_t *s = *state;
    struct place p;
    process_t *run, *collector;
    char path[400];

    s_place(s, &p);
    collector = s_collector(s, &p);
    claim(s, s_zpulse(s, &p, &run, "keys", "list", NULL, NULL) == 0);
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
    claim(s, s_zpulse(s, &p, &run, "keys", "list", NULL, NULL) == 78);
    claim(s, strstr(process_err(run), "0640") != NULL);
}

static void
a_stranger_with_a_key_of_its_own_is_told_nothing(void **state)
{
    stage_t *s = *state;
    struct place p, theirs;
    struct key_pair pair;
    struct buf why = { 0 };
    char server[KEY_TEXT_SIZE];
    process_t *run;
    bool made;

    s_place(s, &p);
    (void) s_collector(s, &p);
    claim(s, s_zpulse(s, &p, &run, "keys", "list", NULL, NULL) == 0);
    theirs = p;
    snprintf(theirs.keys, sizeof theirs.keys, "%s/theirs", stage_dir(s));
    snprintf(theirs.word, sizeof theirs.word, "--keys=%s", theirs.keys);
    claim(s, key_file_load_or_make(&pair, &made, theirs.keys, "operator", &why) == 0);
    claim(s, s_zpulse(s, &theirs, &run, "keys", "list", NULL, NULL) == 78);
    claim(s, key_file_load_public(server, p.keys, "collector", &why) == 0);
    claim(s, key_file_save_public(theirs.keys, "collector", server, &why) == 0);
    claim(s, s_zpulse(s, &theirs, &run, "keys", "list", NULL, NULL) == 1);
    claim(s, strstr(process_err(run), "not allowed") != NULL && process_out(run)[0] == '\0');
    claim(s, s_zpulse(s, &theirs, &run, "enrol", "--new", NULL, NULL) == 1);
    claim(s, process_out(run)[0] == '\0');
    buf_release(&why);
}

// Has a key of that role enrolled under that name, in a folder of its own: its --keys word.
static void
s_enrolled(stage_t *s, const struct place *p, const char *role, const char *name, char *word,
           size_t size)
{
    char token[80], server[64], role_word[40], name_word[40], token_word[100], server_word[80];
    const bool agent = strcmp(role, "agent") == 0;
    process_t *run;

    snprintf(role_word, sizeof role_word, "--role=%s", role);
    snprintf(name_word, sizeof name_word, "--name=%s", name);
    claim(s, s_zpulse(s, p, &run, "enrol", "--new", role_word, name_word) == 0);
    s_word_after(s, run, "--token ", token, sizeof token);
    s_word_after(s, run, "--server-key '", server, sizeof server);
    snprintf(token_word, sizeof token_word, "--token=%s", token);
    snprintf(server_word, sizeof server_word, "--server-key=%s", server);
    snprintf(word, size, "--keys=%s/keys-%s", stage_dir(s), name);
    if (agent)
        run = stage_run(s, "zpulse-agent", "--enrol", stage_endpoint(s), server_word, token_word,
                        word, NULL);
    else
        run = stage_run(s, "zpulse", "enrol", p->target, server_word, token_word, role_word, word,
                        NULL);
    claim(s, process_ended(run, stage_ms(STAGE_PATIENCE_MS)));
    claim(s, process_code(run) == 0);
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
    char agent[320], board[320], other[320];
    struct stage_host up = { "web-1", "up" }, gone = { "web-1", "silent" };
    struct place p;
    process_t *run, *first, *wrong;

    s_place(s, &p);
    (void) s_collector(s, &p);
    s_enrolled(s, &p, "agent", "web-1", agent, sizeof agent);
    s_enrolled(s, &p, "dashboard", "board", board, sizeof board);
    s_enrolled(s, &p, "agent", "other", other, sizeof other);
    (void) stage_dashboard(s, board, NULL);
    first = stage_agent(s, "web-1", agent, NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_host_is, &up));
    // The operator asks, too.
    claim(s, s_zpulse(s, &p, &run, "hosts", NULL, NULL, NULL) == 0 && s_has(s, run, "web-1"));
    claim(s, s_zpulse(s, &p, &run, "ledger", "web-1", NULL, NULL) == 0);
    claim(s, s_zpulse(s, &p, &run, "tail", "--lines=1", NULL, NULL) == 0);
    // No key; and a key of another name.
    (void) stage_agent(s, "web-2", "--insecure", NULL);
    wrong = stage_agent(s, "web-3", other, NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_is_sent_away, wrong));
    // Who is in, goes on meanwhile, and they are not.
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_host_is, &up));
    claim(s, stage_host(s, "web-2") == NULL);
    claim(s, stage_host(s, "web-3") == NULL);
    // A host that is another's, with all that it has not sent yet.
    process_signal(first, SIGTERM);
    claim(s, process_ended(first, stage_ms(STAGE_PATIENCE_MS)));
    wrong = stage_agent(s, "web-1", "--name=other", other, NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_is_sent_away, wrong));
    claim(s, stage_host(s, "other") == NULL);
    process_signal(wrong, SIGTERM);
    claim(s, process_ended(wrong, stage_ms(STAGE_PATIENCE_MS)));
    (void) stage_agent(s, "web-1", agent, NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_host_is, &up));
    claim(s, s_zpulse(s, &p, &run, "keys", "revoke", "web-1", NULL) == 0);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_host_is, &gone));
    claim(s, s_zpulse(s, &p, &run, "keys", "revoke", "board", NULL) == 0);
}

static void
words_that_make_no_sense_ask_nobody(void **state)
{
    static const struct {
        const char *words[3];
        int code;
    } cases[] = {
        { { "keys" }, 2 },
        { { "keys", "shwo" }, 2 },
        { { "keys", "show" }, 2 },
        { { "keys", "revoke", "a b" }, 2 },
        { { "keys", "list", "x" }, 2 },
        { { "enrol", "--uses=0", "--new" }, 2 },
        { { "enrol" }, 78 }, // as any program of ours says of values that do not go together
        { { "enrol", "--token=x" }, 78 },
        { { "enrol", "--token=x", "--new" }, 78 },
    };
    stage_t *s = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *const *words = cases[i].words;
        process_t *run = stage_run(s, "zpulse", words[0], words[1], words[2], NULL);

        claim(s, process_ended(run, stage_ms(STAGE_PATIENCE_MS)));
        if (process_code(run) != cases[i].code)
            fail_msg("%s %s ends with %d", words[0], words[1], process_code(run));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(a_token_enrols_one_key_which_is_then_listed_and_revoked),
        stage_test(who_belongs_outlives_a_kill),
        stage_test(a_key_that_others_may_read_stops_the_start),
        stage_test(a_stranger_with_a_key_of_its_own_is_told_nothing),
        stage_test(with_keys_a_host_is_seen_by_who_may_and_nobody_else_sends),
        stage_test(words_that_make_no_sense_ask_nobody),
    };

    return cmocka_run_group_tests_name("flow_keys", tests, NULL, NULL);
}
