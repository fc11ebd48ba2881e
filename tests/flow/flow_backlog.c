// flow_backlog - fresh first: what an agent could not deliver for hours comes whole, each sample
// once, while what it samples now is seen at once; and who watches is told when it has come.
//
// The past is made by tests/backlog/backlog_maker, which says what value stands where.

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/base/file.h"
#include "tests/support/stage.h"

#define MAKER       "../tests/backlog/backlog_maker"
#define HOST        "web-1"
#define STEP_MS     1000
#define SERIES      300u
#define FIRST_N     13u // of the maker's numbered series
#define EIGHT_HOURS 28800u
#define BEHIND_MS   2000
#define RATE        32768 // bytes a second
#define RATE_TEXT   "32768"
#define RATE_ROWS   480u
#define KILL_ROWS   9600u // four seconds of the default rate

// What was made, and what has been seen of it.
struct past {
    unsigned rows;
    int64_t from_ms, to_ms; // of the first row and the last
    uint64_t samples;
};

// What the page of the host was sent.
struct watch {
    sse_t *sse;
    unsigned ticks;
    unsigned soon;     // of them came within BEHIND_MS
    int64_t late_ms;   // from a tick's time to its arrival, at most
    int64_t behind_ms; // from a tick's time to the next one's arrival, at most
    int64_t tick_ms;   // time of the last one
    unsigned filled;   // events whose range is the past's
    int64_t filled_ms; // arrival of the first of them, monotonic
};

static void
s_make(stage_t *s, struct past *past, unsigned rows, int ago_ms)
{
    char data[256], words[4][16];
    process_t *p;

    snprintf(data, sizeof data, "%s/agent-%s", stage_dir(s), HOST);
    snprintf(words[0], sizeof words[0], "%u", rows);
    snprintf(words[1], sizeof words[1], "%u", SERIES);
    snprintf(words[2], sizeof words[2], "%d", STEP_MS);
    snprintf(words[3], sizeof words[3], "%d", ago_ms);
    p = stage_run(s, MAKER, data, HOST, words[0], words[1], words[2], words[3], NULL);
    claim(s, process_ended(p, stage_ms(STAGE_PATIENCE_MS)));
    claim(s, process_code(p) == 0);
    past->rows = rows;
    claim(s, sscanf(process_out(p), "from_ms=%" SCNd64 " to_ms=%" SCNd64 " samples=%" SCNu64,
                    &past->from_ms, &past->to_ms, &past->samples) == 3);
    claim(s, past->to_ms - past->from_ms == (int64_t) (rows - 1) * STEP_MS);
    stage_drop(s, &p);
}

static bool
s_has_ticked(stage_t *s, void *arg)
{
    json_t *host = stage_host(s, HOST);
    const bool has = json_integer_value(json_object_get(host, "last_ms")) > 0;

    (void) arg;
    json_decref(host);
    return has;
}

static void
s_open(stage_t *s, struct watch *watch)
{
    char path[128];
    json_t *host;

    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_has_ticked, NULL));
    host = stage_host(s, HOST);
    snprintf(path, sizeof path, "/api/v1/stream?view=host&h=%s",
             json_string_value(json_object_get(host, "id")));
    json_decref(host);
    *watch = (struct watch){ .sse = sse_open(stage_http_port(s), path, NULL) };
    claim(s, watch->sse != NULL && sse_status(watch->sse) == 200);
}

static void
s_raise(int64_t *most, int64_t value)
{
    *most = value > *most ? value : *most;
}

// The next event, and what it says of now and of the past.
static void
s_watch(stage_t *s, struct watch *watch, const struct past *past)
{
    struct sse_event event;
    json_t *data;

    claim(s, sse_next(watch->sse, &event, stage_ms(STAGE_PATIENCE_MS)));
    data = json_loads(event.data, 0, NULL);
    claim(s, data != NULL);
    if (strcmp(event.event, "tick") == 0) {
        const int64_t now_ms = clock_real_ms();

        if (watch->ticks++ > 0)
            s_raise(&watch->behind_ms, now_ms - watch->tick_ms);
        watch->tick_ms = json_integer_value(json_object_get(data, "t"));
        s_raise(&watch->late_ms, now_ms - watch->tick_ms);
        watch->soon += now_ms - watch->tick_ms <= stage_ms(BEHIND_MS);
        claim(s, watch->tick_ms > past->to_ms); // what is past is never shown as live
    } else if (strcmp(event.event, "filled") == 0 &&
               json_integer_value(json_object_get(data, "from")) == past->from_ms &&
               json_integer_value(json_object_get(data, "to")) == past->to_ms) {
        if (watch->filled++ == 0)
            watch->filled_ms = clock_mono_ms();
    }
    json_decref(data);
}

// One member of the host's ledger, -1 where there is none yet; or the sum over the causes in it.
static int64_t
s_ledger(stage_t *s, const char *key)
{
    json_t *all = http_json(stage_http_port(s), "/api/v1/ledger");
    json_t *value = json_object_get(json_array_get(all, 0), key);
    int64_t n = value != NULL ? 0 : -1;
    const char *cause;
    json_t *part;

    if (json_is_object(value))
        json_object_foreach(value, cause, part) n += json_integer_value(part);
    else if (value != NULL)
        n = json_is_boolean(value) ? json_is_true(value) : json_integer_value(value);
    json_decref(all);
    return n;
}

static bool
s_is_settled(stage_t *s, void *arg)
{
    const struct past *past = arg;

    return s_ledger(s, "settled") == 1 && s_ledger(s, "acked") >= (int64_t) past->samples;
}

static void
s_claim_books(stage_t *s, struct past *past)
{
    claim(s, stage_until(s, 20000, s_is_settled, past));
    claim(s, s_ledger(s, "lost") == 0);
    claim(s, s_ledger(s, "refused") == 0);
    claim(s, s_ledger(s, "elsewhere") == 0);
    claim(s, s_ledger(s, "unbalanced") == 0);
    claim(s, s_ledger(s, "conflicts") == 0);
}

// Each row of one series once, with its own value.
static void
s_claim_series(stage_t *s, const struct past *past, unsigned n)
{
    char match[64];
    char *text, *rest = NULL, *line;
    unsigned row = 0;
    process_t *p;

    snprintf(match, sizeof match, "backlog_n{n=\"%u\"}", n);
    p = stage_run(s, "zpulse", "export", "--collector", stage_endpoint(s), "-o", "csv", match,
                  NULL);
    claim(s, process_ended(p, stage_ms(STAGE_PATIENCE_MS)) && process_code(p) == 0);
    text = strdup(process_out(p));
    claim(s, text != NULL);
    stage_drop(s, &p);
    line = strtok_r(text, "\n", &rest);
    claim(s, line != NULL && strcmp(line, "time_ms,series,value") == 0);
    for (; (line = strtok_r(NULL, "\n", &rest)) != NULL; row++) {
        if (strtoll(line, NULL, 10) != past->from_ms + (int64_t) row * STEP_MS)
            printf("# row %u should be at %" PRId64 ": %s\n", row,
                   past->from_ms + (int64_t) row * STEP_MS, line);
        claim(s, strtoll(line, NULL, 10) == past->from_ms + (int64_t) row * STEP_MS);
        claim(s, strtod(strrchr(line, ',') + 1, NULL) == n * 1e6 + row);
    }
    claim(s, row == past->rows);
    free(text);
}

static void
s_claim_whole(stage_t *s, struct past *past)
{
    s_claim_books(s, past);
    s_claim_series(s, past, FIRST_N);
    s_claim_series(s, past, SERIES / 2);
    s_claim_series(s, past, SERIES - 1);
}

// Behind what is past each tick would be late; on a busy machine some are.
static bool
s_is_fresh(const struct watch *watch)
{
    return watch->ticks >= 2 && watch->soon * 3 >= watch->ticks;
}

static void
eight_hours_arrive_whole_while_what_is_now_is_seen_at_once(void **state)
{
    stage_t *s = *state;
    struct watch watch;
    struct past past;
    int64_t begin_ms;

    s_make(s, &past, EIGHT_HOURS, 5000);
    stage_collector(s, NULL);
    stage_dashboard(s, NULL);
    begin_ms = clock_mono_ms();
    stage_agent(s, HOST, NULL);
    s_open(s, &watch);
    while (watch.filled == 0)
        s_watch(s, &watch, &past);
    printf("# %u rows of %u series in %" PRId64 " ms; of %u ticks meanwhile none came later than "
           "%" PRId64 " ms after its time, and the newest was never older than %" PRId64 " ms\n",
           past.rows, SERIES, watch.filled_ms - begin_ms, watch.ticks, watch.late_ms,
           watch.behind_ms);
    claim(s, s_is_fresh(&watch));
    s_claim_whole(s, &past);
    for (unsigned seen = watch.ticks; watch.ticks < seen + 2;)
        s_watch(s, &watch, &past);
    claim(s, watch.filled == 1);
    sse_close(&watch.sse);
}

// Averages from the agent's start on: it takes no more than it may, whenever it was welcomed.
static void
what_is_past_takes_no_more_than_its_rate(void **state)
{
    stage_t *s = *state;
    struct watch watch;
    struct past past;
    int64_t begin_ms;
    double bytes_per_s;

    s_make(s, &past, RATE_ROWS, 5000);
    stage_collector(s, NULL);
    stage_dashboard(s, NULL);
    begin_ms = clock_real_ms();
    stage_agent(s, HOST, "--backlog-rate", RATE_TEXT, "--family", "all=off", "--family",
                "loadavg=on", NULL);
    s_open(s, &watch);
    while (watch.filled == 0)
        s_watch(s, &watch, &past);
    // Counters are as of a tick: of the one after all has come.
    for (unsigned seen = watch.ticks; watch.ticks == seen;)
        s_watch(s, &watch, &past);
    bytes_per_s = stage_metric(s, "zpulse_agent_bytes_sent_total") * 1000 /
                  (double) (watch.tick_ms - begin_ms);
    printf("# %.0f bytes a second of %d, what is live among them\n", bytes_per_s, RATE);
    claim(s, bytes_per_s > 0 && bytes_per_s <= RATE + RATE / 10); // by two clocks
    claim(s, s_is_fresh(&watch));
    s_claim_whole(s, &past);
    sse_close(&watch.sse);
}

// So much of the past is stored.
struct share {
    int64_t samples;
};

static bool
s_has_share(stage_t *s, void *arg)
{
    return s_ledger(s, "stored") >= ((const struct share *) arg)->samples;
}

static void
s_kill(stage_t *s, process_t *p)
{
    process_signal(p, SIGKILL);
    claim(s, process_ended(p, stage_ms(STAGE_PATIENCE_MS)));
}

static void
whoever_is_killed_in_the_middle_the_past_arrives_once(void **state)
{
    stage_t *s = *state;
    process_t *collector, *agent;
    struct watch watch;
    struct past past;

    s_make(s, &past, KILL_ROWS, 5000);
    collector = stage_collector(s, NULL);
    stage_dashboard(s, NULL);
    agent = stage_agent(s, HOST, NULL);
    s_open(s, &watch);
    for (unsigned round = 1; round <= 3; round++) {
        struct share share = { (int64_t) past.samples * round / 5 };

        claim(s, stage_until(s, 20000, s_has_share, &share));
        claim(s, s_ledger(s, "pending") > 0); // in the middle
        if (round != 2)
            s_kill(s, agent);
        if (round != 1)
            s_kill(s, collector);
        if (round != 1)
            collector = stage_collector(s, NULL);
        if (round != 2)
            agent = stage_agent(s, HOST, NULL);
    }
    while (watch.filled == 0)
        s_watch(s, &watch, &past);
    s_claim_whole(s, &past);
    for (unsigned seen = watch.ticks; watch.ticks < seen + 2;)
        s_watch(s, &watch, &past);
    sse_close(&watch.sse);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(eight_hours_arrive_whole_while_what_is_now_is_seen_at_once),
        stage_test(what_is_past_takes_no_more_than_its_rate),
        stage_test(whoever_is_killed_in_the_middle_the_past_arrives_once),
    };

    return cmocka_run_group_tests_name("flow_backlog", tests, NULL, NULL);
}
