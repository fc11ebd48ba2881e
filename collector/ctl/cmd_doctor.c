// cmd_doctor - `zpulse doctor`: whether a collector and its store are well, and what to do.

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/ctl/command.h"
#include "collector/ctl/ctl_keys.h"
#include "collector/ctl/doctor_facts.h"
#include "collector/ctl/doctor_files.h"
#include "collector/ctl/doctor_judge.h"
#include "collector/ctl/doctor_print.h"
#include "collector/ctl/figure.h"
#include "collector/ctl/output.h"
#include "collector/ctl/query_client.h"
#include "shared/base/err.h"
#include "shared/base/log.h"
#include "shared/base/str.h"
#include "shared/base/xalloc.h"
#include "shared/net/option.h"
#include "shared/net/service.h"

#define ASK_MS 10000

static const struct option options_table[] = {
    { .name = "collector",
      .type = OPTION_ENDPOINT,
      .fallback = "tcp://127.0.0.1:5560",
      .least = 1,
      .meta = "ENDPOINT",
      .help = "data port of the collector to ask" },
    CTL_KEYS_OPTIONS,
    { .name = "data",
      .type = OPTION_TEXT,
      .meta = "DIR",
      .help = "read all files of this data folder too; where no collector runs on it, only these" },
    { .name = "label",
      .type = OPTION_TEXT,
      .fallback = "__name__",
      .least = 1,
      .meta = "NAME",
      .help = "the label whose values are counted" },
    { .name = "output",
      .type = OPTION_CHOICE,
      .fallback = "text",
      .choices = "text|json",
      .letter = 'o',
      .meta = "FORM",
      .help = "how to print it" },
    { .name = NULL },
};

static const struct option_program program = {
    .name = "zpulse doctor",
    .summary = "Says whether a collector and its store are well, and if not, what to do.",
    .usage = "zpulse doctor [OPTION]...",
    .options = options_table,
    .tail = "Ends with 0 if all is well, 1 if something is wrong, 69 if no collector answers.\n"
            "NEW is of series, or of values of a label, that were made within an hour. With\n"
            "--data the files are only read; run it as the collector's user.",
};

struct visit {
    struct doctor_facts facts;
    struct findings findings;
    struct doctor_files files;
    bool asked; // facts are there
    bool read;  // files are
};

static int s_visit(struct visit *v, const options_t *options, int signals);
static int s_ask(struct visit *v, const options_t *options, int signals);
static int s_take_numbers(void *arg, const struct query_reply *reply, struct rbuf *r);
static int s_take_hosts(void *arg, const struct query_reply *reply, struct rbuf *r);
static int s_take_ledgers(void *arg, const struct query_reply *reply, struct rbuf *r);
static int s_take_counts(void *arg, const struct query_reply *reply, struct rbuf *r);
static int s_print(const struct visit *v, const options_t *options, int signals);
static void s_put(struct buf *out, const struct visit *v, const options_t *options);
static void s_put_json(struct buf *out, const struct visit *v, const options_t *options);

int
cmd_doctor(int argc, char **argv)
{
    options_t *options = NULL;
    struct visit v = { 0 };
    int signals, code;

    if (options_load(&options, &code, &program, argc, argv, stdout, stderr) != 0)
        return code;
    log_init("zpulse", LOG_LEVEL_WARN);
    signals = service_start(1);
    code = s_visit(&v, options, signals);
    if (code == OPTION_EXIT_OK)
        code = s_print(&v, options, signals);
    doctor_facts_release(&v.facts);
    doctor_files_release(&v.files);
    findings_release(&v.findings);
    options_destroy(&options);
    service_end(signals);
    return code;
}

static int
s_visit(struct visit *v, const options_t *options, int signals)
{
    const char *data = options_given(options, "data") ? options_text(options, "data") : NULL;
    int rc;

    if (data != NULL) {
        rc = doctor_files_read(&v->files, data, &v->findings, signals);
        if (rc < 0) {
            if (rc != -EINTR)
                fprintf(stderr, "zpulse doctor: %s can not be read: %s\n", log_quote(data),
                        err_str(rc));
            return rc == -EINTR ? OPTION_EXIT_FAILED : OPTION_EXIT_UNAVAILABLE;
        }
        v->read = true;
        if (!v->files.runs)
            return OPTION_EXIT_OK;
    }
    rc = s_ask(v, options, signals);
    if (rc < 0)
        return query_client_exit(rc);
    v->asked = true;
    doctor_judge(&v->facts, &v->findings);
    return OPTION_EXIT_OK;
}

// What went wrong is said. An older collector does not know all of the questions.
static int
s_ask(struct visit *v, const options_t *options, int signals)
{
    const char *collector = options_text(options, "collector");
    const char *label = options_text(options, "label");
    const struct curve *curve;
    struct client_keys keys;
    struct {
        struct query_request q;
        query_reply_fn *fn;
        bool needed;
    } asks[] = {
        { { .type = QUERY_HOSTS }, s_take_hosts, true },
        { { .type = QUERY_LEDGER }, s_take_ledgers, true },
        { { .type = QUERY_STATUS }, s_take_numbers, true },
        { { .type = QUERY_CARDINALITY, .n_selectors = 1, .selectors = { label } },
          s_take_counts,
          false },
    };
    query_client_t *client = NULL;
    struct buf why = { 0 };
    int rc = ctl_keys_load(&keys, &curve, "doctor", options);

    if (rc < 0)
        return rc;
    rc = query_client_open(&client, collector, curve, signals);

    for (size_t i = 0; i < sizeof asks / sizeof asks[0] && rc == 0; i++) {
        buf_clear(&why);
        rc = query_client_ask(client, &asks[i].q, ASK_MS, asks[i].fn, v, &why);
        if (rc == ERR_RANGE && !asks[i].needed)
            rc = 0;
    }
    query_client_close(&client);
    if (rc < 0 && rc != -EINTR)
        fprintf(stderr, "zpulse doctor: %s: %s\n", collector, query_client_problem(rc, &why));
    buf_release(&why);
    if (rc == 0 && v->facts.n_hosts > 1)
        qsort(v->facts.hosts, v->facts.n_hosts, sizeof *v->facts.hosts, host_info_compare);
    return rc;
}

static int
s_take_numbers(void *arg, const struct query_reply *reply, struct rbuf *r)
{
    struct doctor_facts *facts = &((struct visit *) arg)->facts;
    int rc = 0;

    facts->collector = reply->collector;
    facts->now_ms = reply->now_ms;
    for (uint32_t i = 0; i < reply->n && rc == 0; i++)
        rc = query_take_number(r, &facts->numbers);
    return rc;
}

static int
s_take_hosts(void *arg, const struct query_reply *reply, struct rbuf *r)
{
    struct doctor_facts *facts = &((struct visit *) arg)->facts;

    for (uint32_t i = 0; i < reply->n; i++) {
        struct host_info info;
        const int rc = host_info_take(r, &info);

        if (rc < 0)
            return rc;
        facts->hosts = xrealloc(facts->hosts, facts->n_hosts + 1, sizeof *facts->hosts);
        facts->hosts[facts->n_hosts++] = info;
    }
    return 0;
}

static int
s_take_ledgers(void *arg, const struct query_reply *reply, struct rbuf *r)
{
    struct doctor_facts *facts = &((struct visit *) arg)->facts;

    for (uint32_t i = 0; i < reply->n; i++) {
        struct query_ledger ledger;
        const int rc = query_take_ledger(r, &ledger);

        if (rc < 0)
            return rc;
        facts->ledgers = xrealloc(facts->ledgers, facts->n_ledgers + 1, sizeof *facts->ledgers);
        facts->ledgers[facts->n_ledgers++] = ledger;
    }
    return 0;
}

static int
s_take_counts(void *arg, const struct query_reply *reply, struct rbuf *r)
{
    struct doctor_facts *facts = &((struct visit *) arg)->facts;

    for (uint32_t i = 0; i < reply->n; i++) {
        struct query_count count;
        const int rc = query_take_count(r, &count);

        if (rc < 0)
            return rc;
        facts->counts = xrealloc(facts->counts, facts->n_counts + 1, sizeof *facts->counts);
        facts->counts[facts->n_counts++] = count;
    }
    return 0;
}

static int
s_print(const struct visit *v, const options_t *options, int signals)
{
    struct buf out = { 0 };
    int code;

    if (strcmp(options_text(options, "output"), "json") == 0)
        s_put_json(&out, v, options);
    else
        s_put(&out, v, options);
    code = output_end("doctor", &out, signals);
    buf_release(&out);
    return v->findings.n > 0 ? OPTION_EXIT_FAILED : code;
}

static void
s_put(struct buf *out, const struct visit *v, const options_t *options)
{
    const struct doctor_facts *facts = &v->facts;
    char id[STR_HEX64_SIZE], up[FIGURE_SIZE];
    struct buf title = { 0 };

    if (v->asked)
        buf_printf(out, "collector %s at %s, up for %s\n", str_hex64_put(id, facts->collector),
                   options_text(options, "collector"),
                   figure_duration(up, doctor_age(facts, STATUS_STARTED_MS)));
    else
        buf_printf(out, "no collector runs on %s: its files\n", options_text(options, "data"));
    doctor_put_findings(out, &v->findings);
    buf_printf(&title, "BY %s", options_text(options, "label"));
    if (v->asked)
        doctor_put_text(out, facts, buf_cstr(&title));
    if (v->read)
        doctor_files_put_text(out, &v->files);
    buf_release(&title);
}

static void
s_put_json(struct buf *out, const struct visit *v, const options_t *options)
{
    struct json j;

    json_init(&j, out);
    json_object(&j);
    doctor_put_findings_json(&j, &v->findings);
    if (v->asked)
        doctor_put_json(&j, &v->facts, options_text(options, "label"));
    if (v->read)
        doctor_files_put_json(&j, &v->files);
    json_object_end(&j);
    buf_byte(out, '\n');
}
