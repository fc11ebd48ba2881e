// clock - the three times we use. Nothing else calls clock_gettime.
//
// Source: clock_gettime(2). MONOTONIC for intervals (stands still in suspend), BOOTTIME to
// notice a suspend, REALTIME for stamps.

#ifndef SHARED_BASE_CLOCK_H
#define SHARED_BASE_CLOCK_H

#include <stdint.h>

int64_t clock_mono_ns(void);
int64_t clock_mono_ms(void);
int64_t clock_boot_ms(void);
int64_t clock_real_ms(void); // since the epoch

#endif
