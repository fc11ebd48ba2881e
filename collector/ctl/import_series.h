// import_series - a series as text, name{a="b",c="d"}, into its labels.
//
// In:     text of a stranger, not terminated: what label_set_text writes, labels in any order.
// Thread: pure.
// Source: OpenMetrics 1.0, "Metric" and "Escaping": in a value \\, \" and \n alone are escapes.

#ifndef COLLECTOR_CTL_IMPORT_SERIES_H
#define COLLECTOR_CTL_IMPORT_SERIES_H

#include "collector/ctl/import_text.h"
#include "shared/model/label.h"

// Bytes of the series that a line begins with, so that what follows can be read: to the end of the
// braces, or of the name where there are none. A brace that is never closed ends with the line.
size_t import_series_span(const char *at, size_t n);
// 0 and a set that is the caller's; ERR_FORMAT or ERR_LIMIT and what is wrong.
int import_series_parse(struct label_set *ret, const char *at, size_t n,
                        struct import_fault *fault);

#endif
