// import_csv - lines of the CSV that `zpulse export` writes: time_ms,series,value.
//
// In:     lines of a stranger without their end; the first one is the head, EXPORT_CSV_HEAD.
// Out:    samples; -NaN is the mark of a series that ends. Kinds go by the end of a name, since
//         CSV does not say: _total, _count and _bucket are counters, _info is an info.
// Thread: one owner. Pure.
// Source: RFC 4180; a series has no line break in it, since a label's value has \n for one.

#ifndef COLLECTOR_CTL_IMPORT_CSV_H
#define COLLECTOR_CTL_IMPORT_CSV_H

#include "collector/ctl/import_text.h"
#include "shared/base/buf.h"

// Zero is a file of which nothing was read. Holds memory: import_csv_release.
struct import_csv {
    bool begun;      // the head was there
    struct buf text; // the series of the line at hand, where it was quoted
};

void import_csv_release(struct import_csv *self);
// 0 and *ret, or ERR_FORMAT and what is wrong.
int import_csv_line(struct import_csv *self, const char *at, size_t n, struct import_line *ret,
                    struct import_fault *fault);
// After the last line: 0, or ERR_FORMAT where there was no head.
int import_csv_end(const struct import_csv *self, struct import_fault *fault);

#endif
