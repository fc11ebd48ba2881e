// frame_list - see the header.

#include "agent/frame_list.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/rbuf.h"
#include "shared/base/xalloc.h"

// What an entry costs beside its bytes: its place in the array (which doubles) and in the heap.
#define ENTRY_COST (2 * sizeof(struct frame_entry) + 16)
#define CRC_AT     (FRAME_PREFIX_SIZE + 4u)

static void s_make_room(struct frame_list *list);

size_t
frame_list_cost(uint32_t body_len)
{
    return FRAME_PREFIX_SIZE + FRAME_RECORD_HEADER + body_len + ENTRY_COST;
}

struct frame_entry *
frame_list_push(struct frame_list *list, const struct record *record)
{
    const size_t size = FRAME_PREFIX_SIZE + FRAME_RECORD_HEADER + record->body_len;
    struct frame_entry entry = { .len = (uint32_t) size, .last = record->seq, .record = *record };
    ptrdiff_t n;

    entry.frame = xmalloc(size);
    n = frame_put_record(entry.frame + FRAME_PREFIX_SIZE, size - FRAME_PREFIX_SIZE, record);
    assert(n == (ptrdiff_t) (size - FRAME_PREFIX_SIZE));
    entry.record.body = NULL;
    s_make_room(list);
    list->at[list->first + list->n++] = entry;
    list->bytes += size + ENTRY_COST;
    return frame_list_at(list, list->n - 1);
}

static void
s_make_room(struct frame_list *list)
{
    if (list->first + list->n < list->size)
        return;
    if (list->first > list->n) {
        memcpy(list->at, list->at + list->first, list->n * sizeof *list->at);
        list->first = 0;
    } else {
        list->size = list->size == 0 ? 16 : list->size * 2;
        list->at = xrealloc(list->at, list->size, sizeof *list->at);
    }
}

struct frame_entry *
frame_list_at(const struct frame_list *list, size_t i)
{
    assert(i < list->n);
    return &list->at[list->first + i];
}

size_t
frame_list_from(const struct frame_list *list, uint64_t seq)
{
    size_t low = 0, high = list->n;

    while (low < high) {
        const size_t mid = low + (high - low) / 2;

        if (frame_list_at(list, mid)->record.seq < seq)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

struct frame_entry *
frame_list_find(const struct frame_list *list, uint64_t seq)
{
    const size_t i = frame_list_from(list, seq);

    return i < list->n && frame_list_at(list, i)->record.seq == seq ? frame_list_at(list, i) : NULL;
}

void
frame_list_drop(struct frame_list *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        list->bytes -= frame_list_at(list, i)->len + ENTRY_COST;
        free(frame_list_at(list, i)->frame);
    }
    list->first += n;
    list->n -= n;
    if (list->n == 0)
        list->first = 0;
}

void
frame_list_clear(struct frame_list *list)
{
    frame_list_drop(list, list->n);
}

void
frame_list_release(struct frame_list *list)
{
    frame_list_clear(list);
    free(list->at);
    *list = (struct frame_list){ 0 };
}

uint32_t
frame_entry_crc(const struct frame_entry *entry)
{
    struct rbuf r;

    rbuf_init(&r, entry->frame + CRC_AT, sizeof(uint32_t));
    return rbuf_u32(&r);
}
