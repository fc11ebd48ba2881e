// tally - what an application gave to its agent, held against what a collector has of it.
//
// In:     each sample as it is given, times in any order but none twice; which of them the agent
//         may have died over, or must have refused; then what the collector holds.
// Out:    a verdict: every sample that was taken is there exactly once, with its value, and nothing
//         else is. An excused sample may be missing; it may be neither doubled nor changed.
// Thread: one owner. Pure.

#ifndef TESTS_SUPPORT_TALLY_H
#define TESTS_SUPPORT_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "shared/model/sample.h"

typedef struct tally tally_t;

tally_t *tally_new(const char *name);
void tally_destroy(tally_t **self_p);
const char *tally_name(const tally_t *self);

// `mono_ms`: when it was given; never less than the one before.
void tally_give(tally_t *self, int64_t time_ms, double value, int64_t mono_ms);
// Whoever took them died at once: what was given at or after `since_mono_ms` may be missing. How
// many these are, that were not excused before.
size_t tally_excuse(tally_t *self, int64_t since_mono_ms);
// The same, of one who takes samples in the order they are given, and left these behind: `kept`,
// rising by time. Whatever was given no later than the last of them had been taken.
size_t tally_excuse_behind(tally_t *self, const struct sample *kept, size_t n,
                           int64_t since_mono_ms);
// Who excused some was too kind: the collector has these, so they had arrived, and must stay. How
// many of the excused these are. A loss that was told of stays excused.
size_t tally_oblige(tally_t *self, struct sample *held, size_t n);
// What was given at or after `since_mono_ms` counts as given at `mono_ms`: who should have taken it
// could not until then.
void tally_touch(tally_t *self, int64_t since_mono_ms, int64_t mono_ms);
// As tally_excuse, for samples whose times are from `from_ms` to `to_ms`, both inclusive: a loss
// that was told of.
size_t tally_excuse_times(tally_t *self, int64_t from_ms, int64_t to_ms);
// Forgets all that was given before `mono_ms`, once it has been looked at.
void tally_forget(tally_t *self, int64_t mono_ms);

size_t tally_given(const tally_t *self); // samples that are not forgotten
size_t tally_excused(const tally_t *self);
// The span of their times; false if there are none. And of those alone that died with somebody.
bool tally_span(const tally_t *self, int64_t *from_ms_ret, int64_t *to_ms_ret);
bool tally_span_excused(const tally_t *self, int64_t *from_ms_ret, int64_t *to_ms_ret);

#define TALLY_SAID 8

enum tally_fault {
    TALLY_MISSING, // taken, and not there
    TALLY_DOUBLED, // there more than once
    TALLY_CHANGED, // there with another value
    TALLY_FOREIGN, // there, and never given
    TALLY_FAULTS
};

// Consecutive faults of one kind are one range.
struct tally_range {
    enum tally_fault fault;
    int64_t from_ms, to_ms; // times of its first and last
    double value;           // that the first was given with; held with, where it is foreign
    double held;            // that the first is held with; 0 where it is missing
    size_t n;
};

struct tally_verdict {
    size_t found;  // given samples that are there once with their value
    size_t absent; // excused ones that are not there
    size_t faults[TALLY_FAULTS];
    size_t n_said;
    struct tally_range said[TALLY_SAID]; // the first ones
};

// `held` is sorted in place. Stale marks are passed over: an agent makes them.
void tally_check(tally_t *self, struct sample *held, size_t n, struct tally_verdict *ret);
bool tally_is_right(const struct tally_verdict *verdict);
// What a person wants to know of a verdict that is not right; a line each.
void tally_say(const tally_t *self, const struct tally_verdict *verdict, FILE *out);

#endif
