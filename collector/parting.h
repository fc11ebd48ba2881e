// parting - connections that were told to go, and are cut a moment later.
//
// In:     lines of gate_holds whose peer was sent a last message.
// Out:    they are shut once the peer has had time to read it.
// Limits: PARTING_MOST at a time; beyond, one is cut at once, told or not.
// Thread: one owner. Time is a parameter.

#ifndef COLLECTOR_PARTING_H
#define COLLECTOR_PARTING_H

#include <stddef.h>
#include <stdint.h>

#include "collector/gate.h"

// For a message to arrive and to be read: an agent looks each second or so, and its libzmq throws
// away what lies unread when the connection ends.
#define PARTING_MS   2000
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
