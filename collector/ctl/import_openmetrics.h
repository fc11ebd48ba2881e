// import_openmetrics - lines of OpenMetrics text, samples with times.
//
// In:     lines of a stranger without their end.
// Out:    samples. TYPE says the kind of those of its family that follow it; HELP, UNIT, other
//         comments and empty lines are read past, and so is an exemplar behind a sample.
// Refuses a sample without a time, and a file without # EOF at its end: it was cut.
// Thread: one owner. Pure.
// Source: OpenMetrics 1.0: a line is `series value seconds`, one space between.

#ifndef COLLECTOR_CTL_IMPORT_OPENMETRICS_H
#define COLLECTOR_CTL_IMPORT_OPENMETRICS_H

#include "collector/ctl/import_text.h"
#include "shared/base/buf.h"

// What TYPE says.
enum import_type {
    IMPORT_UNKNOWN,
    IMPORT_GAUGE,
    IMPORT_COUNTER,
    IMPORT_INFO,
    IMPORT_HISTOGRAM, // and summary, gaugehistogram: parts of them count
};

// Zero is a file of which nothing was read. Holds memory: import_openmetrics_release.
struct import_openmetrics {
    bool ended;            // # EOF was there
    enum import_type type; // of the family
    struct buf family;     // that TYPE named last
};

void import_openmetrics_release(struct import_openmetrics *self);
// 0 and *ret, or ERR_FORMAT and what is wrong.
int import_openmetrics_line(struct import_openmetrics *self, const char *at, size_t n,
                            struct import_line *ret, struct import_fault *fault);
// After the last line: 0, or ERR_FORMAT where # EOF is missing.
int import_openmetrics_end(const struct import_openmetrics *self, struct import_fault *fault);

#endif
