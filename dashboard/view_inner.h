// view_inner - what the files of the view share: the table, matching, names, and the picks.

#ifndef DASHBOARD_VIEW_INNER_H
#define DASHBOARD_VIEW_INNER_H

#include "dashboard/view.h"

#define VIEW_TERMS_MAX 6
#define VIEW_HITS_MAX  16 // terms of the table that one series can be part of

enum view_take { VIEW_VALUE, VIEW_RATE };
enum view_fold { VIEW_SUM, VIEW_MEAN };

// There is one column for each value of a label, or of two.
struct view_each {
    const char *label;  // NULL: one column in all
    const char *second; // or NULL
    char joiner;        // between the two
    bool number;        // decimal digits, and sorted so
};

// Series of one metric whose label has one of the values; taken with this sign.
struct view_term {
    int sign;
    bool optional; // counts as 0 where no series has a value
    const char *metric;
    const char *label;  // or NULL: any
    const char *values; // "a|b"
};

// A column: fold(take(series)) of each term, summed with signs, times scale; from term `over` on,
// the terms are summed up for a divisor.
struct view_def {
    const char *id;
    enum view_unit unit;
    enum view_take take;
    enum view_fold fold;
    double scale;
    double most; // 0: no limit. The kernel counts in ticks: a second may hold 102 of a core's 100
    struct view_each each;
    unsigned over; // 0: no divisor
    struct view_term terms[VIEW_TERMS_MAX];
};

// The table, in the order of columns: the host's, then the applications', which have no terms.
size_t view_defs(const struct view_def **ret);
// The one an application's metric belongs to.
const struct view_def *view_app_def(const char *metric);
// It names its column's metric: the id is family.METRIC.NAME.
bool view_def_names_metric(const struct view_def *def);

// What the column says of a sensor stands in the labels of a series of its own.
#define VIEW_SENSOR_METRIC "node_hwmon_sensor_label"
// Series that no column needs but the facts about a host do; NULL ends it.
extern const char *const view_fact_metrics[];

// A series is part of this term of this column.
struct view_hit {
    const struct view_def *def;
    uint32_t term;
};
// Every term that the series is part of; returns how many.
size_t view_match(struct view_hit hits[VIEW_HITS_MAX], const struct label_set *labels);

// The id and, where there is a column of each, the name, both empty on entry. False if the series
// has no such column: a label is missing, is no number where one is due, or the id is too long.
bool view_id_make(struct buf *id, struct buf *name, const struct view_def *def,
                  const struct label_set *labels);
// The definition this id is of, or NULL if it is none's.
const struct view_def *view_id_def(const char *id);
// "c: ... is no column; the nearest is ...".
void view_id_nearest(char error[VIEW_ERROR_SIZE], const char *id);
// NAME of an id of this definition, decoded, appended.
void view_id_name(struct buf *name, const struct view_def *def, const char *id);

// --- the view itself: view.c (columns and places) and view_row.c (arithmetic)

// One series in one term of one column.
struct view_binding {
    uint32_t column;
    uint32_t term;
    uint32_t series;
};

// What a row is made from, of one series.
struct view_series {
    bool app;           // has times of its own
    int64_t time_ms;    // of the newest sample; INT64_MIN before the first
    int64_t row_ms;     // of the row it belonged to
    int64_t until_ms;   // it stands in rows up to here
    int64_t spacing_ms; // between the last two samples; 0: not known
    double last;        // the newest value; NaN before the first and after the end of the series
    // The newest sample of the rows before the one at hand: what a rate is taken from. NaN where
    // there is none, or a reset since.
    double base;
    int64_t base_ms;
    int64_t base_row_ms;
};
// What stands, beside it.
struct view_standing {
    double value; // or NaN
    double rate;  // per second, or NaN
};

// Bindings of one term of a column.
struct view_run {
    uint32_t n;
    int sign;
    bool optional;
};

struct view_sum {
    const struct view_def *def;
    char *id; // owned, like the name
    char *name;
    size_t place; // of some series of it
    size_t first; // of its bindings, once sealed
    uint32_t terms;
    struct view_run runs[VIEW_TERMS_MAX];
};

struct view {
    int64_t interval_ms;
    int64_t hold_ms; // VIEW_HOLD_MS, or more
    struct view_pick pick;
    map_t *by_hash;           // of labels: 1 + place of the newest such series, as a pointer
    map_t *by_id;             // of a column: 1 + its number before the seal, as a pointer
    map_t *sensors;           // "chip/sensor": what it is called, ours
    struct label_set *labels; // by place; owned
    size_t *next_alike;       // 1 + another place with the same hash, 0: none
    struct view_series *series;
    struct view_standing *standing;
    size_t n_series, series_size;
    struct view_sum *sums;    // in the table's order once sealed
    struct view_column *seen; // the same columns, for others
    size_t n_sums, sums_size;
    struct view_binding *bindings; // by column, then term, once sealed
    uint32_t *bound;               // their series alone
    size_t n_bindings, bindings_size;
    bool sealed;
    bool begun;          // a row has been
    int64_t row_ms;      // the row at hand, or the last one
    int64_t unbroken_ms; // the first row since the last hole
};

bool view_pick_has(const struct view_pick *pick, const char *id);
void view_pick_copy(struct view_pick *pick, const struct view_pick *from);
// Some id that begins so is of this definition.
bool view_def_begins(const struct view_def *def, const char *begin);

#endif
