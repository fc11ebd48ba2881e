// import_text - one line of a file that is imported, whatever its form.
//
// The two forms say a series in the same way, name{a="b"}; what it means is import_series', and who
// has seen it before need not ask again.

#ifndef COLLECTOR_CTL_IMPORT_TEXT_H
#define COLLECTOR_CTL_IMPORT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/model/metric.h"

#define IMPORT_DECIMALS_NONE 255 // the number has an exponent, or is none

struct import_line {
    bool sample;        // false: there is nothing to be stored in it
    const char *series; // name{a="b"}, as it stands there; borrowed until the next line
    size_t series_len;
    int64_t time_ms; // since the epoch
    double value;
    uint8_t decimals;      // digits behind the point, as written
    enum metric_kind kind; // of the series
};

// What is wrong with a line: a rule, and the part of the line that breaks it. Borrowed likewise.
struct import_fault {
    const char *rule; // a sentence without a full stop
    const char *value;
    size_t len; // of `value`; 0: it is about no part of it
};

#endif
