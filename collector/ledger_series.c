// ledger_series - see the header.

#include "collector/ledger_series.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/row_builder.h"
#include "shared/base/map.h"
#include "shared/base/str.h"
#include "shared/base/xalloc.h"

#define NAME_SIZE 65 // HOST_NAME_MAX of Linux and a NUL

enum number { STORED, REFUSED, ELSEWHERE, LOST, MISSED, PENDING, UNBALANCED, NUMBERS };

static const struct {
    const char *name;
    enum metric_kind kind;
} s_numbers[NUMBERS] = {
    [STORED] = { "zpulse_collector_ledger_stored_samples_total", METRIC_COUNTER },
    [REFUSED] = { "zpulse_collector_ledger_refused_samples_total", METRIC_COUNTER },
    [ELSEWHERE] = { "zpulse_collector_ledger_elsewhere_samples_total", METRIC_COUNTER },
    [LOST] = { "zpulse_collector_ledger_lost_samples_total", METRIC_COUNTER },
    [MISSED] = { "zpulse_collector_ledger_missed_ticks_total", METRIC_COUNTER },
    [PENDING] = { "zpulse_collector_ledger_pending_samples", METRIC_GAUGE },
    [UNBALANCED] = { "zpulse_collector_ledger_unbalanced_samples", METRIC_GAUGE },
};

// Of each limit, and only once it has refused something.
enum refused { LIMIT_SAMPLES_TOTAL, LIMIT_SERIES_TOTAL, LIMIT_NUMBERS };

static const char *const s_limit_names[LIMIT_NUMBERS] = {
    [LIMIT_SAMPLES_TOTAL] = "zpulse_collector_limit_refused_samples_total",
    [LIMIT_SERIES_TOTAL] = "zpulse_collector_limit_refused_series_total",
};

// Of one host.
struct entry {
    char *name;             // that its series have
    series_id ids[NUMBERS]; // 0: to be made
    series_id limits[REFUSED_LIMITS][LIMIT_NUMBERS];
};

struct ledger_series {
    struct ledger_series_options is;
    char instance[NAME_SIZE];
    map_t *entries; // host -> struct entry
    int64_t due_ms; // monotonic
    struct row_builder row;
};

static void s_put(ledger_series_t *self, const struct host *host);
static struct entry *s_entry(ledger_series_t *self, const struct host *host);
static void s_put_limits(ledger_series_t *self, struct entry *e, const struct query_ledger *l);
static series_id s_make(const ledger_series_t *self, const struct entry *e, const char *metric,
                        enum metric_kind kind, const char *limit);
static void s_free(struct entry *e);

ledger_series_t *
ledger_series_new(const struct ledger_series_options *options)
{
    ledger_series_t *self = xcalloc(1, sizeof *self);

    self->is = *options;
    self->entries = map_new();
    if (gethostname(self->instance, sizeof self->instance - 1) == -1 ||
        !str_is_utf8(self->instance, strlen(self->instance)) || self->instance[0] == '\0')
        strcpy(self->instance, "localhost");
    return self;
}

void
ledger_series_destroy(ledger_series_t **self_p)
{
    ledger_series_t *self = *self_p;
    struct map_entry entry;
    size_t at = 0;

    if (self == NULL)
        return;
    while (map_next(self->entries, &at, &entry))
        s_free(entry.value);
    map_destroy(&self->entries);
    row_builder_release(&self->row);
    free(self);
    *self_p = NULL;
}

void
ledger_series_tell(ledger_series_t *self, struct host_time now)
{
    struct store_row row = { .host = self->is.collector, .time_ms = now.real_ms };
    const struct host *host;
    size_t at = 0;

    if (now.mono_ms < self->due_ms)
        return;
    self->due_ms = now.mono_ms + LEDGER_SERIES_EVERY_MS;
    row_builder_begin(&self->row);
    while ((host = host_table_next(self->is.hosts, &at)) != NULL)
        if (host_table_is_listed(self->is.hosts, host))
            s_put(self, host);
    row_builder_finish(&self->row, &row);
    if (row.n > 0)
        store_append(self->is.store, &row);
}

void
ledger_series_forget(ledger_series_t *self, uint64_t host)
{
    s_free(map_remove_u64(self->entries, host));
}

static void
s_put(ledger_series_t *self, const struct host *host)
{
    struct entry *e = s_entry(self, host);
    struct query_ledger l;

    if (e == NULL)
        return;
    host_ledger_get(self->is.ledger, host->info.host,
                    ingest_count(self->is.ingest, host->info.host), &l);
    const double values[NUMBERS] = {
        [STORED] = (double) l.stored,
        [REFUSED] = (double) query_ledger_refused(&l),
        [ELSEWHERE] = (double) l.elsewhere,
        [LOST] = (double) ledger_lost(&l.told),
        [MISSED] = (double) ledger_missed(&l.told),
        [PENDING] = (double) l.told.pending,
        [UNBALANCED] = (double) l.unbalanced,
    };

    for (unsigned i = 0; i < NUMBERS; i++) {
        if (e->ids[i] == 0)
            e->ids[i] = s_make(self, e, s_numbers[i].name, s_numbers[i].kind, NULL);
        if (e->ids[i] != 0)
            row_builder_add(&self->row, e->ids[i], values[i]);
    }
    s_put_limits(self, e, &l);
}

static void
s_put_limits(ledger_series_t *self, struct entry *e, const struct query_ledger *l)
{
    for (uint32_t i = 0; i < l->n_limits; i++) {
        const struct query_limit *limit = &l->limits[i];
        series_id *ids = e->limits[limit->limit];
        const double values[LIMIT_NUMBERS] = {
            [LIMIT_SAMPLES_TOTAL] = (double) limit->samples,
            [LIMIT_SERIES_TOTAL] = (double) limit->series,
        };

        for (unsigned j = 0; j < LIMIT_NUMBERS; j++) {
            if (ids[j] == 0)
                ids[j] = s_make(self, e, s_limit_names[j], METRIC_COUNTER,
                                refused_limit_str(limit->limit));
            if (ids[j] != 0)
                row_builder_add(&self->row, ids[j], values[j]);
        }
    }
}

// NULL where there are too many. A host that is called otherwise has other series.
static struct entry *
s_entry(ledger_series_t *self, const struct host *host)
{
    struct entry *e = map_get_u64(self->entries, host->info.host);

    if (e != NULL && strcmp(e->name, host->info.name) == 0)
        return e;
    if (e == NULL && map_count(self->entries) >= LEDGER_SERIES_HOSTS)
        return NULL;
    e = xcalloc(1, sizeof *e);
    e->name = xstrdup(host->info.name);
    s_free(map_put_u64(self->entries, host->info.host, e));
    return e;
}

// 0 while the store has no room. `limit` of NULL: it is of none.
static series_id
s_make(const ledger_series_t *self, const struct entry *e, const char *metric,
       enum metric_kind kind, const char *limit)
{
    const struct label labels[] = {
        { LABEL_METRIC, metric }, { "host", e->name }, { "instance", self->instance },
        { "job", "zpulse" },      { "limit", limit },  { "program", "collector" },
    };
    const struct label without[] = { labels[0], labels[1], labels[2], labels[3], labels[5] };
    struct label_set set;
    series_id id = 0;

    if (label_set_init(&set, limit != NULL ? labels : without, limit != NULL ? 6 : 5) < 0)
        return 0;
    if (store_series(self->is.store, self->is.collector, &set, kind, &id) < 0)
        id = 0;
    label_set_release(&set);
    return id;
}

static void
s_free(struct entry *e)
{
    if (e == NULL)
        return;
    free(e->name);
    free(e);
}
