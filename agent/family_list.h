// family_list - every family of host series the agent has, and what was said of each.
//
// A family is known by node_exporter's name of its collector. An operator says of it "off", "on" or
// the time between two samples: --family diskstats=off --family hwmon=1m. "all" is each of them:
// --family all=off --family cpu=on.

#ifndef AGENT_FAMILY_LIST_H
#define AGENT_FAMILY_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "agent/proc/proc_family.h"
#include "shared/net/option.h"

#define FAMILIES_MAX 32

extern const struct proc_family *const family_list[]; // in the order of a sample
extern const size_t family_count;                     // at most FAMILIES_MAX

// What was said of a family.
struct family_wish {
    bool off;
    int64_t every_ms; // between two samples; 0: each tick
};

// What the sampler is told: a value, texts are borrowed.
struct family_wishes {
    struct family_wish wish[FAMILIES_MAX]; // by place in family_list
    const char *include[PROC_FILTERS];     // by enum proc_filter, or NULL
    const char *exclude[PROC_FILTERS];
};

// From the options family and *-include, *-exclude. 0; or ERR_FORMAT, ERR_UNKNOWN after a line on
// err, which begins with `program` and names the value and the rule.
int family_wishes_read(struct family_wishes *ret, const options_t *options, const char *program,
                       FILE *err);

#endif
