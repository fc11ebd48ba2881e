// ticker - see the header.
//
// The kernel repeats the timer by itself from an absolute start, so a late read delays nothing that
// comes after it, and tells how many ticks have passed.

#include "agent/ticker.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/base/xalloc.h"

#define MS_NS     INT64_C(1000000)
#define SECOND_NS INT64_C(1000000000)

struct ticker {
    int fd;
    int64_t interval_ns;
    int64_t phase_ns;
};

static int s_arm(ticker_t *self);

int
ticker_open(ticker_t **ret, int64_t interval_ms, uint64_t seed)
{
    ticker_t *self = xcalloc(1, sizeof *self);
    int rc;

    self->interval_ns = interval_ms * MS_NS;
    // Multiplied so that ids which differ in few bits spread too (Knuth's golden ratio, 64 bits).
    self->phase_ns = (int64_t) ((seed * UINT64_C(0x9e3779b97f4a7c15) >> 16) %
                                (uint64_t) self->interval_ns);
    self->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    rc = self->fd == -1 ? -errno : s_arm(self);
    if (rc < 0) {
        ticker_close(&self);
        return rc;
    }
    *ret = self;
    return 0;
}

static struct timespec
s_timespec(int64_t ns)
{
    return (struct timespec){ .tv_sec = ns / SECOND_NS, .tv_nsec = ns % SECOND_NS };
}

static int
s_arm(ticker_t *self)
{
    const int64_t first = ticker_first_ns(clock_mono_ns(), self->interval_ns, self->phase_ns);
    const struct itimerspec spec = { .it_value = s_timespec(first),
                                     .it_interval = s_timespec(self->interval_ns) };

    return timerfd_settime(self->fd, TFD_TIMER_ABSTIME, &spec, NULL) == 0 ? 0 : -errno;
}

void
ticker_close(ticker_t **self_p)
{
    ticker_t *self = *self_p;

    if (self == NULL)
        return;
    if (self->fd != -1)
        close(self->fd);
    free(self);
    *self_p = NULL;
}

int
ticker_fd(const ticker_t *self)
{
    return self->fd;
}

uint64_t
ticker_read(ticker_t *self)
{
    uint64_t expirations;

    // Not readable (another poll was first) or interrupted: the next turn of the loop sees it.
    return read(self->fd, &expirations, sizeof expirations) == sizeof expirations ? expirations : 0;
}

int
ticker_shift(ticker_t *self, int64_t ms)
{
    self->phase_ns = (self->phase_ns + ms * MS_NS) % self->interval_ns;
    return s_arm(self);
}

int64_t
ticker_first_ns(int64_t now_ns, int64_t interval_ns, int64_t phase_ns)
{
    const int64_t start = now_ns - now_ns % interval_ns + phase_ns;

    return start > now_ns ? start : start + interval_ns;
}
