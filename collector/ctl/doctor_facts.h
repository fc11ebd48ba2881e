// doctor_facts - what a running collector says of itself, its hosts and its series; and what of it
// is wrong.
//
// In:     answers to STATUS, HOSTS, LEDGER and CARDINALITY.
// Out:    facts; findings: what is wrong and what to do, a sentence each.
// Thread: one owner. Judging is pure.

#ifndef COLLECTOR_CTL_DOCTOR_FACTS_H
#define COLLECTOR_CTL_DOCTOR_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/wire/live.h"
#include "shared/wire/query_count.h"
#include "shared/wire/query_ledger.h"
#include "shared/wire/query_number.h"

struct doctor_facts {
    uint64_t collector; // its id
    int64_t now_ms;     // by its clock
    struct query_numbers numbers;
    struct host_info *hosts; // by name
    size_t n_hosts;
    struct query_ledger *ledgers;
    size_t n_ledgers;
    struct query_count *counts; // in the order of the answer
    size_t n_counts;
};
void doctor_facts_release(struct doctor_facts *facts);

// Whether the number is known, and which it is; 0 where it is not.
static inline bool
doctor_known(const struct doctor_facts *facts, enum query_number number)
{
    return facts->numbers.known[number];
}
static inline uint64_t
doctor_number(const struct doctor_facts *facts, enum query_number number)
{
    return (uint64_t) facts->numbers.value[number];
}

// How long ago the time is, by the collector's clock; at its ends where that is past a number.
static inline int64_t
doctor_ago(const struct doctor_facts *facts, int64_t time_ms)
{
    int64_t ago_ms;

    if (__builtin_sub_overflow(facts->now_ms, time_ms, &ago_ms))
        return facts->now_ms > time_ms ? INT64_MAX : INT64_MIN;
    return ago_ms;
}
static inline int64_t
doctor_age(const struct doctor_facts *facts, enum query_number number)
{
    return doctor_ago(facts, facts->numbers.value[number]);
}

struct finding {
    char *what;     // is wrong
    char *what_now; // to do
};
// Zero is none.
struct findings {
    struct finding *at;
    size_t n;
};
// Both texts by printf; `what_now` is a format of its own, without arguments.
void findings_add(struct findings *self, const char *what_now, const char *what, ...)
    __attribute__((format(printf, 3, 4)));
void findings_release(struct findings *self);

// How many days fit in --keep-bytes at the present rate; below 0: not known, or there is no bound.
double doctor_days(const struct doctor_facts *facts);
// The host of this id, or NULL.
const struct host_info *doctor_host(const struct doctor_facts *facts, uint64_t id);

#endif
