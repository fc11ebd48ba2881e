// exported - what `zpulse export` writes of a collector: every line of it, by host.
//
// In:     a stage with a collector, a selector, a time.
// Out:    samples as they are written, doubles and stale marks too.
// Thread: one owner.

#ifndef TESTS_SUPPORT_EXPORTED_H
#define TESTS_SUPPORT_EXPORTED_H

#include "tests/support/host_samples.h"
#include "tests/support/stage.h"

// For host_samples_destroy; samples before `from_ms` are left out (a time before 1970: none is).
// NULL where the program does not end well or writes what is no CSV: said on standard error.
host_samples_t *exported_run(stage_t *stage, const char *match, int64_t from_ms);

// Likewise, and what it said on standard error.
host_samples_t *exported_said(stage_t *stage, const char *match, int64_t from_ms, char *said,
                              size_t size);

#endif
