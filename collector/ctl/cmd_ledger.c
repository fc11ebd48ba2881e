// cmd_ledger - `zpulse ledger [HOST]`: what became of all samples, and whether anything is amiss.

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
#include "collector/ctl/when.h"
#include "shared/base/err.h"
#include "shared/base/json.h"
#include "shared/base/log.h"
#include "shared/base/str.h"
#include "shared/base/xalloc.h"
#include "shared/net/option.h"
#include "shared/net/service.h"
#include "shared/wire/ledger_json.h"
#include "shared/wire/live.h"

#define WHY_SIZE 256

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
    { .name = "check",
      .type = OPTION_FLAG,
      .help = "print only what is amiss, and end with 1 if anything is" },
    { .name = NULL },
};

static const struct option_program program = {
    .name = "zpulse ledger",
    .summary = "Says what became of all samples that hosts have made.",
    .usage = "zpulse ledger [OPTION]... [HOST]",
    .options = options_table,
    .arguments = true,
    .tail =
        "HOST is a name or an id; all hosts without it. PRODUCED, ACKED, PENDING and LOST are the\n"
        "agent's book: the first is the sum of the others. STORED, ELSEWHERE and REFUSED are what\n"
        "the collector counts; UNBALANCED is by how much the two differ. MISSED are ticks that\n"
        "were never taken. With HOST, causes and times follow where they are known.",
};

struct ledgers {
    const char *host; // wanted: a name or an id; NULL: all
    struct query_ledger *at;
    size_t n;
};

static int s_ask(struct ledgers *all, const char *collector, const struct curve *curve,
                 int signals);
static int s_take(void *arg, const struct query_reply *reply, struct rbuf *r);
static bool s_wanted(const struct ledgers *all, const struct query_ledger *ledger);
static int s_compare(const void *a, const void *b);
static int s_check(const struct ledgers *all);
static int s_print(const struct ledgers *all, const char *form, int signals);
static void s_put_table(struct buf *out, const struct ledgers *all, bool csv);
static void s_put_details(struct buf *out, const struct query_ledger *ledger);
static void s_put_json(struct buf *out, const struct ledgers *all);

int
cmd_ledger(int argc, char **argv)
{
    options_t *options = NULL;
    struct ledgers all = { 0 };
    const char *const *words;
    const struct curve *curve;
    struct client_keys keys;
    int signals, code;
    size_t n;

    if (options_load(&options, &code, &program, argc, argv, stdout, stderr) != 0)
        return code;
    n = options_arguments(options, &words);
    if (n > 1) {
        fprintf(stderr, "zpulse ledger: one host at most: %s is a second one\n", words[1]);
        options_destroy(&options);
        return OPTION_EXIT_USAGE;
    }
    if (ctl_keys_load(&keys, &curve, "ledger", options) < 0) {
        options_destroy(&options);
        return OPTION_EXIT_CONFIG;
    }
    all.host = n > 0 ? words[0] : NULL;
    log_init("zpulse", LOG_LEVEL_WARN);
    signals = service_start(1);
    code = s_ask(&all, options_text(options, "collector"), curve, signals);
    if (code == OPTION_EXIT_OK && all.n > 1)
        qsort(all.at, all.n, sizeof *all.at, s_compare);
    if (code == OPTION_EXIT_OK && options_flag(options, "check"))
        code = s_check(&all);
    else if (code == OPTION_EXIT_OK)
        code = s_print(&all, options_text(options, "output"), signals);
    for (size_t i = 0; i < all.n; i++)
        query_ledger_release(&all.at[i]);
    free(all.at);
    options_destroy(&options);
    service_end(signals);
    return code;
}

// The exit code; what went wrong is said.
static int
s_ask(struct ledgers *all, const char *collector, const struct curve *curve, int signals)
{
    struct query_request q = { .type = QUERY_LEDGER };
    int rc = query_client_once("ledger", collector, curve, signals, &q, s_take, all);

    if (rc == 0 && all->host != NULL && all->n == 0) {
        fprintf(stderr, "zpulse ledger: %s: no host of this name or id is known\n", all->host);
        rc = ERR_UNKNOWN;
    }
    return query_client_exit(rc);
}

static int
s_take(void *arg, const struct query_reply *reply, struct rbuf *r)
{
    struct ledgers *all = arg;

    for (uint32_t i = 0; i < reply->n; i++) {
        struct query_ledger ledger;
        const int rc = query_take_ledger(r, &ledger);

        if (rc < 0)
            return rc;
        if (!s_wanted(all, &ledger)) {
            query_ledger_release(&ledger);
            continue;
        }
        all->at = xrealloc(all->at, all->n + 1, sizeof *all->at);
        all->at[all->n++] = ledger;
    }
    return 0;
}

static bool
s_wanted(const struct ledgers *all, const struct query_ledger *ledger)
{
    char id[STR_HEX64_SIZE];

    return all->host == NULL || strcmp(all->host, ledger->name) == 0 ||
           strcmp(all->host, str_hex64_put(id, ledger->host)) == 0;
}

// By name, then id: as `zpulse hosts` lists them.
static int
s_compare(const void *a, const void *b)
{
    const struct query_ledger *x = a, *y = b;
    const int names = strcmp(x->name, y->name);

    return names != 0 ? names : (x->host > y->host) - (x->host < y->host);
}

// A line for each host that is not well, and one for who is glad to hear it.
static int
s_check(const struct ledgers *all)
{
    int code = OPTION_EXIT_OK;

    if (all->n == 0) {
        fprintf(stderr, "zpulse ledger: no host is known\n");
        return OPTION_EXIT_FAILED;
    }
    for (size_t i = 0; i < all->n; i++) {
        char why[WHY_SIZE];

        if (query_ledger_check(&all->at[i], why, sizeof why))
            continue;
        fprintf(stderr, "zpulse ledger: %s: %s\n", log_quote(all->at[i].name), why);
        code = OPTION_EXIT_FAILED;
    }
    if (code == OPTION_EXIT_OK)
        printf("%zu host%s: everything balances, nothing is lost\n", all->n,
               all->n == 1 ? "" : "s");
    return code;
}

static int
s_print(const struct ledgers *all, const char *form, int signals)
{
    struct buf out = { 0 };
    int code;

    if (strcmp(form, "json") == 0)
        s_put_json(&out, all);
    else
        s_put_table(&out, all, strcmp(form, "csv") == 0);
    for (size_t i = 0; i < all->n && all->host != NULL && strcmp(form, "table") == 0; i++)
        s_put_details(&out, &all->at[i]);
    code = output_end("ledger", &out, signals);
    buf_release(&out);
    return code;
}

static void
s_put_table(struct buf *out, const struct ledgers *all, bool csv)
{
    static const struct table_column columns[] = {
        { "NAME", false },  { "ID", false },       { "STATE", false },  { "PRODUCED", true },
        { "ACKED", true },  { "PENDING", true },   { "LOST", true },    { "MISSED", true },
        { "STORED", true }, { "ELSEWHERE", true }, { "REFUSED", true }, { "UNBALANCED", true },
    };
    table_t *table = table_new(columns, sizeof columns / sizeof columns[0]);

    for (size_t i = 0; i < all->n; i++) {
        const struct query_ledger *l = &all->at[i];
        const uint64_t counts[] = { l->told.produced,      l->told.acked,           l->told.pending,
                                    ledger_lost(&l->told), ledger_missed(&l->told), l->stored,
                                    l->elsewhere,          query_ledger_refused(l) };
        const char *cells[sizeof columns / sizeof columns[0]];
        char id[STR_HEX64_SIZE], text[sizeof counts / sizeof counts[0]][24], unbalanced[24];

        cells[0] = l->name;
        cells[1] = str_hex64_put(id, l->host);
        cells[2] = host_state_str(l->state);
        for (size_t k = 0; k < sizeof counts / sizeof counts[0]; k++) {
            snprintf(text[k], sizeof text[k], "%" PRIu64, counts[k]);
            cells[3 + k] = text[k];
        }
        snprintf(unbalanced, sizeof unbalanced, "%" PRId64, l->unbalanced);
        cells[11] = unbalanced;
        table_add(table, cells);
    }
    if (csv)
        table_put_csv(table, out);
    else
        table_put_text(table, out);
    table_destroy(&table);
}

// What the collector's limits refused since its start, and what of that weighs most.
static void
s_put_limit(struct buf *out, const struct query_limit *limit)
{
    buf_printf(out, "limit %s: %" PRIu64 " samples", refused_limit_str(limit->limit),
               limit->samples);
    if (limit->series > 0)
        buf_printf(out, " and %" PRIu64 " series", limit->series);
    if (limit->metric[0] != '\0')
        buf_printf(out, ", most of %s", limit->metric);
    if (limit->label[0] != '\0')
        buf_printf(out, ", by label %s", limit->label);
    buf_printf(out, "\n");
}

// What the table has no room for, a line each.
static void
s_put_details(struct buf *out, const struct query_ledger *l)
{
    for (unsigned i = 0; i < LOST_CAUSES; i++)
        if (l->told.lost[i] > 0)
            buf_printf(out, "lost %" PRIu64 " samples: %s\n", l->told.lost[i], lost_cause_str(i));
    for (unsigned i = 0; i < REFUSED_CAUSES; i++)
        if (l->refused[i] > 0)
            buf_printf(out, "refused %" PRIu64 " samples: %s\n", l->refused[i],
                       refused_cause_str(i));
    for (uint32_t i = 0; i < l->n_limits; i++)
        s_put_limit(out, &l->limits[i]);
    for (unsigned i = 0; i < MISSED_CAUSES; i++)
        if (l->told.missed[i] > 0)
            buf_printf(out, "missed %" PRIu64 " ticks: %s\n", l->told.missed[i],
                       missed_cause_str(i));
    if (l->before > 0)
        buf_printf(out, "acknowledged by others before: %" PRIu64 " samples\n", l->before);
    if (l->duplicates > 0)
        buf_printf(out, "came twice: %" PRIu64 " records\n", l->duplicates);
    if (l->conflicts > 0)
        buf_printf(out, "had another value: %" PRIu64 " samples\n", l->conflicts);
    for (uint32_t i = 0; i < l->n_gaps; i++) {
        const struct query_gap *gap = &l->gaps[i];
        char from[WHEN_SIZE], to[WHEN_SIZE];

        buf_printf(out, "%s to %s: %s %" PRIu64 " %s: %s\n", when_put(from, gap->from_ms),
                   when_put(to, gap->to_ms), gap->missed ? "missed" : "lost", gap->count,
                   gap->missed ? "ticks" : "samples", query_gap_cause_str(gap));
    }
}

// The members that GET /api/v1/ledger of the dashboard has.
static void
s_put_json(struct buf *out, const struct ledgers *all)
{
    struct json j;

    json_init(&j, out);
    json_array(&j);
    for (size_t i = 0; i < all->n; i++)
        ledger_json_put(&j, &all->at[i]);
    json_array_end(&j);
    buf_byte(out, '\n');
}
