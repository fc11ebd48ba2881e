// flow_limits - what goes beyond a limit of its agent costs that host the excess, and nobody else
// anything: it is refused, acknowledged and named, and the rest flows on. A collector that is
// killed meanwhile decides nothing anew.

#include <czmq.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/map.h"
#include "tests/support/books.h"
#include "tests/support/importing.h"
#include "tests/support/spool_view.h"
#include "tests/support/stage.h"

#define DEMO     "../tests/support/demo_app"
#define SERIES   "250" // of an agent; without its families it has some hundred of its own
#define FLOODERS 30
#define NUMBERS  40

// tcp:// of a spare port.
static const char *
s_at(const stage_t *s, const char *prefix)
{
    static char text[2][64];
    static unsigned next;
    char *at = text[next++ % 2];

    snprintf(at, sizeof text[0], "%stcp://127.0.0.1:%u", prefix, stage_spare_port(s, 0));
    return at;
}

static process_t *
s_collector(stage_t *s)
{
    return stage_collector(s, "--agent-series", SERIES, NULL);
}

// Of each limit: the agent's own hundred series, and the applications that do no harm, stay below.
#define NEW_SERIES  "250" // a minute, where a flood brings more than four minutes may
#define SAMPLES     "300" // a second, and ten times as many at once: fewer than a flood of numbers
#define LABEL_BYTES "200"
#define LONG_COLOR  120    // bytes: it stands in two labels
#define FRAME_BYTES "4KiB" // the names of a flood take more, and those of the agent's own series
#define LATE        5      // numbers that are said once the limit is known
#define TRIES       10     // of what the agent or the limit may have let go by
#define LOUD        4      // applications that say more numbers than may come
#define LOUD_SAYS   40     // times each, at once

// All the numbers of one of those applications: each is `value`, or, below 0, its own count.
static void
s_say(zsock_t *push, const char *kind, int app, int value)
{
    char text[4096];
    int n = snprintf(text, sizeof text, "{\"color\":\"%s%d\"", kind, app);

    for (int i = 0; i < NUMBERS; i++)
        n += snprintf(text + n, sizeof text - (size_t) n, ",\"k%d\":%d", i, value < 0 ? i : value);
    snprintf(text + n, sizeof text - (size_t) n, "}");
    zstr_send(push, text);
}

// Each application says other numbers of its own than the others.
static void
s_flood(zsock_t *push)
{
    for (int app = 0; app < FLOODERS; app++)
        s_say(push, "flood", app, -1);
}

// The same numbers of the same few applications again and again: no series without end.
static void
s_shout(zsock_t *push)
{
    for (int i = 0; i < LOUD_SAYS; i++)
        for (int app = 0; app < LOUD; app++)
            s_say(push, "loud", app, i);
}

static void
s_long(zsock_t *push)
{
    char color[LONG_COLOR + 1];

    memset(color, 'x', LONG_COLOR);
    color[LONG_COLOR] = '\0';
    zstr_sendf(push, "{\"color\":\"%s\",\"n\":1}", color);
}

// One number more of an application that does no harm.
static void
s_steady(zsock_t *push, unsigned *said)
{
    zstr_sendf(push, "{\"color\":\"steady\",\"n\":%u}", ++*said);
}

// What is exported of a selector: samples, and different series.
struct held {
    const char *match;
    unsigned least;        // samples to wait for
    unsigned least_series; // likewise
    unsigned samples;
    unsigned series;
};

static bool
s_is_held(stage_t *s, void *arg)
{
    struct held *held = arg;
    char *text = importing_export(s, "csv", held->match);
    map_t *series = map_new();

    held->samples = 0;
    for (char *line = strchr(text, '\n'); line != NULL && line[1] != '\0';
         line = strchr(line + 1, '\n')) {
        const char *name = strchr(line, ',');
        const char *end = strchr(line + 1, '\n');
        const char *value = end;

        while (value != NULL && value > name && *value != ',')
            value--;
        if (name == NULL || value == NULL || strstr(line, "-NaN") == value + 1)
            continue;
        held->samples++;
        map_put(series, name, (size_t) (value - name), held);
    }
    held->series = (unsigned) map_count(series);
    map_destroy(&series);
    free(text);
    return held->samples >= held->least && held->series >= held->least_series;
}

// The ledger of web-1: what this limit refused.
struct refused {
    const char *limit;
    json_int_t acked; // samples that the agent's book has as acknowledged and refused
    json_int_t samples;
    json_int_t series;
    char metric[64];
    char label[64];
};

static bool
s_is_refused(stage_t *s, void *arg)
{
    struct refused *ret = arg;
    json_t *books = books_get(s);
    json_t *limit = NULL;
    size_t i;

    *ret = (struct refused){ .limit = ret->limit, .acked = books_sum(books, "refused") };
    json_array_foreach(json_object_get(books, "limits"), i, limit)
    {
        const char *metric = json_string_value(json_object_get(limit, "metric"));
        const char *label = json_string_value(json_object_get(limit, "label"));

        if (strcmp(json_string_value(json_object_get(limit, "limit")), ret->limit) != 0)
            continue;
        ret->samples = json_integer_value(json_object_get(limit, "samples"));
        ret->series = json_integer_value(json_object_get(limit, "series"));
        snprintf(ret->metric, sizeof ret->metric, "%s", metric != NULL ? metric : "");
        snprintf(ret->label, sizeof ret->label, "%s", label != NULL ? label : "");
    }
    json_decref(books);
    return ret->samples > 0;
}

// Whether the metric told is an application's, or one that the agent has for each of them.
static bool
s_is_theirs(const struct refused *refused)
{
    return strncmp(refused->metric, "app_", 4) == 0 ||
           strncmp(refused->metric, "zpulse_agent_app_", 17) == 0;
}

// And that what tells its series apart is who says it. Of the first few it may not be known yet.
static bool
s_is_named(stage_t *s, void *arg)
{
    const struct refused *refused = arg;

    return s_is_refused(s, arg) && s_is_theirs(refused) &&
           (strcmp(refused->label, "app") == 0 || strcmp(refused->label, "color") == 0);
}

// Of samples alone no label is known.
static bool
s_is_loud(stage_t *s, void *arg)
{
    return s_is_refused(s, arg) && s_is_theirs(arg);
}

// Nothing is lost, and both books agree.
static bool
s_balances(stage_t *s, void *arg)
{
    process_t *p = stage_run(s, "zpulse", "ledger", "--collector", stage_endpoint(s), "--check",
                             "web-1", NULL);
    bool is;

    (void) arg;
    claim(s, process_ended(p, stage_ms(STAGE_PATIENCE_MS)));
    is = process_code(p) == 0;
    stage_drop(s, &p);
    return is;
}

static void
s_rounds(zsock_t *push, unsigned *said, int rounds)
{
    for (int i = 0; i < rounds; i++) {
        s_flood(push);
        s_steady(push, said);
        zclock_sleep(100); // ten floods a second, as fast as the machine is
    }
}

static void
a_flood_of_series_is_refused_by_name_and_a_quiet_application_goes_on(void **state)
{
    stage_t *s = *state;
    struct held calm = { .match = "{app=\"calm\"}", .least = 4 };
    struct held steady = { .match = "{app=\"steady\"}", .least = 1 };
    struct held flood = { .match = "{app=~\"flood.*\"}", .least = 1 };
    struct held alert = {
        .match = "zpulse_collector_limit_refused_samples_total{host=\"web-1\",limit=\"series\"}",
        .least = 1,
    };
    struct held was;
    struct refused refused = { .limit = "series" };
    process_t *collector = s_collector(s);
    unsigned said = 0;
    zsock_t *push;

    stage_agent(s, "web-1", "--app-sub", "", "--app-pull", s_at(s, "@"), "--family", "all=off",
                NULL);
    stage_run(s, DEMO, "--push", "--endpoint", s_at(s, ""), "--color", "calm", "--interval", "0.2",
              NULL);
    push = zsock_new_push(s_at(s, ">"));
    claim(s, push != NULL);
    zsock_set_sndtimeo(push, stage_ms(STAGE_PATIENCE_MS));
    s_steady(push, &said);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_is_held, &steady));
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_is_held, &calm));
    for (int i = 0; i < 100 && !s_is_named(s, &refused); i++)
        s_rounds(push, &said, 5);
    claim(s, s_is_named(s, &refused));
    claim(s, refused.samples > 0 && refused.series > 0);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_is_held, &flood));
    was = flood;

    process_signal(collector, SIGKILL);
    claim(s, process_ended(collector, stage_ms(STAGE_PATIENCE_MS)));
    stage_drop(s, &collector);
    s_rounds(push, &said, 5);
    s_collector(s);
    s_rounds(push, &said, 10);
    steady.least = said;
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_is_held, &steady));
    claim(s, steady.samples == said);
    calm.least = calm.samples + 4;
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_is_held, &calm));
    flood.least = was.samples + 1;
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_is_held, &flood));
    claim(s, flood.series == was.series);
    claim(s, flood.series < FLOODERS * NUMBERS);
    claim(s, stage_until(s, 2 * STAGE_PATIENCE_MS, s_balances, NULL));
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_is_held, &alert));
    zsock_destroy(&push);
}

// A collector with this limit, an agent, and an application that does no harm, which is heard.
static zsock_t *
s_bounded(stage_t *s, const char *option, const char *most, unsigned *said)
{
    struct held steady = { .match = "{app=\"steady\"}", .least = 1 };
    zsock_t *push;

    stage_collector(s, option, most, NULL);
    stage_agent(s, "web-1", "--app-sub", "", "--app-pull", s_at(s, "@"), "--family", "all=off",
                NULL);
    push = zsock_new_push(s_at(s, ">"));
    claim(s, push != NULL);
    zsock_set_sndtimeo(push, stage_ms(STAGE_PATIENCE_MS));
    s_steady(push, said);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_is_held, &steady));
    return push;
}

// What was refused is acknowledged and both books agree; each number of who does no harm is held,
// those before the excess and those after it.
static void
s_goes_on(stage_t *s, zsock_t *push, unsigned *said, struct refused *refused)
{
    struct held steady = { .match = "{app=\"steady\"}" };

    for (int i = 0; i < 5; i++)
        s_steady(push, said);
    steady.least = *said;
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_is_held, &steady));
    claim(s, steady.samples == *said);
    claim(s, stage_until(s, 2 * STAGE_PATIENCE_MS, s_balances, NULL));
    claim(s, s_is_refused(s, refused));
    claim(s, refused->acked >= refused->samples);
}

static void
new_series_beyond_a_minutes_are_refused_and_known_ones_go_on(void **state)
{
    stage_t *s = *state;
    struct held flood = { .match = "{app=~\"flood.*\",job=\"app\"}", .least = 1 };
    struct refused refused = { .limit = "new-series" };
    unsigned said = 0;
    zsock_t *push = s_bounded(s, "--agent-new-series", NEW_SERIES, &said);

    s_flood(push);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_is_named, &refused));
    claim(s, refused.series > 0);
    s_goes_on(s, push, &said, &refused);
    // Some were new early enough.
    claim(s, s_is_held(s, &flood));
    claim(s, flood.series < FLOODERS * NUMBERS);
    zsock_destroy(&push);
}

static void
samples_beyond_a_seconds_are_refused_and_the_next_ones_are_held(void **state)
{
    stage_t *s = *state;
    struct held loud = { .match = "{app=~\"loud.*\",job=\"app\"}", .least_series = LOUD * NUMBERS };
    struct held steady = { .match = "{app=\"steady\"}", .least = 2 };
    struct refused refused = { .limit = "samples" };
    bool heard = false;
    unsigned said = 0;
    zsock_t *push = s_bounded(s, "--agent-samples", SAMPLES, &said);

    // Of one shout the agent takes more than the burst, at one tick or two; where it did not
    // listen just then, of the next. What weighs most is theirs, though numbers of the agent's own
    // that came in the same record may be the first to be refused.
    for (int i = 0; i < TRIES && !heard; i++) {
        s_shout(push);
        heard = stage_until(s, STAGE_PATIENCE_MS / TRIES, s_is_loud, &refused);
    }
    claim(s, heard);
    claim(s, refused.series == 0);
    // What of a record may come is shared by all of its series, and what is made a second without
    // shouting is below the limit: who said one number is heard, and so is who shouted.
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_is_held, &loud));
    claim(s, loud.series == LOUD * NUMBERS);
    heard = false;
    for (int i = 0; i < TRIES && !heard; i++) {
        s_steady(push, &said);
        heard = stage_until(s, STAGE_PATIENCE_MS / TRIES, s_is_held, &steady);
    }
    claim(s, heard);
    claim(s, stage_until(s, 2 * STAGE_PATIENCE_MS, s_balances, NULL));
    claim(s, s_is_refused(s, &refused));
    claim(s, refused.acked >= refused.samples);
    zsock_destroy(&push);
}

static void
a_series_with_long_labels_is_refused_and_others_go_on(void **state)
{
    stage_t *s = *state;
    struct held longest = { .match = "{app=~\"xxx.*\",job=\"app\"}", .least = 1 };
    struct refused refused = { .limit = "label-bytes" };
    unsigned said = 0;
    zsock_t *push = s_bounded(s, "--agent-label-bytes", LABEL_BYTES, &said);

    s_long(push);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_is_named, &refused));
    claim(s, refused.series > 0);
    s_goes_on(s, push, &said, &refused);
    claim(s, !s_is_held(s, &longest));
    claim(s, longest.samples == 0);
    zsock_destroy(&push);
}

// The last number of each flooder is in the agent's spool.
static bool
s_is_spooled(stage_t *s, void *arg)
{
    struct sample *all;
    char dir[512];
    size_t n;

    (void) arg;
    snprintf(dir, sizeof dir, "%s/agent-web-1/spool", stage_dir(s));
    n = spool_view(&all, dir, "app_k39");
    free(all);
    return n >= FLOODERS;
}

// An agent that no collector has ever told a limit makes what any takes: nothing is refused.
static void
messages_of_an_agent_that_knows_no_limit_yet_fit_any(void **state)
{
    stage_t *s = *state;
    struct held flood = { .match = "{app=~\"flood.*\",job=\"app\"}",
                          .least_series = FLOODERS * NUMBERS };
    struct held own = { .match = "{__name__=\"zpulse_agent_ticks_total\"}", .least = 3 };
    struct refused refused = { .limit = "frame-bytes" };
    zsock_t *push;

    stage_agent(s, "web-1", "--app-sub", "", "--app-pull", s_at(s, "@"), NULL);
    push = zsock_new_push(s_at(s, ">"));
    claim(s, push != NULL);
    zsock_set_sndtimeo(push, stage_ms(STAGE_PATIENCE_MS));
    s_flood(push);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_is_spooled, NULL));
    stage_collector(s, "--agent-frame-bytes", FRAME_BYTES, NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_is_held, &flood));
    claim(s, flood.series == FLOODERS * NUMBERS);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_is_held, &own));
    claim(s, stage_until(s, 2 * STAGE_PATIENCE_MS, s_balances, NULL));
    claim(s, !s_is_refused(s, &refused) && refused.acked == 0);
    zsock_destroy(&push);
}

// An agent goes by what it was told last: what it has made while a limit was lowered is refused for
// its size, and what comes after that is made to fit.
static void
messages_made_before_the_limit_is_known_are_refused_and_later_ones_fit(void **state)
{
    stage_t *s = *state;
    struct held flood = { .match = "{app=~\"flood.*\",job=\"app\"}",
                          .least_series = FLOODERS * NUMBERS };
    struct held late = { .match = "app_n{app=\"late\"}", .least = LATE };
    struct held own = { .match = "{__name__=\"zpulse_agent_ticks_total\"}", .least = 3 };
    struct refused refused = { .limit = "frame-bytes" };
    process_t *collector = stage_collector(s, NULL);
    zsock_t *push;

    stage_agent(s, "web-1", "--app-sub", "", "--app-pull", s_at(s, "@"), "--family", "all=off",
                NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_is_held, &own));
    process_signal(collector, SIGTERM);
    claim(s, process_ended(collector, stage_ms(STAGE_PATIENCE_MS)) && process_code(collector) == 0);
    own.least += 3;
    push = zsock_new_push(s_at(s, ">"));
    claim(s, push != NULL);
    zsock_set_sndtimeo(push, stage_ms(STAGE_PATIENCE_MS));
    s_flood(push);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_is_spooled, NULL));
    stage_collector(s, "--agent-frame-bytes", FRAME_BYTES, NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_is_refused, &refused));
    claim(s, refused.series > 0);
    claim(s, refused.metric[0] != '\0');
    // The agent was welcomed, so the next thing it makes fits.
    s_flood(push);
    for (int i = 0; i < LATE; i++)
        zstr_sendf(push, "{\"color\":\"late\",\"n\":%d}", i);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_is_held, &flood));
    claim(s, flood.series == FLOODERS * NUMBERS);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_is_held, &late));
    claim(s, late.samples == LATE);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_is_held, &own));
    claim(s, stage_until(s, 2 * STAGE_PATIENCE_MS, s_balances, NULL));
    claim(s, s_is_refused(s, &refused));
    claim(s, refused.acked >= refused.samples && refused.samples > 0);
    zsock_destroy(&push);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(a_flood_of_series_is_refused_by_name_and_a_quiet_application_goes_on),
        stage_test(new_series_beyond_a_minutes_are_refused_and_known_ones_go_on),
        stage_test(samples_beyond_a_seconds_are_refused_and_the_next_ones_are_held),
        stage_test(a_series_with_long_labels_is_refused_and_others_go_on),
        stage_test(messages_of_an_agent_that_knows_no_limit_yet_fit_any),
        stage_test(messages_made_before_the_limit_is_known_are_refused_and_later_ones_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
