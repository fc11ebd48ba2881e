// clock_steps - see the header.

#include "agent/clock_steps.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/xalloc.h"

#define S_MIN   60.0
#define S_HOUR  3600.0
#define S_DAY   86400.0
#define BY_SIZE 32
// Of the sentence, and of a number as a field.
#define TEXT_SIZE   128
#define NUMBER_SIZE 24

struct clock_steps {
    unsigned told;         // events that count against the burst
    int64_t forgotten_ms;  // monotonic, when one of them last ceased to
    unsigned n;            // steps held
    int64_t sum_ms;        // of them
    int64_t from_ms;       // what the clock would have shown at the first of them
    int64_t to_ms;         // what it showed after the last
    char text[TEXT_SIZE];  // of the event at hand
    struct host_event now; // likewise
};

static const struct host_event *s_tell(clock_steps_t *self);
static void s_say(clock_steps_t *self);
static void s_fields(clock_steps_t *self);

clock_steps_t *
clock_steps_new(void)
{
    return xcalloc(1, sizeof(clock_steps_t));
}

void
clock_steps_destroy(clock_steps_t **self_p)
{
    clock_steps_t *self = *self_p;

    if (self == NULL)
        return;
    host_event_release(&self->now);
    free(self);
    *self_p = NULL;
}

void
clock_steps_add(clock_steps_t *self, int64_t step_ms, int64_t real_ms)
{
    if (self->n++ == 0) {
        self->from_ms = real_ms - step_ms;
        self->sum_ms = 0;
    }
    self->sum_ms += step_ms;
    self->to_ms = real_ms;
}

const struct host_event *
clock_steps_due(clock_steps_t *self, int64_t mono_ms)
{
    if (self->told == 0)
        self->forgotten_ms = mono_ms;
    for (; self->told > 0 && mono_ms - self->forgotten_ms >= CLOCK_STEPS_EVERY_MS; self->told--)
        self->forgotten_ms += CLOCK_STEPS_EVERY_MS;
    if (self->n == 0 || self->told == CLOCK_STEPS_BURST)
        return NULL;
    self->told++;
    return s_tell(self);
}

const struct host_event *
clock_steps_rest(clock_steps_t *self)
{
    return self->n > 0 ? s_tell(self) : NULL;
}

static const struct host_event *
s_tell(clock_steps_t *self)
{
    host_event_release(&self->now);
    s_say(self);
    self->now = (struct host_event){
        .time_ms = self->from_ms, // where the old stamps end
        .severity = EVENT_WARNING,
        .kind = HOST_EVENT_CLOCK_STEP,
        .kind_len = strlen(HOST_EVENT_CLOCK_STEP),
        .text = self->text,
        .text_len = strlen(self->text),
    };
    s_fields(self);
    self->n = 0;
    return &self->now;
}

// "90.0 s", "1.5 h", never "60.0 min".
static void
s_put_by(char out[BY_SIZE], int64_t ms)
{
    const double s = fabs((double) ms) / 1000;
    const struct {
        double below, unit;
        const char *name;
    } units[] = { { 2 * S_MIN, 1, "s" },
                  { S_HOUR, S_MIN, "min" },
                  { 2 * S_DAY, S_HOUR, "h" },
                  { INFINITY, S_DAY, "days" } };
    size_t i = 0;

    // As it is written: 59.99 min are 1.0 h.
    while (round(10 * s / units[i].unit) / 10 * units[i].unit >= units[i].below)
        i++;
    snprintf(out, BY_SIZE, "%.1f %s", s / units[i].unit, units[i].name);
}

static void
s_say(clock_steps_t *self)
{
    const char *way = self->sum_ms < 0 ? "back" : "forward";
    char by[BY_SIZE];

    s_put_by(by, self->sum_ms);
    if (self->n == 1)
        snprintf(self->text, sizeof self->text, "clock stepped %s by %s", way, by);
    else if (self->sum_ms == 0)
        snprintf(self->text, sizeof self->text, "clock stepped %u times, back and forth", self->n);
    else
        snprintf(self->text, sizeof self->text, "clock stepped %u times, %s by %s in all", self->n,
                 way, by);
}

static void
s_fields(clock_steps_t *self)
{
    char from[NUMBER_SIZE], to[NUMBER_SIZE], step[NUMBER_SIZE], count[NUMBER_SIZE];
    const struct label fields[] = {
        { "from", from }, { "step", step }, { "to", to }, { "count", count }
    };
    int rc;

    snprintf(from, sizeof from, "%" PRId64, self->from_ms);
    snprintf(to, sizeof to, "%" PRId64, self->to_ms);
    snprintf(step, sizeof step, "%" PRId64, self->sum_ms);
    snprintf(count, sizeof count, "%u", self->n);
    rc = label_set_init(&self->now.fields, fields, self->n > 1 ? 4 : 3);
    assert(rc == 0); // the names are right, and short
}
