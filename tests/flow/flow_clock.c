// flow_clock - clocks of hosts that step or are far off: it is said, once, and no sample is lost or
// doubled for it.

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/wire/host_event.h"
#include "tests/support/books.h"
#include "tests/support/folder.h"
#include "tests/support/program_shim.h"
#include "tests/support/stage.h"

#define HOUR_MS INT64_C(3600000)
#define NEAR_MS 20000 // what a slow machine may lie between a step and its being told

static void
set_clock(stage_t *s, const char *host, int64_t offset_ms)
{
    program_shim_clock(stage_dir(s), host, offset_ms);
}

// With a clock of its own.
static process_t *
start_agent(stage_t *s, const char *name)
{
    process_t *agent;

    program_shim_preload(program_shim_find(PROGRAM_SHIM_CLOCK), stage_dir(s), name);
    agent = stage_agent(s, name, "--app-sub", "", "--app-pull", "", NULL);
    program_shim_preload(NULL, NULL, NULL);
    return agent;
}

// Events of the answer that step by about so much: how many, or -1 where it cannot be had yet.
static int
count_steps_of(stage_t *s, const char *question, int64_t about_ms)
{
    json_t *all = http_json(stage_http_port(s), question);
    json_t *event;
    size_t i;
    int n = 0;

    if (!json_is_array(all)) {
        json_decref(all);
        return -1;
    }
    json_array_foreach(all, i, event)
    {
        const char *step = json_string_value(
            json_object_get(json_object_get(event, "fields"), "step"));

        claim(s, step != NULL);
        n += llabs(strtoll(step, NULL, 10) - about_ms) < NEAR_MS;
    }
    json_decref(all);
    return n;
}

static int
count_steps(stage_t *s, int64_t about_ms)
{
    return count_steps_of(s, "/api/v1/events?h=web-1", about_ms);
}

struct steps {
    int64_t about_ms;
    int n;
};

static bool
has_steps(stage_t *s, void *arg)
{
    const struct steps *want = arg;

    return count_steps(s, want->about_ms) == want->n;
}

static void
expect_steps(stage_t *s, int64_t about_ms, int n)
{
    struct steps want = { about_ms, n };

    claim(s, stage_until(s, 30000, has_steps, &want));
}

// Until so many samples more are acknowledged than now: the stream goes on, whatever it brings.
static void
wait_acked(stage_t *s, const char *host, json_int_t more)
{
    json_t *book = books_get_of(s, host, NULL);
    struct books_acked want = { host, (book != NULL ? books_number(book, "acked") : 0) + more };

    json_decref(book);
    claim(s, stage_until(s, 40000, books_are_acked, &want));
}

static void
expect_note(stage_t *s, sse_t *stream, const char *text)
{
    json_t *note = sse_next_json(stream, "note", stage_ms(STAGE_PATIENCE_MS));
    const json_int_t t = json_integer_value(json_object_get(note, "t"));

    claim(s, note != NULL);
    if (strcmp(json_string_value(json_object_get(note, "text")), text) != 0)
        fail_msg("the note says %s", json_string_value(json_object_get(note, "text")));
    // Where the old stamps end; of a clock that was far ahead, when it came.
    claim(s, llabs(t - clock_real_ms()) < NEAR_MS);
    json_decref(note);
}

static void
steps_forth_and_back_are_one_event_each_whoever_is_killed(void **state)
{
    stage_t *s = *state;
    process_t *collector = stage_collector(s, NULL), *agent;
    json_t *snap;
    sse_t *stream;

    stage_dashboard(s, NULL);
    set_clock(s, "web-1", 0);
    agent = start_agent(s, "web-1");
    claim(s, stage_until(s, 20000, stage_host_is, &(struct stage_host){ "web-1", "up" }));
    stream = sse_open(stage_http_port(s), "/api/v1/stream?view=host&h=web-1", NULL);
    snap = sse_next_json(stream, "snap", stage_ms(STAGE_PATIENCE_MS));
    claim(s, snap != NULL);
    json_decref(snap);
    wait_acked(s, "web-1", 1); // it has seen its clock before the step

    set_clock(s, "web-1", HOUR_MS);
    expect_note(s, stream, "clock stepped forward by 1.0 h");
    set_clock(s, "web-1", 0);
    expect_note(s, stream, "clock stepped back by 1.0 h");
    sse_close(&stream);
    expect_steps(s, HOUR_MS, 1);
    expect_steps(s, -HOUR_MS, 1);

    process_signal(collector, SIGKILL);
    claim(s, process_ended(collector, stage_ms(STAGE_PATIENCE_MS)));
    collector = stage_collector(s, NULL);
    expect_steps(s, HOUR_MS, 1);
    wait_acked(s, "web-1", 500);
    process_signal(agent, SIGKILL);
    claim(s, process_ended(agent, stage_ms(STAGE_PATIENCE_MS)));
    start_agent(s, "web-1");
    wait_acked(s, "web-1", 500);
    claim(s, count_steps(s, HOUR_MS) == 1 && count_steps(s, -HOUR_MS) == 1);
}

// The store's file of events, or its log, has so many steps.
static bool
are_stored(stage_t *s, void *arg)
{
    static const char *const ends[] = { "", "-wal" };
    static const char word[] = HOST_EVENT_CLOCK_STEP;
    static char bytes[1u << 20];
    int n = 0;

    for (size_t i = 0; i < 2; i++) {
        char path[256];
        FILE *f;
        size_t len;

        snprintf(path, sizeof path, "%s/collector/store/events.db%s", stage_dir(s), ends[i]);
        f = fopen(path, "re");
        len = f != NULL ? fread(bytes, 1, sizeof bytes, f) : 0;
        for (const char *at = bytes;
             (at = memmem(at, len - (size_t) (at - bytes), word, sizeof word - 1)) != NULL; at++)
            n++;
        if (f != NULL)
            fclose(f);
    }
    return n >= *(const int *) arg;
}

static bool
both_are_told(stage_t *s, void *arg)
{
    return count_steps_of(s, arg, HOUR_MS) == 1 && count_steps_of(s, arg, -HOUR_MS) == 1;
}

// The journal is taken away as a whole, and nobody is there who could say it again.
static void
a_step_is_known_once_though_the_journal_has_let_it_go(void **state)
{
    stage_t *s = *state;
    process_t *collector = stage_collector(s, NULL), *agent;
    char everybody[] = "/api/v1/events", host[] = "/api/v1/events?h=web-1", journal[256];

    stage_dashboard(s, NULL);
    set_clock(s, "web-1", 0);
    agent = start_agent(s, "web-1");
    claim(s, stage_until(s, 20000, stage_host_is, &(struct stage_host){ "web-1", "up" }));
    wait_acked(s, "web-1", 1);
    set_clock(s, "web-1", HOUR_MS);
    expect_steps(s, HOUR_MS, 1);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, are_stored, &(int){ 1 }));
    set_clock(s, "web-1", 0);
    expect_steps(s, -HOUR_MS, 1);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, are_stored, &(int){ 2 }));
    wait_acked(s, "web-1", 500);

    process_signal(agent, SIGKILL);
    claim(s, process_ended(agent, stage_ms(STAGE_PATIENCE_MS)));
    process_signal(collector, SIGKILL);
    claim(s, process_ended(collector, stage_ms(STAGE_PATIENCE_MS)));
    snprintf(journal, sizeof journal, "%s/collector/journal", stage_dir(s));
    claim(s, folder_remove(journal) == 0);
    stage_collector(s, NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, both_are_told, everybody));
    start_agent(s, "web-1");
    claim(s, stage_until(s, 20000, stage_host_is, &(struct stage_host){ "web-1", "up" }));
    claim(s, stage_until(s, STAGE_PATIENCE_MS, both_are_told, host));
}

// The spool has a tick's time for the first step, and the agent is killed right at the second.
static void
a_step_that_no_collector_heard_of_is_told_after_a_kill_once(void **state)
{
    stage_t *s = *state;
    process_t *collector = stage_collector(s, NULL), *agent;

    stage_dashboard(s, NULL);
    set_clock(s, "web-1", 0);
    agent = start_agent(s, "web-1");
    claim(s, stage_until(s, 20000, stage_host_is, &(struct stage_host){ "web-1", "up" }));
    wait_acked(s, "web-1", 1);
    process_signal(collector, SIGKILL);
    claim(s, process_ended(collector, stage_ms(STAGE_PATIENCE_MS)));

    set_clock(s, "web-1", -90000);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_has_said,
                         &(struct stage_said){ agent, "by_ms=-" }));
    set_clock(s, "web-1", -35000); // by 55 s, give or take a millisecond
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_has_said,
                         &(struct stage_said){ agent, "by_ms=5" }));
    process_signal(agent, SIGKILL);
    claim(s, process_ended(agent, stage_ms(STAGE_PATIENCE_MS)));
    stage_collector(s, NULL);
    start_agent(s, "web-1");
    expect_steps(s, -90000, 1);
    wait_acked(s, "web-1", 500);
    claim(s, count_steps(s, -90000) == 1);
    claim(s, count_steps(s, 55000) <= 1);
}

// What `zpulse hosts` says, a line a host.
static bool
hosts_say(stage_t *s, void *arg)
{
    const char *const *words = arg; // a host, what its line also has
    process_t *p = stage_run(s, "zpulse", "hosts", "--collector", stage_endpoint(s), NULL);
    bool is = false;

    claim(s, process_ended(p, stage_ms(STAGE_PATIENCE_MS)) && process_code(p) == 0);
    for (const char *line = process_out(p); line != NULL && *line != '\0' && !is;) {
        const char *end = strchrnul(line, '\n');
        char text[256];

        snprintf(text, sizeof text, "%.*s", (int) (end - line), line);
        is = strncmp(text, words[0], strlen(words[0])) == 0 && strstr(text, words[1]) != NULL;
        line = *end == '\n' ? end + 1 : end;
    }
    stage_drop(s, &p);
    return is;
}

static void
two_clocks_far_apart_neither_lose_nor_double(void **state)
{
    stage_t *s = *state;
    json_t *book;

    stage_collector(s, NULL);
    stage_dashboard(s, NULL);
    set_clock(s, "ahead", 2 * HOUR_MS);
    set_clock(s, "behind", -2 * HOUR_MS);
    start_agent(s, "ahead");
    start_agent(s, "behind");
    claim(s, stage_until(s, 20000, stage_host_is, &(struct stage_host){ "ahead", "up" }));
    claim(s, stage_until(s, 20000, stage_host_is, &(struct stage_host){ "behind", "up" }));
    claim(s,
          stage_until(s, STAGE_PATIENCE_MS, hosts_say, (const char *[]){ "ahead", " 2h ahead" }));
    claim(s,
          stage_until(s, STAGE_PATIENCE_MS, hosts_say, (const char *[]){ "behind", " 2h behind" }));
    wait_acked(s, "ahead", 2000);
    wait_acked(s, "behind", 2000);

    // Acknowledged, refused by its cause, and in the books of both.
    book = books_get_of(s, "ahead", NULL);
    claim(s, json_is_true(json_object_get(book, "ok")));
    claim(s, books_number(book, "stored") == 0);
    claim(s,
          books_number(json_object_get(book, "refused"), "future") >= books_number(book, "acked"));
    claim(s, books_number(book, "unbalanced") == 0);
    json_decref(book);

    // All there, at the times that its own clock gave.
    book = books_get_of(s, "behind", NULL);
    claim(s, json_is_true(json_object_get(book, "ok")));
    claim(s, books_number(book, "stored") >= books_number(book, "acked"));
    claim(s, books_number(json_object_get(book, "refused"), "future") == 0);
    claim(s, books_number(book, "conflicts") == 0 && books_number(book, "unbalanced") == 0);
    json_decref(book);

    // Set right, it counts from then on.
    set_clock(s, "ahead", 0);
    wait_acked(s, "ahead", 2000);
    book = books_get_of(s, "ahead", NULL);
    claim(s, json_is_true(json_object_get(book, "ok")));
    claim(s, books_number(book, "stored") > 0);
    json_decref(book);
    claim(s, stage_until(s, 60000, hosts_say, (const char *[]){ "ahead", " ok " }));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(steps_forth_and_back_are_one_event_each_whoever_is_killed),
        stage_test(a_step_is_known_once_though_the_journal_has_let_it_go),
        stage_test(a_step_that_no_collector_heard_of_is_told_after_a_kill_once),
        stage_test(two_clocks_far_apart_neither_lose_nor_double),
    };
    return cmocka_run_group_tests_name("flow_clock", tests, NULL, NULL);
}
