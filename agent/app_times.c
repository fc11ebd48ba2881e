// app_times - see the header.
//
// Nearly every sample is newer than all before it, so one comparison decides. An interval is
// learnt at once where it grows and by quarters where it shrinks: an application that sends two
// messages at a time would otherwise count as silent between any two of its pairs.

#include "agent/app_times.h"

// A pause that would make silence last longer than it may teaches nothing more.
#define INTERVAL_MOST (APP_SILENCE_MOST / APP_SILENCE_OF)

static void s_keep(struct app_times *t, int64_t time_ms);

bool
app_times_has(const struct app_times *t, int64_t time_ms)
{
    const uint64_t kept = t->n < APP_TIMES_KEPT ? t->n : APP_TIMES_KEPT;

    if (t->n == 0 || time_ms > t->newest_ms)
        return false;
    if (time_ms == t->newest_ms)
        return true;
    for (uint64_t i = 0; i < kept; i++)
        if (t->last_ms[i] == time_ms)
            return true;
    return false;
}

int64_t
app_times_arrival(const struct app_times *t, int64_t now_ms)
{
    int64_t ms = now_ms;

    // Arrivals alone rise by one from here on, however many there are in one millisecond.
    if (t->arrival_ms >= now_ms && t->arrival_ms < now_ms + APP_ARRIVAL_MOST_MS)
        ms = t->arrival_ms + 1;
    while (app_times_has(t, ms))
        ms++;
    return ms;
}

void
app_times_note(struct app_times *t, int64_t time_ms, bool is_arrival, int64_t mono_ms)
{
    int64_t spacing = mono_ms - t->heard_ms;

    if (t->n > 0) {
        if (spacing > INTERVAL_MOST)
            spacing = INTERVAL_MOST;
        if (spacing >= t->interval_ms)
            t->interval_ms = spacing;
        else
            t->interval_ms -= (t->interval_ms - spacing) / 4;
    }
    if (is_arrival)
        t->arrival_ms = time_ms;
    t->heard_ms = mono_ms;
    t->alive = true;
    s_keep(t, time_ms);
}

static void
s_keep(struct app_times *t, int64_t time_ms)
{
    if (t->n == 0 || time_ms > t->newest_ms)
        t->newest_ms = time_ms;
    t->last_ms[t->n++ % APP_TIMES_KEPT] = time_ms;
}

bool
app_times_is_silent(const struct app_times *t, int64_t mono_ms)
{
    int64_t silence_ms = APP_SILENCE_OF * t->interval_ms;

    if (silence_ms < APP_SILENCE_LEAST)
        silence_ms = APP_SILENCE_LEAST;
    return t->alive && mono_ms - t->heard_ms >= silence_ms;
}

void
app_times_end(struct app_times *t, int64_t time_ms)
{
    t->alive = false;
    s_keep(t, time_ms);
}
