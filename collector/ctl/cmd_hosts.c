// cmd_hosts - `zpulse hosts`: every host a collector knows.

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/ctl/command.h"
#include "collector/ctl/ctl_keys.h"
#include "collector/ctl/output.h"
#include "collector/ctl/query_client.h"
#include "collector/ctl/table_print.h"
#include "shared/base/err.h"
#include "shared/base/json.h"
#include "shared/base/log.h"
#include "shared/base/str.h"
#include "shared/base/xalloc.h"
#include "shared/net/option.h"
#include "shared/net/service.h"
#include "shared/wire/away_json.h"

#define ASK_MS         10000
#define CLOCK_LEAST_MS 50 // a clock nearer to ours is right

static const struct option options_table[] = {
    { .name = "collector",
      .type = OPTION_ENDPOINT,
      .fallback = "tcp://127.0.0.1:5560",
      .least = 1,
      .meta = "ENDPOINT",
      .help = "data port of the collector to ask" },
    CTL_KEYS_OPTIONS,
    { .name = "output",
      .type = OPTION_CHOICE,
      .fallback = "table",
      .choices = "table|json|csv",
      .letter = 'o',
      .meta = "FORM",
      .help = "how to print them" },
    { .name = NULL },
};

static const struct option_program program = {
    .name = "zpulse hosts",
    .summary = "Lists every host that a collector knows.",
    .usage = "zpulse hosts [OPTION]...",
    .options = options_table,
    .tail = "STATE is up, late (two heartbeats missed), stopped (on purpose) or silent (cause "
            "unknown);\nAGE is how old the newest sample is, by the collector's clock;\nCLOCK is "
            "by how much "
            "the host's own clock is ahead of that or behind. Samples more than 10 minutes\n"
            "ahead are refused. An agent that was sent away within a day has the STATE refused, "
            "and the REASON.",
};

struct hosts {
    struct host_info *at;
    size_t n;
    struct query_away *refused; // who was sent away
    size_t n_refused;
    int64_t now_ms; // the collector's clock
};

static int s_ask(struct hosts *hosts, const char *collector, const struct curve *curve,
                 int signals);
static int s_take(void *arg, const struct query_reply *reply, struct rbuf *r);
static int s_take_refused(void *arg, const struct query_reply *reply, struct rbuf *r);
static void s_add_refused(table_t *table, const struct query_away *refused, int64_t now_ms);
static void s_put_table(struct buf *out, const struct hosts *hosts, bool csv);
static void s_put_json(struct buf *out, const struct hosts *hosts);
static void s_put_ms(char *out, size_t size, int64_t ms);
static void s_put_clock(char *out, size_t size, int64_t offset_ms);

int
cmd_hosts(int argc, char **argv)
{
    options_t *options = NULL;
    struct hosts hosts = { 0 };
    struct buf out = { 0 };
    const struct curve *curve;
    struct client_keys keys;
    const char *form;
    int signals, code;

    if (options_load(&options, &code, &program, argc, argv, stdout, stderr) != 0)
        return code;
    if (ctl_keys_load(&keys, &curve, "hosts", options) < 0) {
        options_destroy(&options);
        return OPTION_EXIT_CONFIG;
    }
    log_init("zpulse", LOG_LEVEL_WARN);
    signals = service_start(1);
    code = query_client_exit(s_ask(&hosts, options_text(options, "collector"), curve, signals));
    if (code == OPTION_EXIT_OK) {
        if (hosts.n > 1)
            qsort(hosts.at, hosts.n, sizeof *hosts.at, host_info_compare);
        form = options_text(options, "output");
        if (strcmp(form, "json") == 0)
            s_put_json(&out, &hosts);
        else
            s_put_table(&out, &hosts, strcmp(form, "csv") == 0);
        code = output_end("hosts", &out, signals);
    }
    buf_release(&out);
    for (size_t i = 0; i < hosts.n; i++)
        host_info_release(&hosts.at[i]);
    free(hosts.at);
    free(hosts.refused);
    options_destroy(&options);
    service_end(signals);
    return code;
}

// What went wrong is said. An older collector does not know the second question.
static int
s_ask(struct hosts *hosts, const char *collector, const struct curve *curve, int signals)
{
    struct query_request known = { .type = QUERY_HOSTS }, refused = { .type = QUERY_AWAY };
    query_client_t *client = NULL;
    struct buf why = { 0 };
    int rc = query_client_open(&client, collector, curve, signals);

    if (rc == 0)
        rc = query_client_ask(client, &known, ASK_MS, s_take, hosts, &why);
    if (rc == 0) {
        rc = query_client_ask(client, &refused, ASK_MS, s_take_refused, hosts, &why);
        rc = rc == ERR_RANGE ? 0 : rc;
    }
    query_client_close(&client);
    if (rc < 0 && rc != -EINTR)
        fprintf(stderr, "zpulse hosts: %s: %s\n", collector, query_client_problem(rc, &why));
    buf_release(&why);
    return rc;
}

static int
s_take_refused(void *arg, const struct query_reply *reply, struct rbuf *r)
{
    struct hosts *hosts = arg;

    for (uint32_t i = 0; i < reply->n; i++) {
        struct query_away refused;
        const int rc = query_take_away(r, &refused);

        if (rc < 0)
            return rc;
        hosts->refused = xrealloc(hosts->refused, hosts->n_refused + 1, sizeof refused);
        hosts->refused[hosts->n_refused++] = refused;
    }
    return 0;
}

static int
s_take(void *arg, const struct query_reply *reply, struct rbuf *r)
{
    struct hosts *hosts = arg;

    hosts->now_ms = reply->now_ms;
    for (uint32_t i = 0; i < reply->n; i++) {
        struct host_info info;
        const int rc = host_info_take(r, &info);

        if (rc < 0)
            return rc;
        hosts->at = xrealloc(hosts->at, hosts->n + 1, sizeof *hosts->at);
        hosts->at[hosts->n++] = info;
    }
    return 0;
}

static void
s_put_table(struct buf *out, const struct hosts *hosts, bool csv)
{
    static const struct table_column columns[] = {
        { "NAME", false },    { "ID", false },    { "STATE", false },   { "AGE", true },
        { "INTERVAL", true }, { "CLOCK", false }, { "VERSION", false }, { "REASON", false },
    };
    table_t *table = table_new(columns, sizeof columns / sizeof columns[0]);

    for (size_t i = 0; i < hosts->n; i++) {
        const struct host_info *host = &hosts->at[i];
        char id[STR_HEX64_SIZE], age[32] = "-", interval[32], clock[48];

        if (host->last_ms > 0)
            s_put_ms(age, sizeof age, hosts->now_ms - host->last_ms);
        s_put_ms(interval, sizeof interval, host->interval_ms);
        s_put_clock(clock, sizeof clock, host->offset_ms);
        table_add(table, (const char *const[]){ host->name, str_hex64_put(id, host->host),
                                                host_state_str(host->state), age, interval, clock,
                                                host->version, "" });
    }
    for (size_t i = 0; i < hosts->n_refused; i++)
        s_add_refused(table, &hosts->refused[i], hosts->now_ms);
    if (csv)
        table_put_csv(table, out);
    else
        table_put_text(table, out);
    table_destroy(&table);
}

static void
s_add_refused(table_t *table, const struct query_away *refused, int64_t now_ms)
{
    char id[STR_HEX64_SIZE], ago[32];
    struct buf why = { 0 };

    s_put_ms(ago, sizeof ago, now_ms - refused->last_ms);
    buf_printf(&why, "%s", away_cause_why(refused->cause));
    if (refused->cause == AWAY_KEY)
        buf_printf(&why, " (%s)", refused->key);
    if (refused->address[0] != '\0')
        buf_printf(&why, "; from %s", refused->address);
    buf_printf(&why, "; %s ago, %" PRIu64 " time%s", ago, refused->times,
               refused->times == 1 ? "" : "s");
    table_add(table, (const char *const[]){
                         refused->name, refused->host != 0 ? str_hex64_put(id, refused->host) : "-",
                         "refused", "-", "-", "-", "-", buf_cstr(&why) });
    buf_release(&why);
}

// "0.4s" "12s" "3m" "7h" "5d": a glance, not a measurement. Clocks may differ a little: no age is
// below zero.
static void
s_put_ms(char *out, size_t size, int64_t ms)
{
    static const struct {
        int64_t below_ms, unit_ms;
        const char *unit;
    } steps[] = {
        { 120000, 1000, "s" },
        { 7200000, 60000, "m" },
        { 172800000, 3600000, "h" },
        { INT64_MAX, 86400000, "d" },
    };
    size_t i = 0;

    ms = ms > 0 ? ms : 0;
    if (ms < 10000) {
        snprintf(out, size, "%.1fs", (double) ms / 1000);
        return;
    }
    while (i + 1 < sizeof steps / sizeof steps[0] && ms >= steps[i].below_ms)
        i++;
    snprintf(out, size, "%" PRId64 "%s", ms / steps[i].unit_ms, steps[i].unit);
}

// "ok", "2h ahead", "3.0s behind"; as the agent told it, so any number.
static void
s_put_clock(char *out, size_t size, int64_t offset_ms)
{
    const int64_t most_ms = INT64_MAX / 2;
    const int64_t told_ms = offset_ms < -most_ms ? most_ms : llabs(offset_ms);
    const int64_t off_ms = told_ms < most_ms ? told_ms : most_ms;
    char by[32];

    // To the second: two hours are measured as a millisecond less, and are not one.
    s_put_ms(by, sizeof by, off_ms < 10000 ? off_ms : (off_ms + 500) / 1000 * 1000);
    if (off_ms < CLOCK_LEAST_MS)
        snprintf(out, size, "ok");
    else
        snprintf(out, size, "%s %s", by, offset_ms < 0 ? "ahead" : "behind");
}

// The members that GET /api/v1/hosts of the dashboard has, and who was sent away.
static void
s_put_json(struct buf *out, const struct hosts *hosts)
{
    struct json j;

    json_init(&j, out);
    json_array(&j);
    for (size_t i = 0; i < hosts->n; i++) {
        const struct host_info *host = &hosts->at[i];
        char id[STR_HEX64_SIZE];

        json_object(&j);
        json_key(&j, "id");
        json_str(&j, str_hex64_put(id, host->host));
        json_key(&j, "name");
        json_str(&j, host->name);
        json_key(&j, "state");
        json_str(&j, host_state_str(host->state));
        json_key(&j, "since_ms");
        json_int(&j, host->since_ms);
        json_key(&j, "first_ms");
        json_int(&j, host->first_ms);
        json_key(&j, "last_ms");
        json_int(&j, host->last_ms);
        json_key(&j, "interval_ms");
        json_uint(&j, host->interval_ms);
        json_key(&j, "version");
        json_str(&j, host->version);
        json_key(&j, "offset_ms");
        json_int(&j, host->offset_ms);
        json_key(&j, "rtt_ms");
        if (host->rtt_us >= 0)
            json_fixed(&j, (double) host->rtt_us / 1000, 3);
        else
            json_null(&j);
        json_key(&j, "dropped");
        json_uint(&j, host->dropped);
        json_key(&j, "missed");
        json_uint(&j, host->missed);
        json_object_end(&j);
    }
    for (size_t i = 0; i < hosts->n_refused; i++)
        away_json_put(&j, &hosts->refused[i], hosts->now_ms);
    json_array_end(&j);
    buf_byte(out, '\n');
}
