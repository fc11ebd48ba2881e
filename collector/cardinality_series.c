// cardinality_series - see the header.

#include "collector/cardinality_series.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/cardinality.h"
#include "collector/row_builder.h"
#include "shared/base/map.h"
#include "shared/base/str.h"
#include "shared/base/xalloc.h"
#include "shared/model/sample.h"

#define NAME_SIZE 65 // HOST_NAME_MAX of Linux and a NUL

enum total { SERIES, SERIES_LATELY, PAIRS, TOTALS };

static const char *const s_totals[TOTALS] = {
    [SERIES] = "zpulse_store_series",
    [SERIES_LATELY] = "zpulse_store_series_recent",
    [PAIRS] = "zpulse_store_label_pairs",
};

// What one kind of line is told as.
struct list {
    const char *metric;
    const char *label;
    map_t *entries; // value of the label -> struct entry
};

struct entry {
    series_id id;
    uint64_t told; // the round in which it was last in the list
};

struct cardinality_series {
    store_t *store;
    const host_table_t *hosts;
    uint64_t collector;
    char instance[NAME_SIZE];
    int64_t due_ms; // monotonic
    uint64_t round; // counts rows
    series_id totals[TOTALS];
    struct list host_series;
    struct list label_values;
    struct row_builder row;
};

static void s_totals_put(cardinality_series_t *self);
static void s_hosts_put(cardinality_series_t *self);
static void s_labels_put(cardinality_series_t *self);
static void s_put(cardinality_series_t *self, struct list *list, const char *value, double number);
static void s_end_round(cardinality_series_t *self, struct list *list);
static series_id s_make(const cardinality_series_t *self, const char *metric, const char *label,
                        const char *value);
static void s_release(struct list *list);

cardinality_series_t *
cardinality_series_new(store_t *store, const host_table_t *hosts, uint64_t collector)
{
    cardinality_series_t *self = xcalloc(1, sizeof *self);

    self->store = store;
    self->hosts = hosts;
    self->collector = collector;
    self->host_series = (struct list){ .metric = "zpulse_store_host_series",
                                       .label = "host",
                                       .entries = map_new() };
    self->label_values = (struct list){ .metric = "zpulse_store_label_values",
                                        .label = "label",
                                        .entries = map_new() };
    if (gethostname(self->instance, sizeof self->instance - 1) == -1 ||
        !str_is_utf8(self->instance, strlen(self->instance)) || self->instance[0] == '\0')
        strcpy(self->instance, "localhost");
    return self;
}

void
cardinality_series_destroy(cardinality_series_t **self_p)
{
    cardinality_series_t *self = *self_p;

    if (self == NULL)
        return;
    s_release(&self->host_series);
    s_release(&self->label_values);
    row_builder_release(&self->row);
    free(self);
    *self_p = NULL;
}

void
cardinality_series_tell(cardinality_series_t *self, struct host_time now)
{
    struct store_row row = { .host = self->collector, .time_ms = now.real_ms };

    if (now.mono_ms < self->due_ms)
        return;
    self->due_ms = now.mono_ms + CARDINALITY_EVERY_MS;
    self->round++;
    row_builder_begin(&self->row);
    s_totals_put(self);
    s_hosts_put(self);
    s_labels_put(self);
    row_builder_finish(&self->row, &row);
    if (row.n > 0)
        store_append(self->store, &row);
}

static void
s_totals_put(cardinality_series_t *self)
{
    struct store_stat stat;

    store_stat(self->store, &stat);
    const double values[TOTALS] = {
        [SERIES] = (double) stat.series,
        [SERIES_LATELY] = (double) stat.series_lately,
        [PAIRS] = (double) stat.pairs,
    };

    for (unsigned i = 0; i < TOTALS; i++) {
        if (self->totals[i] == 0)
            self->totals[i] = s_make(self, s_totals[i], NULL, NULL);
        if (self->totals[i] != 0)
            row_builder_add(&self->row, self->totals[i], values[i]);
    }
}

static void
s_hosts_put(cardinality_series_t *self)
{
    struct cardinality list;

    (void) cardinality_take(&list, self->store, STORE_COUNT_HOSTS, NULL, CARDINALITY_HOSTS);
    for (size_t i = 0; i < list.n; i++) {
        const struct host *host = host_table_find(self->hosts, list.at[i].host);
        char id[STR_HEX64_SIZE];

        s_put(self, &self->host_series,
              host != NULL ? host->info.name : str_hex64_put(id, list.at[i].host),
              (double) list.at[i].series);
    }
    cardinality_release(&list);
    s_end_round(self, &self->host_series);
}

static void
s_labels_put(cardinality_series_t *self)
{
    struct cardinality list;

    (void) cardinality_take(&list, self->store, STORE_COUNT_NAMES, NULL, CARDINALITY_LABELS);
    for (size_t i = 0; i < list.n; i++)
        s_put(self, &self->label_values, list.at[i].text, (double) list.at[i].values);
    cardinality_release(&list);
    s_end_round(self, &self->label_values);
}

static void
s_put(cardinality_series_t *self, struct list *list, const char *value, double number)
{
    struct entry *e = map_get(list->entries, value, strlen(value));

    if (e == NULL) {
        if (map_count(list->entries) >= CARDINALITY_EVER)
            return;
        e = xcalloc(1, sizeof *e);
        map_put(list->entries, value, strlen(value), e);
    }
    if (e->id == 0)
        e->id = s_make(self, list->metric, list->label, value);
    if (e->id != 0)
        row_builder_add(&self->row, e->id, number);
    e->told = self->round;
}

static void
s_end_round(cardinality_series_t *self, struct list *list)
{
    struct map_entry entry;

    for (size_t at = 0; map_next(list->entries, &at, &entry);) {
        const struct entry *e = entry.value;

        if (e->told + 1 == self->round && e->id != 0)
            row_builder_add(&self->row, e->id, sample_from_bits(SAMPLE_STALE_BITS));
    }
}

// 0 while the store has no room.
static series_id
s_make(const cardinality_series_t *self, const char *metric, const char *label, const char *value)
{
    const struct label labels[] = {
        { LABEL_METRIC, metric }, { "instance", self->instance },
        { "job", "zpulse" },      { "program", "collector" },
        { label, value },
    };
    struct label_set set;
    series_id id = 0;

    if (label_set_init(&set, labels, label != NULL ? 5 : 4) < 0)
        return 0;
    if (store_series(self->store, self->collector, &set, METRIC_GAUGE, &id) < 0)
        id = 0;
    label_set_release(&set);
    return id;
}

static void
s_release(struct list *list)
{
    struct map_entry entry;

    for (size_t at = 0; map_next(list->entries, &at, &entry);)
        free(entry.value);
    map_destroy(&list->entries);
}
