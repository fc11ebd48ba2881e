// frame_list - records as their frames, in rising order: grows at its end, is freed from its front.
//
// In:     records, bodies copied.
// Out:    frames with room for the prefix ahead of them.
// Thread: one owner.

#ifndef AGENT_FRAME_LIST_H
#define AGENT_FRAME_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/wire/frame.h"

struct frame_entry {
    uint8_t *frame;       // prefix (to be put before sending), then the record
    uint32_t len;         // of the frame
    uint32_t slots;       // that the stream had before this record
    int64_t made_ms;      // when it was pushed, the owner's clock
    bool sent;            // counted as in flight
    uint64_t last;        // seq; of a GAP the last one that it stands for
    struct record record; // body NULL
};

// Zero is an empty list.
struct frame_list {
    size_t first; // place in `at` of its front
    size_t n;
    size_t size;  // allocated
    size_t bytes; // of the frames, with what holding them costs
    struct frame_entry *at;
};

// What a record of this body costs in `bytes`.
size_t frame_list_cost(uint32_t body_len);
struct frame_entry *frame_list_push(struct frame_list *list, const struct record *record);
struct frame_entry *frame_list_at(const struct frame_list *list, size_t i);
// The first entry whose seq is `seq` or more; list->n if there is none. Its seqs must rise.
size_t frame_list_from(const struct frame_list *list, uint64_t seq);
// The entry with that seq, or NULL.
struct frame_entry *frame_list_find(const struct frame_list *list, uint64_t seq);
void frame_list_drop(struct frame_list *list, size_t n); // the first n
void frame_list_clear(struct frame_list *list);
void frame_list_release(struct frame_list *list);
// The crc in the record's header.
uint32_t frame_entry_crc(const struct frame_entry *entry);

#endif
