// series_table - see the header.
//
// Arrays by slot, so that a tick walks only what it needs: `cells` is what the codec is given,
// `most` what decides how a value is kept, `present` what the tick before had, `entries` what is
// looked at when a series is made or sent. An agent finds nothing in the cache that it left there
// a second ago, so each line that a tick touches is a miss.
// Definitions never move to another slot and never change, so a slot number is all a family keeps.

#include "agent/series_table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/map.h"
#include "shared/base/xalloc.h"
#include "shared/model/sample.h"

#define LABELS_MAX 16 // beside name and job

struct entry {
    struct slot_def def;
    const char *help;
};

struct series_table {
    uint32_t n;
    uint32_t size;         // allocated, in all five arrays
    struct entry *entries; // by slot
    struct cell *cells;    // by slot
    int64_t *most;         // by slot: |m| up to this travels as an integer; -1: none does
    uint8_t *present;      // by slot: 1 if its last sample was a value
    uint8_t *owners;       // by slot
    unsigned owner;        // of series that are made now
    bool rests[SERIES_OWNERS];
    map_t *by_labels; // bytes of the label set -> slot + 1
    uint64_t refused;
};

static uint32_t s_add(series_table_t *self, const struct series_spec *spec, struct label_set *set);
static size_t s_key(uint8_t *out, size_t size, const struct label_set *set);
static void s_grow(series_table_t *self);

series_table_t *
series_table_new(void)
{
    series_table_t *self = xcalloc(1, sizeof *self);

    self->by_labels = map_new();
    return self;
}

void
series_table_destroy(series_table_t **self_p)
{
    series_table_t *self = *self_p;

    if (self == NULL)
        return;
    for (uint32_t i = 0; i < self->n; i++)
        label_set_release(&self->entries[i].def.labels);
    free(self->entries);
    free(self->cells);
    free(self->most);
    free(self->present);
    free(self->owners);
    map_destroy(&self->by_labels);
    free(self);
    *self_p = NULL;
}

uint32_t
series_table_slot(series_table_t *self, const struct series_spec *spec, const struct label *labels,
                  size_t n)
{
    struct label all[LABELS_MAX + 2] = {
        { .name = LABEL_METRIC, .value = spec->name },
        { .name = "job", .value = spec->job },
    };
    struct label_set set;
    uint32_t slot;

    assert(n <= LABELS_MAX && metric_form_valid(spec->form));
    if (n > 0)
        memcpy(&all[2], labels, n * sizeof *labels);
    if (label_set_init(&set, all, n + 2) < 0) {
        self->refused++;
        return SERIES_NONE;
    }
    slot = s_add(self, spec, &set);
    label_set_release(&set); // empty where the table has taken it
    return slot;
}

// Takes *set if the series is new; leaves it otherwise.
static uint32_t
s_add(series_table_t *self, const struct series_spec *spec, struct label_set *set)
{
    uint8_t *key = xmalloc(2 * LABEL_BYTES_MAX);
    const size_t len = s_key(key, 2 * LABEL_BYTES_MAX, set);
    const uintptr_t known = (uintptr_t) map_get(self->by_labels, key, len);
    uint32_t slot = SERIES_NONE;

    if (known != 0) {
        slot = (uint32_t) (known - 1);
    } else if (self->n == SERIES_TABLE_MAX) {
        self->refused++;
    } else {
        s_grow(self);
        slot = self->n++;
        self->entries[slot] = (struct entry){
            .def = { .slot = slot, .kind = spec->kind, .form = spec->form, .labels = *set },
            .help = spec->help,
        };
        self->most[slot] = spec->form.exponent == METRIC_RAW
                               ? -1
                               : METRIC_MANTISSA_MAX / spec->form.unit;
        *set = (struct label_set){ 0 };
        self->cells[slot].state = CELL_ABSENT;
        self->present[slot] = 0;
        self->owners[slot] = (uint8_t) self->owner;
        map_put(self->by_labels, key, len, (void *) (uintptr_t) (slot + 1));
    }
    free(key);
    return slot;
}

static size_t
s_key(uint8_t *out, size_t size, const struct label_set *set)
{
    struct wbuf w;

    wbuf_init(&w, out, size);
    label_set_put(&w, set);
    assert(wbuf_finish(&w) >= 0); // a set has at most LABEL_BYTES_MAX, and 64 lengths
    return w.len;
}

// By doubling: a large host makes thousands of series in its first tick.
static void
s_grow(series_table_t *self)
{
    if (self->n < self->size)
        return;
    self->size = self->size == 0 ? 128 : self->size * 2;
    self->entries = xrealloc(self->entries, self->size, sizeof *self->entries);
    self->cells = xrealloc(self->cells, self->size, sizeof *self->cells);
    self->most = xrealloc(self->most, self->size, sizeof *self->most);
    self->present = xrealloc(self->present, self->size, sizeof *self->present);
    self->owners = xrealloc(self->owners, self->size, sizeof *self->owners);
}

void
series_table_own(series_table_t *self, unsigned owner)
{
    assert(owner < SERIES_OWNERS);
    self->owner = owner;
}

void
series_table_rest(series_table_t *self, unsigned owner, bool rests)
{
    assert(owner < SERIES_OWNERS);
    self->rests[owner] = rests;
}

void
series_table_begin(series_table_t *self)
{
    for (uint32_t i = 0; i < self->n; i++)
        self->cells[i].state = CELL_ABSENT;
}

void
series_table_set(series_table_t *self, uint32_t slot, int64_t m)
{
    int64_t most;

    if (slot == SERIES_NONE)
        return;
    assert(slot < self->n);
    most = self->most[slot];
    // -1 for series that are all raw, so that one comparison decides for them too.
    if (m > most || m < -most)
        self->cells[slot] = (struct cell){
            .state = CELL_RAW,
            .bits = sample_bits(most < 0 ? (double) m
                                         : metric_value(self->entries[slot].def.form, m)),
        };
    else
        self->cells[slot] = (struct cell){ .state = CELL_INTEGER, .m = m };
}

void
series_table_set_double(series_table_t *self, uint32_t slot, double value)
{
    if (slot != SERIES_NONE)
        self->cells[slot] = series_table_cell(self, slot, value);
}

void
series_table_end(series_table_t *self)
{
    for (uint32_t i = 0; i < self->n; i++) {
        struct cell *cell = &self->cells[i];
        const bool has = cell->state != CELL_ABSENT;

        if (!has && self->rests[self->owners[i]])
            continue;
        // A reader that looks back some minutes would otherwise still see the last value.
        if (!has && self->present[i])
            *cell = (struct cell){ .state = CELL_RAW, .bits = SAMPLE_STALE_BITS };
        self->present[i] = has;
    }
}

struct cell
series_table_cell(const series_table_t *self, uint32_t slot, double value)
{
    struct cell cell = { .state = CELL_INTEGER };

    assert(slot < self->n);
    if (self->most[slot] < 0 || !metric_mantissa(self->entries[slot].def.form, value, &cell.m))
        cell = (struct cell){ .state = CELL_RAW, .bits = sample_bits(value) };
    return cell;
}

uint32_t
series_table_count(const series_table_t *self)
{
    return self->n;
}

const struct cell *
series_table_cells(const series_table_t *self)
{
    return self->cells;
}

const struct slot_def *
series_table_def(const series_table_t *self, uint32_t slot)
{
    assert(slot < self->n);
    return &self->entries[slot].def;
}

const char *
series_table_help(const series_table_t *self, uint32_t slot)
{
    assert(slot < self->n);
    return self->entries[slot].help;
}

uint64_t
series_table_refused(const series_table_t *self)
{
    return self->refused;
}
