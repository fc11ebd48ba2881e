// flow_doctor - `zpulse doctor` says that all is well while it is, and what is wrong once it is
// not.

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/stage.h"

static struct stage_host s_silent = { "web-1", "silent" };

// The exit code; what it printed, as JSON, in *ret, for json_decref; NULL where it is none.
static int
s_doctor(stage_t *s, const char *data, json_t **ret)
{
    process_t *p = data != NULL ? stage_run(s, "zpulse", "doctor", "--collector", stage_endpoint(s),
                                            "--data", data, "-o", "json", NULL)
                                : stage_run(s, "zpulse", "doctor", "--collector", stage_endpoint(s),
                                            "-o", "json", NULL);
    int code;

    claim(s, process_ended(p, stage_ms(60000)));
    code = process_code(p);
    *ret = json_loads(process_out(p), 0, NULL);
    return code;
}

static json_int_t
s_number(json_t *said, const char *name)
{
    return json_integer_value(json_object_get(json_object_get(said, "numbers"), name));
}

// Whether one of the findings has these words.
static bool
s_found(json_t *said, const char *words)
{
    json_t *findings = json_object_get(said, "findings");
    json_t *finding;
    size_t i;

    json_array_foreach(findings, i, finding)
    {
        const char *what = json_string_value(json_object_get(finding, "what"));

        if (what != NULL && strstr(what, words) != NULL)
            return true;
    }
    return false;
}

// On a busy machine an agent may be late for a while.
static bool
s_is_well(stage_t *s, void *said)
{
    json_t **ret = said;
    char data[300];

    json_decref(*ret);
    snprintf(data, sizeof data, "%s/collector", stage_dir(s));
    return s_doctor(s, data, ret) == 0;
}

static void
all_is_well_while_everything_runs(void **state)
{
    stage_t *s = *state;
    json_t *said = NULL;
    process_t *p;

    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_is_well, &said));
    claim(s, said != NULL);
    claim(s, json_is_true(json_object_get(said, "ok")));
    claim(s, json_is_true(json_object_get(said, "runs")));
    claim(s, s_number(said, "series") > 100);
    claim(s, s_number(said, "samples") > 100);
    claim(s, s_number(said, "journal_bytes") > 0);
    claim(s, s_number(said, "disk_free") > 0);
    claim(s, s_number(said, "head_bytes") < s_number(said, "head_bytes_most"));
    json_decref(said);
    p = stage_run(s, "zpulse", "doctor", "--collector", stage_endpoint(s), NULL);
    claim(s, process_ended(p, stage_ms(60000)));
    claim(s, strstr(process_out(p), "JOURNAL") != NULL);
}

static void
a_host_that_is_silent_is_a_finding(void **state)
{
    stage_t *s = *state;
    process_t *agent;
    json_t *said;

    stage_collector(s, NULL);
    stage_dashboard(s, NULL);
    agent = stage_agent(s, "web-1", NULL);
    claim(s,
          stage_until(s, STAGE_PATIENCE_MS, stage_host_is, &(struct stage_host){ "web-1", "up" }));
    process_signal(agent, SIGKILL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_host_is, &s_silent));
    claim(s, s_doctor(s, NULL, &said) == 1);
    claim(s, s_found(said, "host web-1 is silent since"));
    json_decref(said);
}

static void
files_are_looked_at_where_no_collector_runs(void **state)
{
    stage_t *s = *state;
    process_t *collector = stage_collector(s, NULL);
    char data[300], path[400];
    json_t *said;

    snprintf(data, sizeof data, "%s/collector", stage_dir(s));
    stage_dashboard(s, NULL);
    stage_agent(s, "web-1", NULL);
    claim(s,
          stage_until(s, STAGE_PATIENCE_MS, stage_host_is, &(struct stage_host){ "web-1", "up" }));
    process_signal(collector, SIGKILL);
    claim(s, process_ended(collector, stage_ms(STAGE_PATIENCE_MS)));
    claim(s, s_doctor(s, NULL, &said) == 69);
    claim(s, said == NULL);
    claim(s, s_doctor(s, data, &said) == 0);
    claim(s, json_is_false(json_object_get(said, "runs")));
    claim(s, json_array_size(json_object_get(said, "files")) > 0);
    json_decref(said);
    snprintf(path, sizeof path, "%s/collector_id", data);
    claim(s, unlink(path) == 0);
    claim(s, s_doctor(s, data, &said) == 1);
    claim(s, s_found(said, "collector_id"));
    json_decref(said);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test_up(all_is_well_while_everything_runs),
        stage_test(a_host_that_is_silent_is_a_finding),
        stage_test(files_are_looked_at_where_no_collector_runs),
    };

    return cmocka_run_group_tests_name("flow_doctor", tests, NULL, NULL);
}
