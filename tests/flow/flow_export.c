// flow_export - what is exported is what was sent: each sample once, at its own time.

#include <czmq.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/base/iso_time.h"
#include "shared/net/sock.h"
#include "shared/wire/query_msg.h"
#include "shared/wire/query_number.h"
#include "tests/support/stage.h"

#define DEMO     "../tests/support/demo_app"
#define MESSAGES 25

// One that an application sent.
struct sent {
    int64_t time_ms;
    double cpu, mem; // as series have them
    unsigned seen;   // lines of the export, of both
};

static const char *
s_at(const stage_t *s, const char *prefix, unsigned i)
{
    static char text[2][64];

    snprintf(text[i], sizeof text[i], "%stcp://127.0.0.1:%u", prefix, stage_spare_port(s, i));
    return text[i];
}

// The whole of what a command says, for free(). It ends with `code`.
static char *
s_said(stage_t *s, int code, process_t *of)
{
    char *text;

    claim(s, process_ended(of, stage_ms(STAGE_PATIENCE_MS)));
    claim(s, process_code(of) == code);
    text = strdup(process_out(of));
    claim(s, text != NULL);
    stage_drop(s, &of);
    return text;
}

static char *
s_export(stage_t *s, const char *form, const char *match)
{
    return s_said(s, 0,
                  stage_run(s, "zpulse", "export", "--collector", stage_endpoint(s), "-o", form,
                            match, NULL));
}

static unsigned
s_lines(const char *text)
{
    unsigned n = 0;

    for (; *text != '\0'; text++)
        n += *text == '\n';
    return n;
}

// Messages of the demo go through here to the agent, and are remembered. Under load it may be late,
// and say two in one millisecond, of which the first would stand: the second is not passed on.
static void
s_pass_on(stage_t *s, zsock_t *from, zsock_t *to, struct sent *sent)
{
    for (unsigned i = 0; i < MESSAGES;) {
        char *text = zstr_recv(from);
        const char *time;
        json_t *json;

        claim(s, text != NULL);
        json = json_loads(text, 0, NULL);
        time = json_string_value(json_object_get(json, "timestamp"));
        claim(s, time != NULL);
        claim(s, iso_time_parse(&sent[i].time_ms, time, strlen(time)) == 0);
        sent[i].cpu = json_number_value(json_object_get(json, "cpu")) / 100;
        sent[i].mem = json_number_value(json_object_get(json, "mem")) * 1048576;
        if (i == 0 || sent[i].time_ms != sent[i - 1].time_ms) {
            claim(s, zstr_send(to, text) == 0);
            i++;
        }
        json_decref(json);
        zstr_free(&text);
    }
}

static bool
s_has_all(stage_t *s, void *arg)
{
    char *text = s_export(s, "csv", "{__name__=~\"app_.*\",app=\"red\"}");
    const bool has = s_lines(text) >= 1 + 2 * MESSAGES;

    if (has)
        *(char **) arg = text;
    else
        free(text);
    return has;
}

// Each line is of a message, and both numbers of each message have one.
static void
s_compare(stage_t *s, char *csv, struct sent *sent)
{
    char *rest = NULL, *line = strtok_r(csv, "\n", &rest);

    claim(s, strcmp(line, "time_ms,series,value") == 0);
    while ((line = strtok_r(NULL, "\n", &rest)) != NULL) {
        const int64_t time_ms = strtoll(line, NULL, 10);
        const bool cpu = strstr(line, ",\"app_cpu_ratio{app=\"\"red\"\",") != NULL;
        const double value = strtod(strrchr(line, ',') + 1, NULL);
        bool known = false;

        claim(s, cpu || strstr(line, ",\"app_resident_memory_bytes{") != NULL);
        for (unsigned i = 0; i < MESSAGES; i++) {
            if (sent[i].time_ms != time_ms || (sent[i].seen & (cpu ? 1u : 2u)) != 0)
                continue;
            claim(s, value == (cpu ? sent[i].cpu : sent[i].mem)); // to the last bit
            sent[i].seen |= cpu ? 1 : 2;
            known = true;
        }
        if (!known)
            fprintf(stderr, "nobody sent this: %s\n", line);
        claim(s, known);
    }
    for (unsigned i = 0; i < MESSAGES; i++)
        claim(s, sent[i].seen == 3);
}

static void
what_an_application_sends_is_exported_once_with_its_own_times(void **state)
{
    static struct sent sent[MESSAGES];
    stage_t *s = *state;
    zsock_t *from, *to;
    process_t *demo;
    char *csv = NULL;

    stage_collector(s, NULL);
    stage_agent(s, "web-1", "--app-sub", "", "--app-pull", s_at(s, "@", 0), NULL);
    from = zsock_new_pull(s_at(s, "@", 1));
    to = zsock_new_push(s_at(s, ">", 0));
    claim(s, from != NULL && to != NULL);
    zsock_set_rcvtimeo(from, stage_ms(STAGE_PATIENCE_MS));
    demo = stage_run(s, DEMO, "--color", "red", "--push", "--endpoint", s_at(s, "", 1),
                     "--interval", "0.05", NULL);
    s_pass_on(s, from, to, sent);
    stage_drop(s, &demo);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_has_all, &csv));
    s_compare(s, csv, sent);
    free(csv);
    zsock_destroy(&from);
    zsock_destroy(&to);
}

static bool
s_has_ahead(stage_t *s, void *arg)
{
    char *text = s_said(s, 0,
                        stage_run(s, "zpulse", "export", "--collector", stage_endpoint(s), "-o",
                                  "csv", "--end", "2100-01-01T00:00:00Z", "app_n", NULL));
    char want[64];
    bool has;

    snprintf(want, sizeof want, "\n%" PRId64 ",", *(const int64_t *) arg);
    has = s_lines(text) == 2 && strstr(text, want) != NULL;
    free(text);
    return has;
}

// It does not wait for its time in the agent, where a kill would take it, and it makes its host no
// younger.
static void
a_sample_of_a_clock_that_is_ahead_is_kept_at_once(void **state)
{
    stage_t *s = *state;
    int64_t ahead_ms = clock_real_ms() + 300000;
    const time_t seconds = (time_t) (ahead_ms / 1000);
    process_t *agent;
    char stamp[32];
    zsock_t *push;
    json_t *host;

    stage_collector(s, NULL);
    stage_dashboard(s, NULL);
    agent = stage_agent(s, "web-1", "--app-pull", s_at(s, "@", 0), NULL);
    push = zsock_new_push(s_at(s, ">", 0));
    claim(s, push != NULL && stage_until(s, STAGE_PATIENCE_MS, stage_ready, NULL));
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", gmtime(&seconds));
    ahead_ms -= ahead_ms % 1000;
    claim(s, zstr_sendf(push, "{\"color\":\"red\",\"timestamp\":\"%sZ\",\"n\":1}", stamp) == 0);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_has_ahead, &ahead_ms));
    process_signal(agent, SIGKILL);
    claim(s, process_ended(agent, stage_ms(STAGE_PATIENCE_MS)));
    claim(s, s_has_ahead(s, &ahead_ms));
    host = stage_host(s, "web-1");
    claim(s, json_integer_value(json_object_get(host, "last_ms")) < clock_real_ms() + 1000);
    json_decref(host);
    zsock_destroy(&push);
}

// One rule after the other; in the order of the text.
static void
openmetrics_has_whole_families_rising_times_and_an_end(void **state)
{
    stage_t *s = *state;
    char family[256] = "", series[1024] = "", *rest = NULL;
    char *text = s_export(s, "openmetrics", "{instance=\"web-1\"}"), *line;
    const size_t len = strlen(text);
    zhash_t *seen = zhash_new();
    double before = 0;
    unsigned samples = 0;

    claim(s, len > 6 && strcmp(text + len - 6, "# EOF\n") == 0);
    for (line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        char *value = strrchr(line, ' '), *name = line;
        double seconds;

        if (strcmp(line, "# EOF") == 0)
            continue;
        if (strncmp(line, "# TYPE ", 7) == 0) {
            sscanf(line, "# TYPE %255s", family);
            claim(s, zhash_insert(seen, family, family) == 0); // contiguous: never again
            continue;
        }
        claim(s, strncmp(name, family, strlen(family)) == 0);
        seconds = strtod(value, NULL);
        *value = '\0';
        *strrchr(line, ' ') = '\0';
        if (strcmp(series, line) != 0) {
            claim(s, zhash_insert(seen, line, line) == 0); // a series stands together as well
            snprintf(series, sizeof series, "%s", line);
            before = 0;
        }
        claim(s, seconds > before);
        before = seconds;
        samples++;
    }
    claim(s, samples > 100);
    zhash_destroy(&seen);
    free(text);
}

static void
a_window_has_both_its_ends(void **state)
{
    stage_t *s = *state;
    char *all = s_export(s, "csv", "node_load1"), *some, first[32], *second;
    const char *at = strchr(all, '\n') + 1;

    snprintf(first, sizeof first, "%.10s.%.3s", at, at + 10); // its seconds
    second = s_said(s, 0,
                    stage_run(s, "zpulse", "export", "--collector", stage_endpoint(s), "-o", "csv",
                              "--start", first, "--end", first, "node_load1", NULL));
    claim(s, s_lines(second) == 2);
    claim(s, strncmp(strchr(second, '\n') + 1, at, 13) == 0);
    some = s_said(s, 0,
                  stage_run(s, "zpulse", "export", "--collector", stage_endpoint(s), "-o", "csv",
                            "--end", "-1h", "node_load1", NULL));
    claim(s, strcmp(some, "time_ms,series,value\n") == 0);
    free(all);
    free(some);
    free(second);
}

static void
a_reader_that_had_enough_is_no_failure(void **state)
{
    stage_t *s = *state;
    const char *build = getenv("BUILD_DIR");
    char command[512];
    int code;

    // The shell waits for both ends of the pipe.
    snprintf(command, sizeof command,
             "{ %s/bin/zpulse export --collector %s; echo $? >%s/code; } | head -n 1 >/dev/null; "
             "exit $(cat %s/code)",
             build != NULL ? build : "build", stage_endpoint(s), stage_dir(s), stage_dir(s));
    code = system(command); // NOLINT(cert-env33-c): a shell is what pipes
    claim(s, WIFEXITED(code) && WEXITSTATUS(code) == 0);
}

// The next question to the test's own collector, answered: with its numbers, or an empty list.
static uint8_t
s_answer(zsock_t *router, bool replaying)
{
    struct query_numbers numbers = { 0 };
    struct query_reply reply = { 0 };
    struct query_request q = { 0 };
    struct buf out = { 0 };
    zmq_msg_t peer, body;

    zmq_msg_init(&peer);
    zmq_msg_init(&body);
    if (sock_recv(router, &peer) == 1 && sock_recv(router, &body) == 1 &&
        query_take_request(&q, zmq_msg_data(&body), zmq_msg_size(&body)) == 0) {
        query_number_set(&numbers, STATUS_REPLAYING, replaying);
        reply.type = q.type;
        reply.id = q.id;
        reply.n = q.type == QUERY_STATUS ? 1 : 0;
        query_put_reply(&out, &reply);
        if (q.type == QUERY_STATUS)
            (void) query_put_numbers(&out, &numbers);
        (void) sock_send(router, zmq_msg_data(&peer), zmq_msg_size(&peer), true);
        (void) sock_send(router, out.at, out.len, false);
    }
    buf_release(&out);
    zmq_msg_close(&peer);
    zmq_msg_close(&body);
    return q.type;
}

// What it has not come to yet would be missing, and nobody would know.
static void
an_export_waits_until_the_journal_is_read_back(void **state)
{
    static const struct sock_spec spec = {
        .type = ZMQ_ROUTER, .send_hwm = 100, .recv_hwm = 100, .max_bytes = 65536
    };
    const int64_t until_ms = clock_mono_ms() + stage_ms(STAGE_PATIENCE_MS);
    stage_t *s = *state;
    unsigned asked = 0, listed = 0;
    char endpoint[256];
    zsock_t *router;
    process_t *p;

    claim(s, sock_endpoint(endpoint, sizeof endpoint, stage_endpoint(s), SOCK_QUERY) == 0);
    claim(s, sock_new(&router, &spec, NULL) == 0 && sock_bind(router, endpoint) == 0);
    p = stage_run(s, "zpulse", "export", "--collector", stage_endpoint(s), NULL);
    while (!process_ended(p, 0)) {
        zmq_pollitem_t item = { .socket = sock_raw(router), .events = ZMQ_POLLIN };

        claim(s, clock_mono_ms() < until_ms);
        if (zmq_poll(&item, 1, 10) != 1)
            continue;
        if (s_answer(router, asked < 5) == QUERY_STATUS)
            asked++;
        else
            listed = asked;
    }
    claim(s, process_code(p) == 0 && strcmp(process_out(p), "# EOF\n") == 0);
    claim(s, listed == 6);
    stage_drop(s, &p);
    zsock_destroy(&router);
}

static void
what_is_wrong_is_said_by_name(void **state)
{
    stage_t *s = *state;
    process_t *p = stage_run(s, "zpulse", "export", "--start", "tomorrow", NULL);

    claim(s, process_ended(p, stage_ms(STAGE_PATIENCE_MS)));
    claim(s, process_code(p) == 2);
    claim(s, strstr(process_err(p), "--start: tomorrow is no time") != NULL);
    stage_drop(s, &p);
    p = stage_run(s, "zpulse", "export", "{", NULL);
    claim(s, process_ended(p, stage_ms(STAGE_PATIENCE_MS)));
    claim(s, process_code(p) == 2);
    claim(s, strstr(process_err(p), "selector: ") != NULL);
    stage_drop(s, &p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(what_an_application_sends_is_exported_once_with_its_own_times),
        stage_test(a_sample_of_a_clock_that_is_ahead_is_kept_at_once),
        stage_test_up(openmetrics_has_whole_families_rising_times_and_an_end),
        stage_test_up(a_window_has_both_its_ends),
        stage_test_up(a_reader_that_had_enough_is_no_failure),
        stage_test_plain(an_export_waits_until_the_journal_is_read_back),
        stage_test(what_is_wrong_is_said_by_name),
    };

    return cmocka_run_group_tests_name("flow_export", tests, NULL, NULL);
}
