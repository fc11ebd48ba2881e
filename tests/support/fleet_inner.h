// fleet_inner - what the parts of fleet share: its members. For fleet.c and fleet_check.c alone.

#ifndef TESTS_SUPPORT_FLEET_INNER_H
#define TESTS_SUPPORT_FLEET_INNER_H

#include <czmq.h>

#include "tests/support/fleet.h"

struct member {
    char name[16];
    char *data;     // folder
    char *endpoint; // of its applications
    process_t *agent;
    enum member_state state;
    zsock_t *push;
    tally_t *tally;
    int64_t up_ms;     // monotonic, when its agent was first given something
    int64_t due_ms;    // monotonic, of the next value
    int64_t last_ms;   // time of the last one
    int64_t offset_ms; // of its clock
    unsigned time_class;
    uint64_t n;         // the next value
    int64_t stalled_ms; // monotonic
    unsigned forks;     // told of by agents that are gone
};

struct fleet {
    stage_t *stage;
    struct fleet_options opt;
    struct member members[FLEET_MOST];
    bool feeds;
    uint64_t seed;
    struct fleet_stat stat;
};

#endif
