// when - see the header.

#include "collector/ctl/when.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "shared/base/err.h"
#include "shared/base/iso_time.h"
#include "shared/base/str.h"

#define LATEST_S INT64_C(253402300799) // the last second of year 9999

static int s_seconds(int64_t *ms_ret, const char *text);

int
when_parse(int64_t *ms_ret, const char *text, int64_t now_ms)
{
    int64_t ago_ms;
    int rc;

    if (strcmp(text, "now") == 0) {
        *ms_ret = now_ms;
        return 0;
    }
    if (text[0] == '-') {
        rc = str_duration_ms(&ago_ms, text + 1);
        if (rc == 0)
            *ms_ret = now_ms - ago_ms;
        return rc;
    }
    rc = s_seconds(ms_ret, text);
    return rc == ERR_FORMAT ? iso_time_parse(ms_ret, text, strlen(text)) : rc;
}

// Digits, perhaps a point and more of them.
static int
s_seconds(int64_t *ms_ret, const char *text)
{
    const size_t whole = strspn(text, "0123456789");
    const char *fraction = text + whole;
    uint64_t seconds;
    int64_t ms = 0;
    int rc = str_u64(&seconds, text, whole);

    if (rc == 0 && *fraction == '.') {
        const size_t n = strspn(++fraction, "0123456789");

        for (size_t i = 0; i < 3; i++)
            ms = ms * 10 + (i < n ? fraction[i] - '0' : 0);
        fraction += n;
    }
    if (rc == 0 && *fraction != '\0')
        return ERR_FORMAT;
    if (rc == 0 && seconds > LATEST_S && text[whole] == '\0' && seconds / 1000 <= LATEST_S) {
        *ms_ret = (int64_t) seconds; // no calendar has so many seconds: ms
        return 0;
    }
    if (rc == 0 && seconds > LATEST_S)
        return ERR_RANGE;
    if (rc == 0)
        *ms_ret = (int64_t) seconds * 1000 + ms;
    return rc;
}

const char *
when_put(char out[WHEN_SIZE], int64_t ms)
{
    const time_t seconds = (time_t) (ms / 1000);
    char stamp[24];
    struct tm tm;

    if (ms < 0 || seconds > LATEST_S || gmtime_r(&seconds, &tm) == NULL ||
        strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &tm) == 0)
        snprintf(out, WHEN_SIZE, "%" PRId64, ms);
    else
        snprintf(out, WHEN_SIZE, "%s.%03dZ", stamp, (int) (ms % 1000));
    return out;
}
