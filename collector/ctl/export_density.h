// export_density - where in a window the samples are that made an answer too large.
//
// In:     the window that was asked for, and as many series of the answer as came before it was
//         given up.
// Out:    a shorter window from the same time on, of which the answer is likely to fit. An answer
//         that is given up was made and sent for nothing, which costs as much as many small ones:
//         so it is to tell what halving would find out in many more.
// Thread: pure.

#ifndef COLLECTOR_CTL_EXPORT_DENSITY_H
#define COLLECTOR_CTL_EXPORT_DENSITY_H

#include <stddef.h>
#include <stdint.h>

#include "shared/model/sample.h"

#define EXPORT_DENSITY_PARTS 64u // of a window

struct export_density {
    int64_t from_ms;  // of the window
    int64_t width_ms; // to its end, which is of it
    uint64_t series;  // that came
    uint64_t samples[EXPORT_DENSITY_PARTS];
};

void export_density_begin(struct export_density *self, int64_t from_ms, int64_t to_ms);
// Samples of one series; those that are not within the window, which nobody asked for, are left
// out.
void export_density_add(struct export_density *self, const struct sample *samples, size_t n);
// A width, below that of the window (which is above 0), for about `most` samples of `series` series
// like those that came.
int64_t export_density_width(const struct export_density *self, uint64_t series, uint64_t most);

#endif
