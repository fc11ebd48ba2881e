// tally - see the header.
//
// Samples lie in the order they were given, so that what dies with somebody is a suffix and what is
// forgotten a prefix; a check goes through a copy that is sorted by time, side by side with what is
// held.

#include "tests/support/tally.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/xalloc.h"

struct given {
    int64_t time_ms;
    int64_t mono_ms; // when it was given
    double value;
    enum excuse {
        EXCUSE_NONE,
        EXCUSE_DEATH, // of who may not have taken it
        EXCUSE_TOLD,  // its loss was told of
    } excuse;         // it may be missing
};

static int s_by_time(const void *a, const void *b);
static int s_by_sample_time(const void *a, const void *b);

struct tally {
    char *name;
    struct given *all;
    size_t n;
    size_t size; // allocated
};

tally_t *
tally_new(const char *name)
{
    tally_t *self = xcalloc(1, sizeof *self);

    self->name = xstrdup(name);
    return self;
}

void
tally_destroy(tally_t **self_p)
{
    tally_t *self = *self_p;

    if (self == NULL)
        return;
    free(self->name);
    free(self->all);
    free(self);
    *self_p = NULL;
}

const char *
tally_name(const tally_t *self)
{
    return self->name;
}

void
tally_give(tally_t *self, int64_t time_ms, double value, int64_t mono_ms)
{
    if (self->n == self->size) {
        self->size = self->size == 0 ? 1024 : 2 * self->size;
        self->all = xrealloc(self->all, self->size, sizeof *self->all);
    }
    self->all[self->n++] = (struct given){ .time_ms = time_ms, .mono_ms = mono_ms, .value = value };
}

static int
s_by_time(const void *a, const void *b)
{
    const struct given *x = a, *y = b;

    return (x->time_ms > y->time_ms) - (x->time_ms < y->time_ms);
}

static int
s_by_sample_time(const void *a, const void *b)
{
    const struct sample *x = a, *y = b;

    return (x->time_ms > y->time_ms) - (x->time_ms < y->time_ms);
}

static bool
s_has(const struct sample *sorted, size_t n, int64_t time_ms)
{
    const struct sample key = { .time_ms = time_ms };

    return n > 0 && bsearch(&key, sorted, n, sizeof key, s_by_sample_time) != NULL;
}

size_t
tally_excuse(tally_t *self, int64_t since_mono_ms)
{
    return tally_excuse_behind(self, NULL, 0, since_mono_ms);
}

size_t
tally_excuse_behind(tally_t *self, const struct sample *kept, size_t n, int64_t since_mono_ms)
{
    size_t excused = 0;

    for (size_t i = self->n; i-- > 0 && self->all[i].mono_ms >= since_mono_ms;) {
        if (s_has(kept, n, self->all[i].time_ms))
            break;
        if (self->all[i].excuse != EXCUSE_NONE)
            continue;
        self->all[i].excuse = EXCUSE_DEATH;
        excused++;
    }
    return excused;
}

size_t
tally_oblige(tally_t *self, struct sample *held, size_t n)
{
    size_t obliged = 0;

    if (n > 0)
        qsort(held, n, sizeof *held, s_by_sample_time);
    for (size_t i = 0; i < self->n; i++) {
        if (self->all[i].excuse != EXCUSE_DEATH || !s_has(held, n, self->all[i].time_ms))
            continue;
        self->all[i].excuse = EXCUSE_NONE;
        obliged++;
    }
    return obliged;
}

void
tally_touch(tally_t *self, int64_t since_mono_ms, int64_t mono_ms)
{
    for (size_t i = self->n; i-- > 0 && self->all[i].mono_ms >= since_mono_ms;)
        self->all[i].mono_ms = mono_ms;
}

size_t
tally_excuse_times(tally_t *self, int64_t from_ms, int64_t to_ms)
{
    size_t n = 0;

    for (size_t i = 0; i < self->n; i++) {
        struct given *given = &self->all[i];

        if (given->time_ms < from_ms || given->time_ms > to_ms)
            continue;
        n += given->excuse == EXCUSE_NONE ? 1 : 0;
        given->excuse = EXCUSE_TOLD;
    }
    return n;
}

void
tally_forget(tally_t *self, int64_t mono_ms)
{
    size_t n = 0;

    while (n < self->n && self->all[n].mono_ms < mono_ms)
        n++;
    self->n -= n;
    memmove(self->all, self->all + n, self->n * sizeof *self->all);
}

size_t
tally_given(const tally_t *self)
{
    return self->n;
}

size_t
tally_excused(const tally_t *self)
{
    size_t n = 0;

    for (size_t i = 0; i < self->n; i++)
        n += self->all[i].excuse != EXCUSE_NONE ? 1 : 0;
    return n;
}

static bool
s_span(const tally_t *self, bool excused, int64_t *from_ms_ret, int64_t *to_ms_ret)
{
    *from_ms_ret = INT64_MAX;
    *to_ms_ret = INT64_MIN;
    for (size_t i = 0; i < self->n; i++) {
        const int64_t at = self->all[i].time_ms;

        if (excused && self->all[i].excuse != EXCUSE_DEATH)
            continue;
        *from_ms_ret = at < *from_ms_ret ? at : *from_ms_ret;
        *to_ms_ret = at > *to_ms_ret ? at : *to_ms_ret;
    }
    return *from_ms_ret <= *to_ms_ret;
}

bool
tally_span(const tally_t *self, int64_t *from_ms_ret, int64_t *to_ms_ret)
{
    return s_span(self, false, from_ms_ret, to_ms_ret);
}

bool
tally_span_excused(const tally_t *self, int64_t *from_ms_ret, int64_t *to_ms_ret)
{
    return s_span(self, true, from_ms_ret, to_ms_ret);
}

static void
s_fault(struct tally_verdict *v, enum tally_fault fault, const struct tally_range *range)
{
    v->faults[fault] += range->n;
    if (v->n_said == TALLY_SAID)
        return;
    v->said[v->n_said] = *range;
    v->said[v->n_said++].fault = fault;
}

// One more fault; `joins`: the one before it in time was of the same kind.
static void
s_note(struct tally_verdict *v, enum tally_fault fault, bool joins, struct tally_range range)
{
    struct tally_range *last = v->n_said > 0 ? &v->said[v->n_said - 1] : NULL;

    range.n = 1;
    // Where no more are said, the last one may still be another's: it is only counted then.
    if (joins && last != NULL && last->fault == fault) {
        last->to_ms = range.to_ms;
        last->n++;
        v->faults[fault]++;
        return;
    }
    s_fault(v, fault, &range);
}

// What is held at one time, n of them, against what was given then (NULL: nothing).
static enum tally_fault
s_judge(struct tally_verdict *v, const struct given *given, const struct sample *held, size_t n,
        enum tally_fault before)
{
    enum tally_fault fault = TALLY_FAULTS;
    struct tally_range range = { 0 };

    if (given != NULL)
        range = (struct tally_range){ .from_ms = given->time_ms, .value = given->value };
    if (n > 0) {
        range.from_ms = held[0].time_ms;
        range.held = held[0].value;
        if (given == NULL)
            range.value = held[0].value;
    }
    range.to_ms = range.from_ms;
    if (given == NULL) {
        fault = TALLY_FOREIGN;
    } else if (n == 0 && given->excuse != EXCUSE_NONE) {
        v->absent++;
    } else if (n == 0) {
        fault = TALLY_MISSING;
    } else {
        for (size_t i = 0; i < n; i++)
            if (sample_bits(held[i].value) != sample_bits(given->value)) {
                fault = TALLY_CHANGED;
                range.held = held[i].value;
            }
        if (fault == TALLY_FAULTS && n > 1)
            fault = TALLY_DOUBLED;
        v->found += fault == TALLY_FAULTS ? 1 : 0;
    }
    if (fault != TALLY_FAULTS)
        s_note(v, fault, before == fault, range);
    return fault;
}

void
tally_check(tally_t *self, struct sample *held, size_t n, struct tally_verdict *ret)
{
    struct given *given = xcalloc(self->n + 1, sizeof *given);
    enum tally_fault before = TALLY_FAULTS;
    size_t i = 0, j = 0;

    *ret = (struct tally_verdict){ 0 };
    if (self->n > 0)
        memcpy(given, self->all, self->n * sizeof *given);
    qsort(given, self->n, sizeof *given, s_by_time);
    if (n > 0)
        qsort(held, n, sizeof *held, s_by_sample_time);
    while (i < self->n || j < n) {
        size_t k = j;

        if (j < n && sample_is_stale(held[j].value)) {
            j++;
            continue;
        }
        if (j == n || (i < self->n && given[i].time_ms < held[j].time_ms)) {
            before = s_judge(ret, &given[i++], NULL, 0, before);
            continue;
        }
        while (k < n && held[k].time_ms == held[j].time_ms)
            k++;
        if (i < self->n && given[i].time_ms == held[j].time_ms)
            before = s_judge(ret, &given[i++], held + j, k - j, before);
        else
            before = s_judge(ret, NULL, held + j, k - j, before);
        j = k;
    }
    free(given);
}

bool
tally_is_right(const struct tally_verdict *verdict)
{
    for (int i = 0; i < TALLY_FAULTS; i++)
        if (verdict->faults[i] > 0)
            return false;
    return true;
}

void
tally_say(const tally_t *self, const struct tally_verdict *v, FILE *out)
{
    static const char *const words[] = { "missing", "doubled", "changed", "foreign" };

    fprintf(out,
            "%s: given %zu, excused %zu (absent %zu), found %zu; missing %zu, doubled %zu, "
            "changed %zu, foreign %zu\n",
            self->name, self->n, tally_excused(self), v->absent, v->found, v->faults[TALLY_MISSING],
            v->faults[TALLY_DOUBLED], v->faults[TALLY_CHANGED], v->faults[TALLY_FOREIGN]);
    for (size_t i = 0; i < v->n_said; i++) {
        const struct tally_range *r = &v->said[i];

        fprintf(out, "    %s %zu: from %" PRId64 " to %" PRId64 " ms, given %.17g, held %.17g\n",
                words[r->fault], r->n, r->from_ms, r->to_ms, r->value, r->held);
    }
}
