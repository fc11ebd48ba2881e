// flow_reload - SIGHUP: other families at other times, and not a sample lost on the way.

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/stage.h"

#define COLUMNS     "load.1,mem.used"
#define MISSED      "zpulse_agent_ticks_missed_total{cause=\"hung\"}"
#define MISSED_MOST 5 // ticks, for other reasons than a reload

// Writes the agent's settings anew and tells it.
static void
reload(stage_t *s, process_t *agent, const char *settings)
{
    free(stage_file(s, "agent.zpl", settings));
    process_signal(agent, SIGHUP);
}

// The rows of both columns over the last five minutes, for json_decref.
static json_t *
history(stage_t *s)
{
    return http_json(stage_http_port(s), "/api/v1/hist?h=web-1&c=" COLUMNS);
}

// All values of a column of the answer, borrowed; NULL where there is no such column.
static json_t *
values_of(json_t *hist, const char *id)
{
    json_t *ids = json_object_get(hist, "c");

    for (size_t i = 0; i < json_array_size(ids); i++)
        if (strcmp(json_string_value(json_array_get(ids, i)), id) == 0)
            return json_array_get(json_object_get(hist, "avg"), i);
    return NULL;
}

// NAN for null or none.
static double
newest(json_t *hist, const char *id)
{
    json_t *values = values_of(hist, id);
    json_t *last = json_array_get(values, json_array_size(values) - 1);

    return json_is_number(last) ? json_number_value(last) : NAN;
}

struct wanted {
    bool load;
    size_t rows;
};

// Memory is told, load as wanted, and so many rows are there.
static bool
is_sampled(stage_t *s, void *arg)
{
    const struct wanted *wanted = arg;
    json_t *hist = history(s);
    const bool yes = hist != NULL && isfinite(newest(hist, "mem.used")) &&
                     isfinite(newest(hist, "load.1")) == wanted->load &&
                     json_array_size(json_object_get(hist, "t")) >= wanted->rows;

    json_decref(hist);
    return yes;
}

static bool
has_missed(stage_t *s, void *least)
{
    return stage_metric(s, MISSED) >= *(double *) least;
}

// Every tick since the first is there but those that the agent itself says a busy machine kept it
// from, and memory in each of them.
static void
claim_nothing_lost(stage_t *s)
{
    json_t *hist = history(s);
    json_t *times = json_object_get(hist, "t");
    json_t *memory = values_of(hist, "mem.used");
    const double step = json_number_value(json_object_get(hist, "step"));
    double holes = 0;

    claim(s, json_array_size(times) >= 4);
    for (size_t i = 0; i < json_array_size(times); i++) {
        claim(s, json_is_number(json_array_get(memory, i)));
        if (i > 0)
            holes += round((json_number_value(json_array_get(times, i)) -
                            json_number_value(json_array_get(times, i - 1))) /
                           step) -
                     1;
    }
    json_decref(hist);
    // It is told with a later tick.
    if (!stage_until(s, STAGE_PATIENCE_MS, has_missed, &holes) || holes > MISSED_MOST)
        fail_msg("%g ticks are not there, the agent missed %g", holes, stage_metric(s, MISSED));
}

static void
families_change_at_run_time_without_a_lost_sample(void **state)
{
    stage_t *s = *state;
    char *path = stage_file(s, "agent.zpl", "interval = \"500ms\"\n");
    process_t *agent;

    stage_collector(s, NULL);
    stage_dashboard(s, NULL);
    agent = stage_agent(s, "web-1", "--config", path, NULL);
    free(path);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, is_sampled, &(struct wanted){ true, 3 }));
    reload(s, agent, "interval = \"500ms\"\nfamily = \"loadavg=off\"\n");
    claim(s, stage_until(s, STAGE_PATIENCE_MS, is_sampled, &(struct wanted){ false, 4 }));
    reload(s, agent, "interval = \"500ms\"\nfamily = \"loadavg=500ms\"\n");
    claim(s, stage_until(s, STAGE_PATIENCE_MS, is_sampled, &(struct wanted){ true, 5 }));
    claim_nothing_lost(s);
}

static void
settings_that_are_wrong_leave_the_old_ones(void **state)
{
    stage_t *s = *state;
    char *path = stage_file(s, "agent.zpl", "interval = \"500ms\"\nfamily = \"loadavg=off\"\n");
    process_t *agent;

    stage_collector(s, NULL);
    stage_dashboard(s, NULL);
    agent = stage_agent(s, "web-1", "--config", path, NULL);
    free(path);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, is_sampled, &(struct wanted){ false, 2 }));
    reload(s, agent, "interval = \"500ms\"\nfamily = \"loadaverage=on\"\n");
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_has_said,
                         &(struct stage_said){ agent, "the old ones stay" }));
    claim(s, strstr(process_err(agent), "loadaverage") != NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, is_sampled, &(struct wanted){ false, 4 }));
    claim_nothing_lost(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(families_change_at_run_time_without_a_lost_sample),
        stage_test(settings_that_are_wrong_leave_the_old_ones),
    };
    return cmocka_run_group_tests_name("flow_reload", tests, NULL, NULL);
}
