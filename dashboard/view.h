// view - what a column of a page is: series to the number on the chart.
//
// In:     rows of one host, times rising, and the samples that belong to each.
// Out:    rows of columns in their unit, NaN where there is no number. The live stream and history
//         both go through here, so that they are the same numbers.
// Rows:   the ticks of the host: times at which a series with job="node" has a sample. Applications
//         (job="app") have times of their own: a sample belongs to the first row at or after it.
// Hold:   a value of the host stands in later rows until the next sample of its series or its stale
//         mark, at most VIEW_HOLD_MS; an application's for 1.5 times the distance to the sample
//         before, at least 1.5 intervals of the host. Further apart than VIEW_HOLD_MS are no
//         neighbours.
// Rates:  between neighbouring samples of one series; none over a stale mark, a reset (the value
//         fell), a hole in the rows (two further than 1.5 intervals apart), or where two clocks
//         interleave (neighbours closer than a twentieth of the interval). A rate stands like a
//         value.
// Names:  an id is family.what.NAME, NAME the label's text with '%', ',' and control characters as
//         %XX. A series whose id would be longer than 255 bytes has no column.
// Thread: one owner. Pure: no sockets, no clocks.
// Source: proc(5) for the meaning; node_exporter for names and units of the host's series.

#ifndef DASHBOARD_VIEW_H
#define DASHBOARD_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/buf.h"
#include "shared/base/map.h"
#include "shared/model/label.h"

enum view_unit {
    VIEW_PERCENT,
    VIEW_BYTES,
    VIEW_LOAD,
    VIEW_COUNT,
    VIEW_PER_SECOND,
    VIEW_BYTES_PER_SECOND,
    VIEW_BITS_PER_SECOND,
    VIEW_SECONDS,
    VIEW_CELSIUS,
    VIEW_RPM,
    VIEW_HERTZ,
};
// "percent", "bytes", ...
const char *view_unit_str(enum view_unit unit);
// Digits after the point that mean something in this value.
unsigned view_unit_decimals(enum view_unit unit, double value);

#define VIEW_HOLD_MS 90000 // or two intervals of the host, if that is more
// A window that is loaded begins so long before its first row: then whatever stands there, and the
// rate of it, is known.
int64_t view_back_ms(int64_t interval_ms);

#define VIEW_ID_SIZE    256
#define VIEW_PICK_MAX   512
#define VIEW_ERROR_SIZE 256

// Which columns are meant. Zero is all of them.
struct view_pick {
    size_t n;      // ids and beginnings of ids
    map_t *exact;  // the ids
    char **begins; // owned
    size_t n_begins;
};
// "cpu.user,core.3,disk.*", UTF-8. 0; ERR_UNKNOWN or ERR_LIMIT, and in error[] a sentence that
// names the offender and, where there is one, the nearest right id.
int view_pick_parse(struct view_pick *pick, const char *text, char error[VIEW_ERROR_SIZE]);
void view_pick_release(struct view_pick *pick);

// The selectors of all series that these columns need, and of some that tell the host's ticks, each
// NUL-terminated in *text, which the caller owns; ret[] points into it. Never more than `most` (4
// or more); returns how many. NULL: of all columns, and what is told of the host besides.
size_t view_selectors(const struct view_pick *pick, struct buf *text, const char **ret,
                      size_t most);

// Some column is made from this series, or a fact about the host.
bool view_uses(const struct label_set *labels);
// The series is the host's own, and its samples are ticks.
bool view_is_tick(const struct label_set *labels);
bool view_is_app(const struct label_set *labels);

// Text is the view's.
struct view_column {
    const char *id;
    enum view_unit unit;
    const char *name;   // where there is a column of each: of which; else NULL
    const char *metric; // of an application's number that has no name of ours; else NULL
    const char *color;  // what an application said of itself; else NULL
};

typedef struct view view_t;

// The interval is the host's, 1 or more. `pick` NULL: all columns; borrowed for the call.
view_t *view_new(const struct view_pick *pick, int64_t interval_ms);
void view_destroy(view_t **self_p);

// True if the view uses this series: then it has a place. Before view_seal.
bool view_add(view_t *self, const struct label_set *labels);
// Columns and places stand fast from here. A column is there if each of its terms has a series.
void view_seal(view_t *self);
// The series' place, or -1.
ptrdiff_t view_find(const view_t *self, const struct label_set *labels);
size_t view_series(const view_t *self);                                  // places
size_t view_columns(const view_t *self, const struct view_column **ret); // ours

// One row: begin, the samples that belong to it, end. Times of rows rise. A sample that is not
// newer than the one before it in its series is left alone; NaN, a stale mark too, ends what
// stands. Cost: some 10 ns a series.
void view_begin(view_t *self, int64_t time_ms);
void view_take(view_t *self, size_t place, int64_t time_ms, double value);
void view_end(view_t *self, double *out); // room for view_columns

#endif
