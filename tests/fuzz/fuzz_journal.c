// fuzz_journal - an entry of the journal that a disk or a stranger changed. What is taken is
// booked, and a checkpoint is loaded; both must hold whatever they say.

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "collector/lane_checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t n);

static void
s_segment(void *arg, uint64_t number, uint64_t needed_by)
{
    *(uint64_t *) arg += number + needed_by;
}

static int
s_emit(void *arg, const struct buf *items, uint8_t flags)
{
    (void) flags;
    return lane_checkpoint_load(arg, items->at, items->len, s_segment, &(uint64_t){ 0 });
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
    lane_table_t *table = lane_table_new(), *again = lane_table_new();
    struct journal_entry entry;
    struct buf first = { 0 };
    uint64_t sum = 0;

    if (journal_entry_take(&entry, at, n) == 0) {
        const uint8_t *record_at;
        struct record record;
        size_t len;

        if (entry.kind == JOURNAL_CHECKPOINT)
            (void) lane_checkpoint_load(table, entry.bytes, entry.len, s_segment, &sum);
        else
            lane_table_book(table, &entry, (struct segment_place){ 1, 64 });
        while (entry.kind == JOURNAL_BASIS &&
               journal_basis_next(&entry, &record, &record_at, &len) == 1)
            sum += len;
        // What a table holds, it can say again.
        if (lane_checkpoint_save(table, &first, s_emit, again) != 0 ||
            lane_table_count(again) != lane_table_count(table))
            abort();
    }
    buf_release(&first);
    lane_table_destroy(&table);
    lane_table_destroy(&again);
    return 0;
}
