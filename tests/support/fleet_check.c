// fleet_check - what a collector has of a fleet, against what was given to it. See fleet.h.

#include <inttypes.h>
#include <stdio.h>

#include "shared/base/clock.h"
#include "tests/support/exported.h"
#include "tests/support/fleet_inner.h"
#include "tests/support/held.h"

#define ASK_MS   5000
#define PAUSE_MS 200  // between two questions
#define FAR_MS   1000 // around the span of what was given

static bool
s_span(const fleet_t *self, int64_t *from_ms_ret, int64_t *to_ms_ret)
{
    bool any = false;

    *from_ms_ret = INT64_MAX;
    *to_ms_ret = INT64_MIN;
    for (unsigned i = 0; i < self->opt.members; i++) {
        int64_t from_ms, to_ms;

        if (!tally_span(self->members[i].tally, &from_ms, &to_ms))
            continue;
        any = true;
        *from_ms_ret = from_ms < *from_ms_ret ? from_ms : *from_ms_ret;
        *to_ms_ret = to_ms > *to_ms_ret ? to_ms : *to_ms_ret;
    }
    return any;
}

// What is there of each member against what was given; `say`: what is not right goes to standard
// error.
static bool
s_compare(fleet_t *self, host_samples_t *there, bool say)
{
    bool right = true;

    for (unsigned i = 0; i < self->opt.members; i++) {
        struct member *m = &self->members[i];
        struct tally_verdict verdict;
        size_t n;
        struct sample *samples = host_samples_get(there, m->name, &n);

        tally_check(m->tally, samples, n, &verdict);
        if (tally_is_right(&verdict))
            continue;
        right = false;
        if (say)
            tally_say(m->tally, &verdict, stderr);
    }
    return right;
}

// One question.
static bool
s_check_once(fleet_t *self, held_t *held, bool say)
{
    int64_t from_ms, to_ms;
    int rc;

    if (!s_span(self, &from_ms, &to_ms))
        return true;
    rc = held_ask(held, FLEET_METRIC, from_ms, to_ms + FAR_MS, stage_ms(ASK_MS));
    if (rc < 0 && say)
        fprintf(stderr, "the collector does not answer: %d\n", rc);
    return rc == 0 && s_compare(self, held_all(held), say);
}

// What people are given, line by line.
static bool
s_check_export(fleet_t *self)
{
    host_samples_t *exported;
    int64_t from_ms, to_ms;
    bool right;

    if (!s_span(self, &from_ms, &to_ms))
        return true;
    exported = exported_run(self->stage, FLEET_METRIC, from_ms);
    right = exported != NULL && s_compare(self, exported, true);
    host_samples_destroy(&exported);
    return right;
}

bool
fleet_check(fleet_t *self, const char *collector, int timeout_ms, bool forget)
{
    const int64_t start_ms = clock_mono_ms();
    const int64_t until_ms = start_ms + stage_ms(timeout_ms);
    held_t *held = held_new(collector);
    bool right;

    while (!(right = s_check_once(self, held, clock_mono_ms() >= until_ms)) &&
           clock_mono_ms() < until_ms)
        fleet_run(self, PAUSE_MS);
    held_destroy(&held);
    right = right && s_check_export(self);
    for (unsigned i = 0; right && forget && i < self->opt.members; i++)
        tally_forget(self->members[i].tally, start_ms);
    return right;
}

bool
fleet_verdict(fleet_t *self, const char *collector, unsigned i, struct tally_verdict *ret)
{
    held_t *held = held_new(collector);
    tally_t *tally = self->members[i].tally;
    int64_t from_ms, to_ms;
    struct sample *samples;
    size_t n;
    bool ok;

    *ret = (struct tally_verdict){ 0 };
    ok = tally_span(tally, &from_ms, &to_ms) &&
         held_ask(held, FLEET_METRIC, from_ms, to_ms + FAR_MS, stage_ms(ASK_MS)) == 0;
    if (ok) {
        samples = held_samples(held, self->members[i].name, &n);
        tally_check(tally, samples, n, ret);
    }
    held_destroy(&held);
    return ok;
}

void
fleet_confirm(fleet_t *self, const char *collector, unsigned i, int timeout_ms)
{
    struct member *m = &self->members[i];
    char selector[64];
    int64_t from_ms, to_ms;
    held_t *held;
    size_t n;

    if (!tally_span_excused(m->tally, &from_ms, &to_ms))
        return;
    snprintf(selector, sizeof selector, FLEET_METRIC "{instance=\"%s\"}", m->name);
    held = held_new(collector);
    if (held_ask(held, selector, from_ms, to_ms, timeout_ms) == 0) {
        struct sample *samples = held_samples(held, m->name, &n);

        self->stat.excused -= tally_oblige(m->tally, samples, n);
    }
    held_destroy(&held);
}
