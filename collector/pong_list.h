// pong_list - answers to PINGs that wait for the ACK of what came with them.
//
// An agent sends a PING behind the record of its tick. PONG and ACK that leave together are one
// packet and one wake-up of its thread, and one write here, instead of two.
//
// In:     PONGs, whom they are for, and when they came.
// Out:    those that go now, in the order in which they came.
// Limits: PONG_LIST_MOST; one more goes at once. None waits longer than PONG_HOLD_MS, told by the
//         turns: a journal that does not answer must not look like a collector that does not.
// Thread: one owner. Pure.

#ifndef COLLECTOR_PONG_LIST_H
#define COLLECTOR_PONG_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/host_table.h"
#include "shared/wire/control.h"

#define PONG_LIST_MOST 1024
#define PONG_HOLD_MS   100

struct pong_wait {
    uint64_t host;
    struct route to;
    struct pong pong;
    int64_t mono_ms; // when its PING came
};

struct pong_list {
    struct pong_wait *at; // PONG_LIST_MOST, from the first one on; owned
    size_t n;
};

struct pong_list_handler {
    void *arg;
    // An ACK for this host is on its way.
    bool (*owes)(void *arg, uint64_t host);
    void (*send)(void *arg, const struct pong_wait *wait);
};

void pong_list_release(struct pong_list *self);
// False if it is full.
bool pong_list_add(struct pong_list *self, const struct pong_wait *wait);
// Sends those that no ACK is to go with any more, or that have waited long enough.
void pong_list_turn(struct pong_list *self, const struct pong_list_handler *handler,
                    int64_t mono_ms);

#endif
