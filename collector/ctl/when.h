// when - a time as people type it, and back.
//
// In:     RFC 3339 ("2026-11-26T07:32:36Z", a fraction and an offset if need be), seconds since the
//         epoch ("1700000000.25"), milliseconds where that would be past year 9999
//         ("1700000000000"), or a duration ago ("-5m", "-1h"); "now".
// Out:    milliseconds since the epoch; what a fraction has beyond them is cut.
// Thread: pure.

#ifndef COLLECTOR_CTL_WHEN_H
#define COLLECTOR_CTL_WHEN_H

#include <stdint.h>

#define WHEN_SIZE 40

// 0 and *ms_ret; ERR_FORMAT (no such text) or ERR_RANGE (past what a calendar has).
int when_parse(int64_t *ms_ret, const char *text, int64_t now_ms);
// RFC 3339 with milliseconds, in UTC; the number where no calendar has it.
const char *when_put(char out[WHEN_SIZE], int64_t ms);

#endif
