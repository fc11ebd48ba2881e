// slot_refusals - which slots of a stream were refused a series by a limit of their agent.
//
// A slot is decided once, at its first definition, and what was refused stays so for as long as the
// stream lasts: a slot is never used twice, so its number stands for the decision. What was passed
// over, or had no room, is marked as not decided, since newer slots are.
// Out:    bytes for the journal, and back. A refusal names the limit.
// Thread: pure. Zero is empty; it holds memory: slot_refusals_release.
// Limits: SLOT_REFUSALS_MAX stretches. When they are used up, all slots above are refused: what a
//         sender can make us remember has an end, and nothing that was taken is taken back. What
//         comes below then is not kept (slot_refusals_are_full): who reads it back decides anew.

#ifndef COLLECTOR_SLOT_REFUSALS_H
#define COLLECTOR_SLOT_REFUSALS_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/rbuf.h"
#include "shared/base/wbuf.h"

#define SLOT_REFUSALS_MAX 1024u
#define SLOT_UNDECIDED    0xffu // in place of a limit: nothing was decided of these slots

// A stretch of slots, both ends included.
struct slot_stretch {
    uint32_t from;
    uint32_t to;
    uint8_t limit; // enum refused_limit, or SLOT_UNDECIDED
};

struct slot_refusals {
    uint32_t n;
    uint32_t size;           // allocated
    struct slot_stretch *at; // rising, apart
};

void slot_refusals_release(struct slot_refusals *self);
// All of `from`, in place of what was there.
void slot_refusals_copy(struct slot_refusals *self, const struct slot_refusals *from);
// The limit that refused the slot, SLOT_UNDECIDED, or 0.
uint8_t slot_refusals_find(const struct slot_refusals *self, uint32_t slot);
// A slot that is not among them, or not decided, is refused by this limit; or marked as undecided.
void slot_refusals_add(struct slot_refusals *self, uint32_t slot, uint8_t limit);
// All from `from` to `to`, which are none of them and above all that were decided, are not.
void slot_refusals_skip(struct slot_refusals *self, uint32_t from, uint32_t to);
// A slot that was not decided is let in.
void slot_refusals_settle(struct slot_refusals *self, uint32_t slot);
// Some that were to be added may be missing.
bool slot_refusals_are_full(const struct slot_refusals *self);

// Bytes that slot_refusals_put writes at most.
#define SLOT_REFUSALS_BYTES(n) (5u + 11u * (size_t) (n))
void slot_refusals_put(struct wbuf *w, const struct slot_refusals *self);
// 0, in place of what was there; or ERR_FORMAT, and then it is empty.
int slot_refusals_take(struct rbuf *r, struct slot_refusals *self);

// All that was decided of a stream's slots, for who has to decide the same again.
struct slot_decisions {
    uint32_t below;                // newer slots were not decided, older ones but for the marked
    int64_t minute;                // of the newest new series among them, since the epoch
    uint32_t made;                 // new series of the host that were let in, of that minute
    struct slot_refusals refusals; // the rest was let in
};
void slot_decisions_copy(struct slot_decisions *self, const struct slot_decisions *from);
#define SLOT_DECISIONS_BYTES(n) (20u + SLOT_REFUSALS_BYTES(n))
void slot_decisions_put(struct wbuf *w, const struct slot_decisions *self);
// As slot_refusals_take.
int slot_decisions_take(struct rbuf *r, struct slot_decisions *self);

#endif
