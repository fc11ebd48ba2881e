// stat_series - the collector's own counters, as series in its own store.

#include "collector/stat_series.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/collector_stat.h"
#include "collector/row_builder.h"
#include "shared/base/str.h"
#include "shared/base/xalloc.h"
#include "shared/net/selfstat.h"

#define VALUES_MAX 80 // counters and process_*
#define NAME_SIZE  65 // HOST_NAME_MAX of Linux and a NUL

struct stat_series {
    store_t *store;
    const host_table_t *hosts;
    uint64_t collector;
    char instance[NAME_SIZE];
    uint32_t n;                // values of this row
    series_id ids[VALUES_MAX]; // by place in selfstat_each's order; 0: to be made
    struct row_builder row;
};

static void s_gather(const stat_series_t *self);
static void s_value(void *arg, const char *name, const char *label, const char *label_value,
                    enum metric_kind kind, double value);
static series_id s_make(const stat_series_t *self, const char *name, const char *label,
                        const char *label_value, enum metric_kind kind);

stat_series_t *
stat_series_new(store_t *store, const host_table_t *hosts, uint64_t collector)
{
    stat_series_t *self = xcalloc(1, sizeof *self);

    self->store = store;
    self->hosts = hosts;
    self->collector = collector;
    if (gethostname(self->instance, sizeof self->instance - 1) == -1 ||
        !str_is_utf8(self->instance, strlen(self->instance)) || self->instance[0] == '\0')
        strcpy(self->instance, "localhost");
    return self;
}

void
stat_series_destroy(stat_series_t **self_p)
{
    stat_series_t *self = *self_p;

    if (self == NULL)
        return;
    row_builder_release(&self->row);
    free(self);
    *self_p = NULL;
}

void
stat_series_tell(stat_series_t *self, int64_t real_ms)
{
    struct store_row row = { .host = self->collector, .time_ms = real_ms };

    store_turn(self->store);
    s_gather(self);
    self->n = 0;
    row_builder_begin(&self->row);
    selfstat_each(s_value, self);
    row_builder_finish(&self->row, &row);
    if (row.n > 0)
        store_append(self->store, &row);
}

// Gauges that others keep, read once a second.
static void
s_gather(const stat_series_t *self)
{
    struct store_stat stat;

    store_stat(self->store, &stat);
    selfstat_set(STAT_SERIES, (int64_t) stat.series);
    selfstat_set(STAT_SERIES_MADE, (int64_t) stat.series_made);
    selfstat_set(STAT_HEAD_SAMPLES, (int64_t) stat.samples);
    selfstat_set(STAT_HEAD_BYTES, (int64_t) stat.bytes);
    selfstat_set(STAT_HEAD_EVICTED, (int64_t) stat.samples_evicted);
    selfstat_set(STAT_HEAD_CONFLICTS, (int64_t) stat.conflicts);
    selfstat_set(STAT_AGENTS_UP, (int64_t) host_table_in_state(self->hosts, HOST_UP));
    selfstat_set(STAT_AGENTS_LATE, (int64_t) host_table_in_state(self->hosts, HOST_LATE));
    selfstat_set(STAT_AGENTS_STOPPED, (int64_t) host_table_in_state(self->hosts, HOST_STOPPED));
    selfstat_set(STAT_AGENTS_SILENT, (int64_t) host_table_in_state(self->hosts, HOST_SILENT));
}

// One counter, in the order in which selfstat tells them, which never changes: so its place is its
// name, and labels are made once.
static void
s_value(void *arg, const char *name, const char *label, const char *label_value,
        enum metric_kind kind, double value)
{
    stat_series_t *self = arg;
    uint32_t at = self->n;

    if (at == VALUES_MAX)
        return;
    if (self->ids[at] == 0)
        self->ids[at] = s_make(self, name, label, label_value, kind);
    if (self->ids[at] != 0)
        row_builder_add(&self->row, self->ids[at], value);
    self->n++;
}

// 0 while the store has no room.
static series_id
s_make(const stat_series_t *self, const char *name, const char *label, const char *label_value,
       enum metric_kind kind)
{
    struct label labels[5] = {
        { LABEL_METRIC, name },     { "instance", self->instance }, { "job", "zpulse" },
        { "program", "collector" }, { label, label_value },
    };
    struct label_set set;
    series_id id = 0;

    if (label_set_init(&set, labels, label != NULL ? 5 : 4) < 0)
        return 0;
    if (store_series(self->store, self->collector, &set, kind, &id) < 0)
        id = 0;
    label_set_release(&set);
    return id;
}
