// flow_limits - an application that makes series without end costs its host those, and nobody else
// anything; a collector that is killed meanwhile decides nothing anew.

#include <czmq.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/map.h"
#include "tests/support/books.h"
#include "tests/support/importing.h"
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

// Each application says other numbers of its own than the others.
static void
s_flood(zsock_t *push)
{
    for (int app = 0; app < FLOODERS; app++) {
        char text[4096];
        int n = snprintf(text, sizeof text, "{\"color\":\"flood%d\"", app);

        for (int i = 0; i < NUMBERS; i++)
            n += snprintf(text + n, sizeof text - (size_t) n, ",\"k%d\":%d", i, i);
        snprintf(text + n, sizeof text - (size_t) n, "}");
        zstr_send(push, text);
    }
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
    unsigned least; // samples to wait for
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
    return held->samples >= held->least;
}

// The ledger of web-1 as `limits` has it: what the limit `series` refused.
struct refused {
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

    *ret = (struct refused){ 0 };
    json_array_foreach(json_object_get(books, "limits"), i, limit)
    {
        const char *metric = json_string_value(json_object_get(limit, "metric"));
        const char *label = json_string_value(json_object_get(limit, "label"));

        if (strcmp(json_string_value(json_object_get(limit, "limit")), "series") != 0)
            continue;
        ret->samples = json_integer_value(json_object_get(limit, "samples"));
        ret->series = json_integer_value(json_object_get(limit, "series"));
        snprintf(ret->metric, sizeof ret->metric, "%s", metric != NULL ? metric : "");
        snprintf(ret->label, sizeof ret->label, "%s", label != NULL ? label : "");
    }
    json_decref(books);
    return ret->samples > 0;
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
    struct refused refused;
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
    for (int i = 0; i < 100 && !s_is_refused(s, &refused); i++)
        s_rounds(push, &said, 5);
    claim(s, refused.samples > 0 && refused.series > 0);
    // Each number of theirs is a metric, and what tells its series apart is who says it.
    claim(s, strncmp(refused.metric, "app_", 4) == 0);
    claim(s, strcmp(refused.label, "app") == 0 || strcmp(refused.label, "color") == 0);
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(a_flood_of_series_is_refused_by_name_and_a_quiet_application_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
