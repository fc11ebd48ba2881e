// clock - the three times we use.

#include "shared/base/clock.h"

#include <assert.h>
#include <time.h>

#define NS_PER_S  INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)

static int64_t s_read(clockid_t id);

int64_t
clock_mono_ns(void)
{
    return s_read(CLOCK_MONOTONIC);
}

int64_t
clock_mono_ms(void)
{
    return s_read(CLOCK_MONOTONIC) / NS_PER_MS;
}

int64_t
clock_boot_ms(void)
{
    return s_read(CLOCK_BOOTTIME) / NS_PER_MS;
}

int64_t
clock_real_ms(void)
{
    return s_read(CLOCK_REALTIME) / NS_PER_MS;
}

static int64_t
s_read(clockid_t id)
{
    struct timespec t;
    int rc = clock_gettime(id, &t);

    assert(rc == 0); // fails only for a clock the kernel does not have
    return (int64_t) t.tv_sec * NS_PER_S + t.tv_nsec;
}
