// iso_time - a time as applications write it: ISO 8601 text to milliseconds since the epoch.
//
// In:     "2026-11-26T07:32:36.123456+00:00": the extended form; 'T', 't' or a space between date
//         and time; seconds and a fraction ('.' or ',') may be missing, and so may the offset: then
//         it is UTC. Offsets: Z, z, +hh, +hhmm, +hh:mm, and the same with '-'.
// Out:    milliseconds; what a fraction has beyond them is cut, not rounded.
// Limits: years 1 to 9999, so that no sum can overflow; at most ISO_TIME_MAX bytes. Week and day
//         dates, the basic form, 24:00 and dates alone are refused. Second 60 is the first of the
//         next minute, as POSIX has no leap seconds.
// Thread: any. Pure.
// Source: ISO 8601:2004, 4.3.2; RFC 3339, 5.6; what Python's datetime.isoformat() gives.

#ifndef SHARED_BASE_ISO_TIME_H
#define SHARED_BASE_ISO_TIME_H

#include <stddef.h>
#include <stdint.h>

#define ISO_TIME_MAX 64

// 0 and *ms_ret, or ERR_FORMAT (not such a text), ERR_RANGE (a part of it is no month, hour ...).
int iso_time_parse(int64_t *ms_ret, const char *text, size_t len);

#endif
