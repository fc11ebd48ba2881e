// streamlag - from the tick's stamp to the event read by a stream client, on one machine's clock.
//
// usage: streamlag PORT HOST SECONDS
// Out:   one line, `events=N p50_ms=N p99_ms=N max_ms=N missing=N`. The stamp is the agent's, taken
//        before it reads the kernel; the end is CLOCK_REALTIME when recv has returned. The stamp
//        has whole milliseconds, cut: the true lag is up to 1 ms less.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "shared/base/clock.h"
#include "shared/base/xalloc.h"
#include "tests/support/http.h"

#define LATE_MS 15000 // no tick for so long: give up

static int
s_compare(const void *a, const void *b)
{
    const double x = *(const double *) a, y = *(const double *) b;

    return (x > y) - (x < y);
}

static double
s_now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (double) t.tv_sec * 1e3 + (double) t.tv_nsec / 1e6;
}

static void
s_report(double *lags, size_t n, long long missing)
{
    qsort(lags, n, sizeof *lags, s_compare);
    printf("events=%zu p50_ms=%.2f p99_ms=%.2f max_ms=%.2f missing=%lld\n", n, lags[n / 2],
           lags[(n * 99 - 1) / 100], lags[n - 1], missing);
}

int
main(int argc, char **argv)
{
    const int seconds = argc == 4 ? atoi(argv[3]) : 0;
    const int64_t until = clock_mono_ms() + (int64_t) seconds * 1000;
    size_t n = 0, size = 1024;
    double *lags;
    long long last = 0, missing = 0, seq, t;
    struct sse_event ev;
    char path[200];
    sse_t *stream;

    if (seconds <= 0) {
        fprintf(stderr, "usage: streamlag PORT HOST SECONDS\n");
        return 2;
    }
    snprintf(path, sizeof path, "/api/v1/stream?view=host&h=%s", argv[2]);
    stream = sse_open((uint16_t) atoi(argv[1]), path, NULL);
    if (stream == NULL || sse_status(stream) != 200) {
        fprintf(stderr, "streamlag: no stream at port %s\n", argv[1]);
        return 1;
    }
    lags = xcalloc(size, sizeof *lags);
    while (clock_mono_ms() < until && sse_next_of(stream, "tick", &ev, LATE_MS)) {
        const double now = s_now_ms();

        if (sscanf(ev.data, "{\"s\":%lld,\"t\":%lld", &seq, &t) != 2)
            continue;
        missing += last != 0 ? seq - last - 1 : 0;
        last = seq;
        if (n == size) {
            size *= 2;
            lags = xrealloc(lags, size, sizeof *lags);
        }
        lags[n++] = now - (double) t;
    }
    sse_close(&stream);
    if (n > 0)
        s_report(lags, n, missing);
    free(lags);
    return n > 0 ? 0 : 1;
}
