// flow_rotation - keys are replaced while everything runs, and not a sample is lost by it.

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/buf.h"
#include "tests/support/books.h"
#include "tests/support/exported.h"
#include "tests/support/keyed.h"

#define KEY        "agent"

#define TOLD_MAX   200000 // a snap has some thousand rows, and may come more than once
#define FILLED_MAX 1000

struct host {
    const struct keyed *k;
    const char *name;
    int64_t stored; // at least
};

// So much is stored, nothing is lost, refused or missing, and both books agree.
static bool
s_is_whole(stage_t *s, void *arg)
{
    const struct host *h = arg;
    json_t *books = books_get_of(s, h->name, h->k->word);
    const bool whole = books_number(books, "stored") >= h->stored &&
                       books_sum(books, "lost") == 0 && books_sum(books, "refused") == 0 &&
                       books_number(books, "unbalanced") == 0;

    json_decref(books);
    return whole;
}

// The collector was asked by the key with this SEEN: it is the one that is used.
static bool
s_has_two_keys(stage_t *s, void *keyed)
{
    process_t *run;
    bool two;

    claim(s, keyed_zpulse(s, keyed, &run, "keys", "show", "web-1", "-ojson") == 0);
    two = strstr(process_out(run), "\"retiring\"") != NULL &&
          strstr(process_out(run), "\"valid\"") != NULL;
    stage_drop(s, &run);
    return two;
}

static void
s_public(stage_t *s, const struct keyed_peer *p, const char *name, char ret[KEY_TEXT_SIZE])
{
    struct buf why = { 0 };

    claim(s, key_file_load_public(ret, p->dir, name, &why) == 0);
    buf_release(&why);
}

static process_t *
s_rotate(stage_t *s, const struct keyed_peer *p)
{
    process_t *run = stage_run(s, "zpulse-agent", "--rotate", "--collector", stage_endpoint(s),
                               p->word, NULL);

    claim(s, process_ended(run, stage_ms(STAGE_PATIENCE_MS)));
    return run;
}

static void
an_agents_key_is_replaced_while_it_runs_without_losing_a_sample(void **state)
{
    stage_t *s = *state;
    struct keyed k;
    struct keyed_peer agent;
    char before[KEY_TEXT_SIZE], after[KEY_TEXT_SIZE], words[100];
    struct host host = { &k, "web-1", 1 };
    struct stage_said taken_up;
    process_t *run, *runs;
    json_t *books;

    keyed_place(s, &k);
    (void) keyed_collector(s, &k);
    keyed_enrol(s, &k, "agent", "web-1", &agent);
    runs = stage_agent(s, "web-1", agent.word, "--interval=100ms", NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_is_whole, &host));
    for (int i = 0; i < 2; i++) {
        s_public(s, &agent, KEY, before);
        run = s_rotate(s, &agent);
        claim(s, process_code(run) == 0);
        s_public(s, &agent, KEY, after);
        claim(s, strcmp(before, after) != 0);
        claim(s, s_has_two_keys(s, &k));
        snprintf(words, sizeof words,
                 "the keys are others: the collector is asked again\" key=\"%s", after);
        if (i == 1)
            process_signal(runs, SIGHUP); // else it looks by itself
        taken_up = (struct stage_said){ runs, strchr(words, '"') + 7 };
        claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_has_said, &taken_up));
        books = books_get_of(s, "web-1", k.word);
        host.stored = books_number(books, "stored") + 1000; // what comes by the new key
        json_decref(books);
        claim(s, stage_until(s, STAGE_PATIENCE_MS, s_is_whole, &host));
    }
}

static void
a_rotation_that_was_stopped_is_gone_on_with(void **state)
{
    stage_t *s = *state;
    struct keyed k;
    struct keyed_peer agent;
    char next[KEY_TEXT_SIZE], after[KEY_TEXT_SIZE];
    struct buf why = { 0 };
    struct key_pair pair, old;
    process_t *run;
    bool made;

    keyed_place(s, &k);
    (void) keyed_collector(s, &k);
    keyed_enrol(s, &k, "agent", "web-1", &agent);
    // Stopped before the collector was asked: that key is the new one.
    claim(s, key_file_load(&old, agent.dir, KEY, &why) == 0);
    claim(s, key_file_load_or_make(&pair, &made, agent.dir, KEY ".next", &why) == 0);
    memcpy(next, pair.public_text, sizeof next);
    run = s_rotate(s, &agent);
    claim(s, process_code(run) == 0);
    s_public(s, &agent, KEY, after);
    claim(s, strcmp(next, after) == 0);
    // Stopped after that, before it was put in its place.
    claim(s, key_file_replace(&old, agent.dir, KEY, &why) == 0);
    claim(s, key_file_replace(&pair, agent.dir, KEY ".next", &why) == 0);
    run = s_rotate(s, &agent);
    claim(s, process_code(run) == 0);
    s_public(s, &agent, KEY, after);
    claim(s, strcmp(next, after) == 0);
    // Stopped before the last step: it is in its place, and beside it. Another one is made.
    claim(s, key_file_replace(&pair, agent.dir, KEY ".next", &why) == 0);
    run = s_rotate(s, &agent);
    claim(s, process_code(run) == 0);
    s_public(s, &agent, KEY, after);
    claim(s, strcmp(next, after) != 0);
    claim(s, key_file_load(&pair, agent.dir, KEY ".next", &why) != 0);
    buf_release(&why);
}

static void
a_key_that_is_not_let_in_stays_as_it_is(void **state)
{
    stage_t *s = *state;
    struct keyed k;
    struct keyed_peer agent;
    char before[KEY_TEXT_SIZE], after[KEY_TEXT_SIZE];
    process_t *run;

    keyed_place(s, &k);
    (void) keyed_collector(s, &k);
    keyed_enrol(s, &k, "agent", "web-1", &agent);
    s_public(s, &agent, KEY, before);
    claim(s, keyed_zpulse(s, &k, &run, "keys", "revoke", "web-1", NULL) == 0);
    run = s_rotate(s, &agent);
    claim(s, process_code(run) != 0 && process_err(run)[0] != '\0');
    s_public(s, &agent, KEY, after);
    claim(s, strcmp(before, after) == 0);
    run = stage_run(s, "zpulse-agent", "--rotate", "--insecure", NULL);
    claim(s, process_ended(run, stage_ms(STAGE_PATIENCE_MS)));
    claim(s, process_code(run) == 78 && strstr(process_err(run), "--insecure") != NULL);
}

// The server's key: agents keep what they sample, and all are told the new one by its file.
static void
with_another_server_key_all_wait_and_come_back_whole(void **state)
{
    stage_t *s = *state;
    struct keyed k;
    struct keyed_peer agent, board;
    struct stage_host up = { "web-1", "up" };
    struct host host = { &k, "web-1", 1 };
    struct stage_said waits = { NULL, "the collector does not answer" };
    char server[KEY_TEXT_SIZE];
    struct buf why = { 0 };
    struct key_pair pair;
    process_t *collector;
    json_t *books;

    keyed_place(s, &k);
    collector = keyed_collector(s, &k);
    keyed_enrol(s, &k, "agent", "web-1", &agent);
    keyed_enrol(s, &k, "dashboard", "board", &board);
    stage_dashboard(s, board.word, NULL);
    waits.who = stage_agent(s, "web-1", agent.word, "--interval=100ms", NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_is_whole, &host));
    books = books_get_of(s, "web-1", k.word);
    host.stored = books_number(books, "stored") + 1000;
    json_decref(books);
    process_signal(collector, SIGTERM);
    claim(s, process_ended(collector, stage_ms(STAGE_PATIENCE_MS)) && process_code(collector) == 0);
    claim(s, key_pair_make(&pair) == 0);
    claim(s, key_file_replace(&pair, k.keys, "collector", &why) == 0);
    (void) keyed_collector(s, &k);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_has_said, &waits));
    claim(s, key_file_load_public(server, k.keys, "collector", &why) == 0);
    claim(s, key_file_save_public(agent.dir, "collector", server, &why) == 0);
    claim(s, key_file_save_public(board.dir, "collector", server, &why) == 0);
    claim(s, stage_until(s, 2 * STAGE_PATIENCE_MS, s_is_whole, &host));
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_host_is, &up));
    buf_release(&why);
}

// Of two keys of "board" the valid one has been let in since the collector's start, the other not.
static bool
s_board_uses_the_new_key(stage_t *s, void *keyed)
{
    process_t *run;
    json_t *all = NULL, *key;
    size_t i, in = 0, out = 0;

    if (keyed_zpulse(s, keyed, &run, "keys", "show", "board", "-ojson") == 0)
        all = json_loads(process_out(run), 0, NULL);
    json_array_foreach(all, i, key)
    {
        const char *state = json_string_value(json_object_get(key, "state"));
        const bool seen = json_is_integer(json_object_get(key, "seen_ms"));

        claim(s, state != NULL);
        in += seen && strcmp(state, "valid") == 0;
        out += !seen && strcmp(state, "retiring") == 0;
    }
    json_decref(all);
    stage_drop(s, &run);
    return in == 1 && out == 1;
}

static void
a_dashboards_key_is_replaced_while_it_runs(void **state)
{
    stage_t *s = *state;
    struct keyed k;
    struct keyed_peer agent, board;
    struct stage_host up = { "web-1", "up" };
    struct stage_said taken_up = { NULL, "the keys are others" };
    process_t *collector, *run;

    keyed_place(s, &k);
    collector = keyed_collector(s, &k);
    keyed_enrol(s, &k, "agent", "web-1", &agent);
    keyed_enrol(s, &k, "dashboard", "board", &board);
    stage_agent(s, "web-1", agent.word, NULL);
    taken_up.who = stage_dashboard(s, board.word, NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_host_is, &up));
    run = stage_run(s, "zpulse-dashboard", "--rotate", "--collector", stage_endpoint(s), board.word,
                    NULL);
    claim(s, process_ended(run, stage_ms(STAGE_PATIENCE_MS)) && process_code(run) == 0);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_has_said, &taken_up));
    // Whom a collector that was started anew has seen is who uses its key now.
    process_signal(collector, SIGTERM);
    claim(s, process_ended(collector, stage_ms(STAGE_PATIENCE_MS)) && process_code(collector) == 0);
    (void) keyed_collector(s, &k);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_board_uses_the_new_key, &k));
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_host_is, &up));
}

// What a stream has told of: ticks, the rows of a snap, and times to be asked for again.
struct told {
    int64_t first_ms; // newest of the first snap; 0: none has come
    int64_t last_ms;
    size_t n;
    int64_t at[TOLD_MAX];
    size_t n_filled;
    struct {
        int64_t from_ms, to_ms;
    } filled[FILLED_MAX];
};

static void
s_note(stage_t *s, struct told *told, int64_t time_ms)
{
    claim(s, told->n < TOLD_MAX);
    told->at[told->n++] = time_ms;
    told->last_ms = time_ms > told->last_ms ? time_ms : told->last_ms;
}

static int64_t
s_member(const json_t *data, const char *name)
{
    return json_integer_value(json_object_get(data, name));
}

// The next event of the stream. True: it is a tick.
static bool
s_hear(stage_t *s, sse_t *stream, struct told *told)
{
    struct sse_event event;
    json_t *data, *time_ms;
    bool tick;
    size_t i;

    claim(s, sse_next(stream, &event, stage_ms(STAGE_PATIENCE_MS)));
    tick = strcmp(event.event, "tick") == 0;
    data = json_loads(event.data, 0, NULL);
    if (strcmp(event.event, "filled") == 0) {
        claim(s, told->n_filled < FILLED_MAX);
        told->filled[told->n_filled].from_ms = s_member(data, "from");
        told->filled[told->n_filled++].to_ms = s_member(data, "to");
    } else if (strcmp(event.event, "snap") == 0) {
        const json_t *history = json_object_get(data, "hist");

        json_array_foreach(json_object_get(history, "t"), i, time_ms)
        {
            s_note(s, told, s_member(history, "t0") + json_integer_value(time_ms));
        }
        if (told->first_ms == 0)
            told->first_ms = s_member(data, "t");
    } else if (tick) {
        s_note(s, told, s_member(data, "t"));
    }
    json_decref(data);
    return tick;
}

static bool
s_was_told(const struct told *told, int64_t time_ms)
{
    for (size_t i = 0; i < told->n; i++)
        if (told->at[i] == time_ms)
            return true;
    for (size_t i = 0; i < told->n_filled; i++)
        if (told->filled[i].from_ms <= time_ms && time_ms <= told->filled[i].to_ms)
            return true;
    return false;
}

// Between the old key's connection and the new one's the collector publishes on: the hole is seen,
// and what is in it comes in a snap.
static void
a_dashboards_stream_misses_no_tick_over_its_keys_replacement(void **state)
{
    static struct told told;
    stage_t *s = *state;
    struct keyed k;
    struct keyed_peer agent, board;
    struct stage_host up = { "web-1", "up" };
    struct stage_said taken_up = { NULL, "the keys are others" };
    host_samples_t *stored;
    struct sample *ticks;
    size_t n, checked = 0;
    process_t *run;
    sse_t *stream;

    told = (struct told){ .n = 0 };
    keyed_place(s, &k);
    (void) keyed_collector(s, &k);
    keyed_enrol(s, &k, "agent", "web-1", &agent);
    keyed_enrol(s, &k, "dashboard", "board", &board);
    stage_agent(s, "web-1", agent.word, "--interval=100ms", NULL);
    taken_up.who = stage_dashboard(s, board.word, NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_host_is, &up));
    stream = sse_open(stage_http_port(s), "/api/v1/stream?view=host&h=web-1", NULL);
    claim(s, stream != NULL);
    while (told.first_ms == 0 || told.n < 5)
        (void) s_hear(s, stream, &told);
    run = stage_run(s, "zpulse-dashboard", "--rotate", "--collector", stage_endpoint(s), board.word,
                    NULL);
    claim(s, process_ended(run, stage_ms(STAGE_PATIENCE_MS)) && process_code(run) == 0);
    // It looks by itself.
    while (!stage_has_said(s, &taken_up))
        (void) s_hear(s, stream, &told);
    for (int i = 0; i < 20;)
        i += s_hear(s, stream, &told);
    claim(s, setenv("ZPULSE_KEYS", k.keys, 1) == 0);
    stored = exported_run(s, "node_load1", told.first_ms);
    claim(s, stored != NULL);
    ticks = host_samples_get(stored, "web-1", &n);
    for (size_t i = 0; i < n; i++) {
        if (ticks[i].time_ms > told.last_ms)
            continue;
        if (!s_was_told(&told, ticks[i].time_ms))
            fprintf(stderr, "not told: %lld\n", (long long) ticks[i].time_ms);
        claim(s, s_was_told(&told, ticks[i].time_ms));
        checked++;
    }
    claim(s, checked > 20);
    host_samples_destroy(&stored);
    sse_close(&stream);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(an_agents_key_is_replaced_while_it_runs_without_losing_a_sample),
        stage_test(a_rotation_that_was_stopped_is_gone_on_with),
        stage_test(a_key_that_is_not_let_in_stays_as_it_is),
        stage_test(a_dashboards_key_is_replaced_while_it_runs),
        stage_test(a_dashboards_stream_misses_no_tick_over_its_keys_replacement),
        stage_test(with_another_server_key_all_wait_and_come_back_whole),
    };

    return cmocka_run_group_tests_name("flow_rotation", tests, NULL, NULL);
}
