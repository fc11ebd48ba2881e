// journal_keep - which segments of the journal something still needs.
//
// In:     for each record where it stands, and where the KEY stands that it is read from.
// Out:    for a segment from which on records are needed: the lowest one that is, for these KEYs.
// Thread: one owner. Pure: no clock. A value: zero is empty; release it.

#ifndef COLLECTOR_JOURNAL_KEEP_H
#define COLLECTOR_JOURNAL_KEEP_H

#include <stdint.h>

struct keep_segment {
    uint64_t number;
    uint64_t needed_by; // the newest segment with a record that needs it; itself at least
};

struct journal_keep {
    struct keep_segment *segments; // rising by one
    uint32_t n;
    uint32_t size; // allocated
};

// Segments from the newest known to `number` exist.
void journal_keep_begin(struct journal_keep *keep, uint64_t number);
// A record in segment `by` needs the segment. Numbers that are not known do not matter.
void journal_keep_need(struct journal_keep *keep, uint64_t number, uint64_t by);
// The lowest number that is needed where records from segment `from` on are; the newest one at
// most. 0 where none is known.
uint64_t journal_keep_lowest(const struct journal_keep *keep, uint64_t from);
// Segments below this number are gone.
void journal_keep_trim(struct journal_keep *keep, uint64_t below);
void journal_keep_release(struct journal_keep *keep);

#endif
