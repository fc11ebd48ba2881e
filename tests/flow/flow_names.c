// flow_names - a name server that never answers: nobody waits for it but who asked.

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/program_shim.h"
#include "tests/support/stage.h"

#define DEMO  "../tests/support/demo_app"
#define ASKED "name_shim: asked for localhost"

// The collector's endpoint by that name.
static const char *
s_named(const stage_t *s)
{
    static char text[64];

    snprintf(text, sizeof text, "tcp://localhost:%u", stage_port(s));
    return text;
}

static bool
s_wait_words(stage_t *s, process_t *of, const char *words)
{
    struct stage_said said = { of, words };

    return stage_until(s, STAGE_PATIENCE_MS, stage_has_said, &said);
}

// An agent of that collector; it takes what is pushed to `pull`.
static process_t *
s_agent(stage_t *s, const char *pull)
{
    char data[300];
    process_t *p;

    snprintf(data, sizeof data, "%s/agent", stage_dir(s));
    program_shim_preload(program_shim_find(PROGRAM_SHIM_NAME), stage_dir(s), "names");
    p = stage_run(s, "zpulse-agent", "--data", data, "--collector", s_named(s), "--app-sub", "",
                  "--app-pull", pull, NULL);
    program_shim_preload(NULL, NULL, NULL);
    return p;
}

static process_t *
s_dashboard(stage_t *s)
{
    char data[300], listen[32];
    process_t *p;

    snprintf(data, sizeof data, "%s/dashboard", stage_dir(s));
    snprintf(listen, sizeof listen, "127.0.0.1:%u", stage_http_port(s));
    program_shim_preload(program_shim_find(PROGRAM_SHIM_NAME), stage_dir(s), "names");
    p = stage_run(s, "zpulse-dashboard", "--data", data, "--listen", listen, "--collector",
                  s_named(s), NULL);
    program_shim_preload(NULL, NULL, NULL);
    return p;
}

static void
an_application_is_heard_while_the_collectors_name_is_looked_up(void **state)
{
    stage_t *s = *state;
    char endpoint[64], bind[80];
    process_t *agent;

    snprintf(endpoint, sizeof endpoint, "tcp://127.0.0.1:%u", stage_spare_port(s, 0));
    snprintf(bind, sizeof bind, "@%s", endpoint);
    agent = s_agent(s, bind);
    claim(s, s_wait_words(s, agent, ASKED));
    stage_run(s, DEMO, "--push", "--color", "red", "--endpoint", endpoint, NULL);
    claim(s, s_wait_words(s, agent, "an application is heard of"));
}

// The lookup would go on for ever.
static void
who_looks_a_name_up_ends_when_told(void **state)
{
    stage_t *s = *state;
    process_t *const all[] = { s_agent(s, ""), s_dashboard(s) };

    for (unsigned i = 0; i < 2; i++) {
        claim(s, s_wait_words(s, all[i], ASKED));
        process_signal(all[i], SIGTERM);
        claim(s, process_ended(all[i], stage_ms(STAGE_PATIENCE_MS)));
        claim(s, process_code(all[i]) == 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(an_application_is_heard_while_the_collectors_name_is_looked_up),
        stage_test(who_looks_a_name_up_ends_when_told),
    };

    return cmocka_run_group_tests_name("flow_names", tests, NULL, NULL);
}
