// series_table - every series of this host, and what it is in the tick at hand.
//
// In:     a slot for each new series, once; then values by slot, a few instructions each.
// Out:    definitions in slot order, and one row of cells a tick, ready for the row codec.
// Order:  series_table_begin, any number of sets, series_table_end: one tick.
//         A series that had a value and gets none is given one stale mark, then is absent. Unless
//         its owner rests in this tick: then it is only absent, and not over.
// Thread: one owner.
// Limits: SERIES_TABLE_MAX series; what is beyond gets SERIES_NONE and is counted. Slots live as
//         long as the table: a processor that comes back finds its old ones.

#ifndef AGENT_SERIES_TABLE_H
#define AGENT_SERIES_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/model/label.h"
#include "shared/model/metric.h"
#include "shared/wire/body.h"
#include "shared/wire/row_codec.h"

// So many that a KEY of all of them fits one frame, whatever the values (ROW_SLOT_MOST), and so
// does a block of all of them at a time of its own.
#define SERIES_TABLE_MAX 16384u
#define SERIES_NONE      UINT32_MAX // no slot: setting it does nothing
#define SERIES_OWNERS    64         // owners 0 to 63

typedef struct series_table series_table_t;

// What the series of one metric have in common.
struct series_spec {
    const char *name; // of the metric
    enum metric_kind kind;
    struct metric_form form;
    const char *job;  // value of the label "job"
    const char *help; // one line, must live as long as the table; may be NULL
};

series_table_t *series_table_new(void);
void series_table_destroy(series_table_t **self_p);

// The slot of the series `spec` with the `n` labels beside name and job (at most 16): a new one, or
// the one it has. SERIES_NONE if the labels break a rule of label.h, or the table is full.
uint32_t series_table_slot(series_table_t *self, const struct series_spec *spec,
                           const struct label *labels, size_t n);

// Whose the series made from here on are: 0 at first. A series stays its first owner's.
void series_table_own(series_table_t *self, unsigned owner);
// Whether this owner's series rest, from here on: no value then means not sampled, not ended.
void series_table_rest(series_table_t *self, unsigned owner, bool rests);

void series_table_begin(series_table_t *self);
// The integer the kernel says: the value is metric_value(form of the slot, m).
void series_table_set(series_table_t *self, uint32_t slot, int64_t m);
// Any double; travels as an integer where the slot's form holds it exactly.
void series_table_set_double(series_table_t *self, uint32_t slot, double value);
void series_table_end(series_table_t *self);
// The cell that a double is in this slot, for a sample beside the rows. The slot is not set.
struct cell series_table_cell(const series_table_t *self, uint32_t slot, double value);

uint32_t series_table_count(const series_table_t *self); // slots
// One cell a slot, of the tick that ended last.
const struct cell *series_table_cells(const series_table_t *self);
const struct slot_def *series_table_def(const series_table_t *self, uint32_t slot);
const char *series_table_help(const series_table_t *self, uint32_t slot); // or NULL
uint64_t series_table_refused(const series_table_t *self);                // series, ever

#endif
