// figure - see the header.

#include "collector/ctl/figure.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *
figure_bytes(char out[FIGURE_SIZE], uint64_t bytes)
{
    static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
    double value = (double) bytes;
    unsigned unit = 0;

    // What would be written as 1024.0 is one of the next unit.
    while (value >= 1023.95 && unit + 1 < sizeof units / sizeof units[0]) {
        value /= 1024;
        unit++;
    }
    snprintf(out, FIGURE_SIZE, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
    return out;
}

const char *
figure_count(char out[FIGURE_SIZE], uint64_t n)
{
    char digits[24];
    const int len = snprintf(digits, sizeof digits, "%" PRIu64, n);
    char *at = out;

    for (int i = 0; i < len; i++) {
        *at++ = digits[i];
        if (i + 1 < len && (len - 1 - i) % 3 == 0)
            *at++ = ',';
    }
    *at = '\0';
    return out;
}

const char *
figure_duration(char out[FIGURE_SIZE], int64_t ms)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = { { "d", 86400000 }, { "h", 3600000 }, { "min", 60000 }, { "s", 1000 } };
    const unsigned n = sizeof units / sizeof units[0];
    unsigned i = 0;

    if (ms < 10000) {
        snprintf(out, FIGURE_SIZE, "%.1f s", ms > 0 ? (double) ms / 1000 : 0);
        return out;
    }
    while (i + 1 < n && ms < units[i].ms)
        i++;
    if (i + 1 == n || ms % units[i].ms / units[i + 1].ms == 0)
        snprintf(out, FIGURE_SIZE, "%" PRId64 " %s", ms / units[i].ms, units[i].name);
    else
        snprintf(out, FIGURE_SIZE, "%" PRId64 " %s %" PRId64 " %s", ms / units[i].ms, units[i].name,
                 ms % units[i].ms / units[i + 1].ms, units[i + 1].name);
    return out;
}
