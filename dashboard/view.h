// view - what a column of a page is: series to the number on the chart.
//
// In:     rows of one host, times rising: one value a series, NaN where there is none.
// Out:    rows of columns in their unit, NaN where there is no number. The live stream and history
//         both go through here, so that they are the same numbers.
// Rates:  between neighbouring samples of one series; none after a reset (the value fell), over a
//         hole (neighbours more than 1.5 intervals apart), or where two clocks interleave
//         (neighbours closer than a twentieth of the interval).
// Thread: one owner. Pure: no sockets, no clocks.
// Source: proc_stat(5), proc_meminfo(5) for the meaning; node_exporter for names and units.

#ifndef DASHBOARD_VIEW_H
#define DASHBOARD_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/buf.h"
#include "shared/model/label.h"

enum view_unit { VIEW_PERCENT, VIEW_BYTES, VIEW_LOAD, VIEW_COUNT, VIEW_PER_SECOND };
// "percent", "bytes", ...
const char *view_unit_str(enum view_unit unit);
// Digits after the point that mean something.
unsigned view_unit_decimals(enum view_unit unit);

#define VIEW_ID_SIZE    24
#define VIEW_PICK_MAX   512
#define VIEW_ERROR_SIZE 160

// Which columns are meant. Zero is all of them.
struct view_pick {
    size_t n;
    char (*ids)[VIEW_ID_SIZE]; // owned: view_pick_release
};
// "cpu.user,core.3". 0; ERR_UNKNOWN or ERR_LIMIT, and in error[] a sentence that names the
// offender and, where there is one, the nearest right id.
int view_pick_parse(struct view_pick *pick, const char *text, char error[VIEW_ERROR_SIZE]);
void view_pick_release(struct view_pick *pick);

// The selectors of all series that these columns need, each NUL-terminated in *text, which the
// caller owns; ret[] points into it. At most `most` (asserted); returns how many.
size_t view_selectors(const struct view_pick *pick, struct buf *text, const char **ret,
                      size_t most);

// Some column of these is made from this series. NULL: of all.
bool view_uses(const struct view_pick *pick, const struct label_set *labels);

struct view_column {
    char id[VIEW_ID_SIZE];
    enum view_unit unit;
};

typedef struct view view_t;

// The interval is the host's, 1 or more. `pick` NULL: all columns; borrowed for the call.
view_t *view_new(const struct view_pick *pick, int64_t interval_ms);
void view_destroy(view_t **self_p);

// True if some column is made from this series; then it has a place in the rows. Before view_seal.
bool view_add(view_t *self, const struct label_set *labels);
// Columns and places stand fast from here.
void view_seal(view_t *self);
// The series' place in a row, or -1.
ptrdiff_t view_find(const view_t *self, const struct label_set *labels);
size_t view_series(const view_t *self);                                  // places in a row
size_t view_columns(const view_t *self, const struct view_column **ret); // ours

// One row: `values` has view_series numbers, `out` room for view_columns. Cost: some 10 ns a
// series.
void view_push(view_t *self, int64_t time_ms, const double *values, double *out);

#endif
