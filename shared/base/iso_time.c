// iso_time - see the header.
//
// A cursor that is never moved past the end, and one failure that sticks: so the grammar is a
// straight run of lines, and a hostile text can only end it early.

#include "shared/base/iso_time.h"

#include <stdbool.h>

#include "shared/base/err.h"

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS   INT64_C(3600000)
#define DAY_MS    INT64_C(86400000)

struct cursor {
    const char *at;  // the next byte
    const char *end; // behind the last
    int rc;          // 0, or the first failure
};

struct date {
    unsigned year, month, day; // 1 and up
};

static unsigned s_number(struct cursor *c, unsigned digits, unsigned least, unsigned most);
static void s_byte(struct cursor *c, const char *any_of);
static bool s_is(const struct cursor *c, const char *any_of);
static int64_t s_clock(struct cursor *c);
static int64_t s_fraction(struct cursor *c);
static int64_t s_offset(struct cursor *c);
static int64_t s_days(struct date d);
static unsigned s_month_days(struct date d);

int
iso_time_parse(int64_t *ms_ret, const char *text, size_t len)
{
    struct cursor c = { .at = text, .end = text + len };
    struct date date;
    int64_t ms;

    if (len > ISO_TIME_MAX)
        return ERR_FORMAT;
    date.year = s_number(&c, 4, 1, 9999);
    s_byte(&c, "-");
    date.month = s_number(&c, 2, 1, 12);
    s_byte(&c, "-");
    date.day = s_number(&c, 2, 1, 31);
    s_byte(&c, "Tt ");
    ms = s_clock(&c);
    ms -= s_offset(&c);
    if (c.rc == 0 && c.at != c.end)
        c.rc = ERR_FORMAT;
    if (c.rc == 0 && date.day > s_month_days(date))
        c.rc = ERR_RANGE;
    if (c.rc < 0)
        return c.rc;
    *ms_ret = s_days(date) * DAY_MS + ms;
    return 0;
}

// Exactly so many digits. Too few are a matter of form, a month 13 one of range.
static unsigned
s_number(struct cursor *c, unsigned digits, unsigned least, unsigned most)
{
    unsigned v = 0;

    for (unsigned i = 0; i < digits && c->rc == 0; i++) {
        if (!s_is(c, "0123456789"))
            c->rc = ERR_FORMAT;
        else
            v = v * 10 + (unsigned) (*c->at++ - '0');
    }
    if (c->rc == 0 && (v < least || v > most))
        c->rc = ERR_RANGE;
    return v;
}

static void
s_byte(struct cursor *c, const char *any_of)
{
    if (c->rc == 0 && !s_is(c, any_of))
        c->rc = ERR_FORMAT;
    if (c->rc == 0)
        c->at++;
}

// False at the end, and for NUL: a text may hold one, though no list of ours does.
static bool
s_is(const struct cursor *c, const char *any_of)
{
    if (c->at == c->end)
        return false;
    for (; *any_of != '\0'; any_of++)
        if (*c->at == *any_of)
            return true;
    return false;
}

// hh:mm, hh:mm:ss or hh:mm:ss.fraction, in milliseconds.
static int64_t
s_clock(struct cursor *c)
{
    int64_t ms = s_number(c, 2, 0, 23) * HOUR_MS;

    s_byte(c, ":");
    ms += s_number(c, 2, 0, 59) * MINUTE_MS;
    if (c->rc < 0 || !s_is(c, ":"))
        return ms;
    s_byte(c, ":");
    ms += s_number(c, 2, 0, 60) * INT64_C(1000);
    return c->rc == 0 && s_is(c, ".,") ? ms + s_fraction(c) : ms;
}

// One digit or more; three of them count.
static int64_t
s_fraction(struct cursor *c)
{
    int64_t ms = 0, worth = 100;

    s_byte(c, ".,");
    ms += s_number(c, 1, 0, 9) * worth;
    while (c->rc == 0 && s_is(c, "0123456789")) {
        worth /= 10;
        ms += (*c->at++ - '0') * worth;
    }
    return ms;
}

// How far the text's clock is ahead of UTC.
static int64_t
s_offset(struct cursor *c)
{
    int64_t ms;
    bool west;

    if (c->rc < 0 || c->at == c->end)
        return 0;
    if (s_is(c, "Zz")) {
        c->at++;
        return 0;
    }
    west = s_is(c, "-");
    s_byte(c, "+-");
    ms = s_number(c, 2, 0, 23) * HOUR_MS;
    if (c->rc == 0 && c->at != c->end) {
        if (s_is(c, ":"))
            c->at++;
        ms += s_number(c, 2, 0, 59) * MINUTE_MS;
    }
    return west ? -ms : ms;
}

// Days from 1970-01-01 in the Gregorian calendar, also before it was made. A year that begins in
// March has its leap day last: so the days before a month are 153 in each five of them.
static int64_t
s_days(struct date d)
{
    const int64_t year = (int64_t) d.year - (d.month <= 2);
    const int64_t month = (d.month + 9) % 12; // from March
    const int64_t before = year * 365 + year / 4 - year / 100 + year / 400;

    // 719,468 days lie between 0000-03-01 and 1970-01-01.
    return before + (153 * month + 2) / 5 + d.day - 1 - 719468;
}

static unsigned
s_month_days(struct date d)
{
    static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    const bool leap = d.year % 4 == 0 && (d.year % 100 != 0 || d.year % 400 == 0);

    return days[d.month - 1] + (d.month == 2 && leap ? 1u : 0u);
}
