// parting - connections that were told to go, and are cut a moment later.
//
// In:     lines of gate_holds whose peer was sent a last message.
// Out:    they are shut once libzmq's thread has had time to send it.
// Limits: PARTING_MOST at a time; beyond, one is cut at once, told or not.
// Thread: one owner. Time is a parameter.

#ifndef COLLECTOR_PARTING_H
#define COLLECTOR_PARTING_H

#include <stddef.h>
#include <stdint.h>

#include "collector/gate.h"

#define PARTING_MS   200 // for a message to leave
#define PARTING_MOST 64

// Zero is nobody.
struct parting {
    struct {
        struct gate_line line;
        int64_t due_ms; // monotonic
    } at[PARTING_MOST];
    size_t n;
};

void parting_add(struct parting *self, const struct gate_line *line, int64_t mono_ms);
// Cuts who is due.
void parting_tick(struct parting *self, int64_t mono_ms);

#endif
