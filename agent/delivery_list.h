// delivery_list - the streams of a delivery, in the order of their making: the backlog, oldest
// first, then the live one.
//
// HELLO names the first 32 and the last one, so a stream further back waits until one before it is
// over.
// Thread: delivery's. Inner to it. A value: zero is empty; release it.

#ifndef AGENT_DELIVERY_LIST_H
#define AGENT_DELIVERY_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/delivery_stream.h"

struct delivery_list {
    struct delivery_stream **at; // ours
    size_t n;
    size_t size; // allocated
    bool live;   // the last one of `at` is the live one
};

void delivery_list_release(struct delivery_list *self);

// By our id, and by the one it has on the wire; NULL: none.
struct delivery_stream *delivery_list_find(const struct delivery_list *self, uint64_t id);
struct delivery_stream *delivery_list_find_wire(const struct delivery_list *self, uint64_t id);
// Takes it, as the newest one.
void delivery_list_add(struct delivery_list *self, struct delivery_stream *s);
// How many are not the live one.
size_t delivery_list_backlog(const struct delivery_list *self);
struct delivery_stream *delivery_list_live(const struct delivery_list *self); // or NULL
// HELLO names the i-th.
bool delivery_list_named(const struct delivery_list *self, size_t i);
// Lets go of those that are over: all acknowledged, or given up by the spool.
void delivery_list_settle(struct delivery_list *self);
// Bytes of the backlog that are sent and not acknowledged.
size_t delivery_list_flight(const struct delivery_list *self);

#endif
