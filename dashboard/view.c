// view - the table of columns, their names, and which series they are made from.

#include "dashboard/view.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dashboard/view_inner.h"
#include "shared/base/err.h"
#include "shared/base/str.h"
#include "shared/base/xalloc.h"

#define INSTANCE_MAX 6 // digits of a core's number

// THE table of columns, one to a line; its order is that of `cols`. A series is node_exporter's.
// clang-format off
#define CPU(mode) \
    { "cpu." mode, VIEW_PERCENT, VIEW_RATE, VIEW_MEAN, 100, 100, NULL, \
      { { 1, false, "node_cpu_seconds_total", "mode", mode } } }
#define ONE(id, unit, take, metric) \
    { id, unit, take, VIEW_SUM, 1, 0, NULL, { { 1, false, metric, NULL, NULL } } }
#define MEM(id, key)      ONE(id, VIEW_BYTES, VIEW_VALUE, "node_memory_" key "_bytes")
#define TERM(sign, key)   { sign, false, "node_memory_" key "_bytes", NULL, NULL }
#define MAYBE(sign, key)  { sign, true, "node_memory_" key "_bytes", NULL, NULL }
static const struct view_def defs[] = {
    CPU("user"),
    CPU("nice"),
    CPU("system"),
    CPU("iowait"),
    CPU("irq"),
    CPU("softirq"),
    CPU("steal"),
    CPU("idle"),
    // The busy modes are added up, rather than 100 less idle and iowait: those two may fall in
    // the kernel, and the sum of the others can not be below zero.
    { "core", VIEW_PERCENT, VIEW_RATE, VIEW_SUM, 100, 100, "cpu",
      { { 1, false, "node_cpu_seconds_total", "mode", "user|nice|system|irq|softirq|steal" } } },
    MEM("mem.total", "MemTotal"),
    // SReclaimable: a kernel before 2.6.19 has no such line.
    { "mem.used", VIEW_BYTES, VIEW_VALUE, VIEW_SUM, 1, 0, NULL,
      { TERM(1, "MemTotal"), TERM(-1, "MemFree"), TERM(-1, "Buffers"), TERM(-1, "Cached"),
        MAYBE(-1, "SReclaimable") } },
    { "mem.cached", VIEW_BYTES, VIEW_VALUE, VIEW_SUM, 1, 0, NULL,
      { TERM(1, "Cached"), MAYBE(1, "SReclaimable") } },
    MEM("mem.buffers", "Buffers"),
    MEM("mem.free", "MemFree"),
    MEM("mem.available", "MemAvailable"),
    MEM("swap.total", "SwapTotal"),
    { "swap.used", VIEW_BYTES, VIEW_VALUE, VIEW_SUM, 1, 0, NULL,
      { TERM(1, "SwapTotal"), TERM(-1, "SwapFree") } },
    ONE("load.1", VIEW_LOAD, VIEW_VALUE, "node_load1"),
    ONE("load.5", VIEW_LOAD, VIEW_VALUE, "node_load5"),
    ONE("load.15", VIEW_LOAD, VIEW_VALUE, "node_load15"),
    ONE("procs.running", VIEW_COUNT, VIEW_VALUE, "node_procs_running"),
    ONE("procs.blocked", VIEW_COUNT, VIEW_VALUE, "node_procs_blocked"),
    ONE("sys.context_switches", VIEW_PER_SECOND, VIEW_RATE, "node_context_switches_total"),
    ONE("sys.interrupts", VIEW_PER_SECOND, VIEW_RATE, "node_intr_total"),
    ONE("sys.forks", VIEW_PER_SECOND, VIEW_RATE, "node_forks_total"),
};
// clang-format on
#define N_DEFS (sizeof defs / sizeof defs[0])

static const struct {
    const char *name;
    unsigned decimals;
} units[] = {
    [VIEW_PERCENT] = { "percent", 1 },
    [VIEW_BYTES] = { "bytes", 0 },
    [VIEW_LOAD] = { "load", 2 },
    [VIEW_COUNT] = { "count", 1 },
    [VIEW_PER_SECOND] = { "per_second", 1 },
};

static bool s_valid_id(const char *id);
static void s_nearest(char error[VIEW_ERROR_SIZE], const char *id);
static bool s_digits(const char *text);
static bool s_picked(const struct view_pick *pick, const char *id);
static bool s_def_picked(const struct view_pick *pick, const struct view_def *def);
static void s_selector(struct buf *text, const struct view_term *term);
static bool s_term_matches(const struct view_term *term, const char *metric,
                           const struct label_set *labels);

const char *
view_unit_str(enum view_unit unit)
{
    return units[unit].name;
}

unsigned
view_unit_decimals(enum view_unit unit)
{
    return units[unit].decimals;
}

int
view_pick_parse(struct view_pick *pick, const char *text, char error[VIEW_ERROR_SIZE])
{
    size_t size = 0;
    int rc;

    *pick = (struct view_pick){ 0 };
    for (const char *at = text, *end; *at != '\0'; at = *end == ',' ? end + 1 : end) {
        char id[VIEW_ID_SIZE];

        end = strchrnul(at, ',');
        snprintf(id, sizeof id, "%.*s", (int) (end - at), at);
        if ((size_t) (end - at) >= sizeof id || !s_valid_id(id)) {
            s_nearest(error, id);
            rc = ERR_UNKNOWN;
            goto fail;
        }
        if (pick->n == VIEW_PICK_MAX) {
            snprintf(error, VIEW_ERROR_SIZE, "c: more than %d columns", VIEW_PICK_MAX);
            rc = ERR_LIMIT;
            goto fail;
        }
        if (s_picked(pick, id) && pick->n > 0)
            continue;
        if (pick->n == size) {
            size = size == 0 ? 16 : size * 2;
            pick->ids = xrealloc(pick->ids, size, sizeof *pick->ids);
        }
        memcpy(pick->ids[pick->n++], id, sizeof id);
    }
    return 0;

fail:
    view_pick_release(pick);
    return rc;
}

void
view_pick_release(struct view_pick *pick)
{
    free(pick->ids);
    *pick = (struct view_pick){ 0 };
}

size_t
view_selectors(const struct view_pick *pick, struct buf *text, const char **ret, size_t most)
{
    size_t starts[N_DEFS * VIEW_TERMS_MAX];
    size_t n = 0;

    buf_clear(text);
    for (size_t i = 0; i < N_DEFS; i++) {
        if (!s_def_picked(pick, &defs[i]))
            continue;
        for (size_t t = 0; t < VIEW_TERMS_MAX && defs[i].terms[t].metric != NULL; t++) {
            const size_t start = text->len;
            bool known = false;

            s_selector(text, &defs[i].terms[t]);
            for (size_t k = 0; k < n && !known; k++)
                known = strcmp((const char *) text->at + starts[k],
                               (const char *) text->at + start) == 0;
            if (known)
                text->len = start;
            else
                starts[n++] = start;
        }
    }
    assert(n <= most);
    for (size_t k = 0; k < n; k++)
        ret[k] = (const char *) text->at + starts[k];
    return n;
}

bool
view_uses(const struct view_pick *pick, const struct label_set *labels)
{
    static const struct view_pick all = { 0 };
    struct view_hit hits[VIEW_HITS_MAX];

    return view_match(hits, pick != NULL ? pick : &all, labels) > 0;
}

size_t
view_match(struct view_hit hits[VIEW_HITS_MAX], const struct view_pick *pick,
           const struct label_set *labels)
{
    const char *metric = label_set_metric(labels);
    const char *job = label_set_get(labels, "job");
    size_t n = 0;

    // An application may use a host's names; it has another job.
    if (job == NULL || strcmp(job, "node") != 0)
        return 0;
    for (size_t i = 0; i < N_DEFS; i++) {
        const struct view_def *def = &defs[i];
        const char *value = def->each != NULL ? label_set_get(labels, def->each) : NULL;

        if (def->each != NULL && (value == NULL || !s_digits(value)))
            continue;
        for (uint32_t t = 0; t < VIEW_TERMS_MAX && def->terms[t].metric != NULL; t++) {
            struct view_hit *hit = &hits[n];

            if (!s_term_matches(&def->terms[t], metric, labels))
                continue;
            assert(n < VIEW_HITS_MAX);
            *hit = (struct view_hit){ .def = def, .term = t };
            snprintf(hit->id, sizeof hit->id, value != NULL ? "%s.%s" : "%s", def->id, value);
            hit->instance = value != NULL ? strtoul(value, NULL, 10) : 0;
            n += s_picked(pick, hit->id);
        }
    }
    return n;
}

static bool
s_valid_id(const char *id)
{
    for (size_t i = 0; i < N_DEFS; i++) {
        const size_t n = strlen(defs[i].id);

        if (defs[i].each == NULL
                ? strcmp(defs[i].id, id) == 0
                : strncmp(defs[i].id, id, n) == 0 && id[n] == '.' && s_digits(id + n + 1))
            return true;
    }
    return false;
}

static void
s_nearest(char error[VIEW_ERROR_SIZE], const char *id)
{
    unsigned best = UINT32_MAX;
    const char *nearest = "";
    const char *suffix = "";

    for (size_t i = 0; i < N_DEFS; i++) {
        const unsigned distance = str_distance(defs[i].id, id);

        if (distance < best) {
            best = distance;
            nearest = defs[i].id;
            suffix = defs[i].each != NULL ? ".0" : "";
        }
    }
    snprintf(error, VIEW_ERROR_SIZE, "c: \"%s\" is no column; the nearest is \"%s%s\"", id, nearest,
             suffix);
}

// A number as the kernel writes it: no other text can get into an id.
static bool
s_digits(const char *text)
{
    const size_t n = strspn(text, "0123456789");

    return n > 0 && n <= INSTANCE_MAX && text[n] == '\0' && (n == 1 || text[0] != '0');
}

static bool
s_picked(const struct view_pick *pick, const char *id)
{
    if (pick->n == 0)
        return true;
    for (size_t i = 0; i < pick->n; i++)
        if (strcmp(pick->ids[i], id) == 0)
            return true;
    return false;
}

static bool
s_def_picked(const struct view_pick *pick, const struct view_def *def)
{
    const size_t n = strlen(def->id);

    if (pick == NULL || pick->n == 0)
        return true;
    for (size_t i = 0; i < pick->n; i++)
        if (strncmp(pick->ids[i], def->id, n) == 0 &&
            pick->ids[i][n] == (def->each != NULL ? '.' : '\0'))
            return true;
    return false;
}

// The values of our table are plain words, so nothing needs escaping.
static void
s_selector(struct buf *text, const struct view_term *term)
{
    buf_printf(text, "%s{job=\"node\"", term->metric);
    if (term->label != NULL)
        buf_printf(text, ",%s%s\"%s\"", term->label, strchr(term->values, '|') != NULL ? "=~" : "=",
                   term->values);
    buf_str(text, "}");
    buf_byte(text, '\0');
}

static bool
s_term_matches(const struct view_term *term, const char *metric, const struct label_set *labels)
{
    const char *value;
    size_t n;

    if (strcmp(term->metric, metric) != 0)
        return false;
    if (term->label == NULL)
        return true;
    value = label_set_get(labels, term->label);
    if (value == NULL)
        return false;
    n = strlen(value);
    for (const char *at = term->values; at != NULL; at = strchr(at, '|')) {
        at += *at == '|';
        if (strncmp(at, value, n) == 0 && (at[n] == '\0' || at[n] == '|'))
            return true;
    }
    return false;
}
