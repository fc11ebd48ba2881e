// export_text - samples as lines of text, and the selectors that ask for them.
//
// Out:    OpenMetrics 1.0: `series value seconds`; or CSV as RFC 4180 with LF: `time_ms,series,
//         value`, the series quoted. Values are the shortest text that reads back as the same
//         double; NaN, +Inf, -Inf are spelled so.
// A stale mark says that its series ended there. CSV has it as -NaN, which reads as a NaN as well
// and is never written for another one; OpenMetrics has no word for it, so it is left out there.
// Thread: pure.

#ifndef COLLECTOR_CTL_EXPORT_TEXT_H
#define COLLECTOR_CTL_EXPORT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "collector/ctl/export_list.h"
#include "shared/base/buf.h"
#include "shared/model/sample.h"

#define EXPORT_CSV_HEAD "time_ms,series,value\n"
#define EXPORT_EOF      "# EOF\n" // ends OpenMetrics

void export_put_family(struct buf *out, const struct export_series *s);
// False where OpenMetrics has nothing to say of it.
bool export_put_openmetrics(struct buf *out, const char *series, const struct sample *sample);
void export_put_csv(struct buf *out, const char *series, const struct sample *sample);

// What `match` means (a selector, checked), of series with name and instance of `s`.
void export_put_unit_selector(struct buf *out, const char *match, const struct export_series *s);
// That one series; long values are left out, so others may match it as well.
void export_put_series_selector(struct buf *out, const struct export_series *s);

#endif
