// journal_keep - which segments of the journal something still needs.
//
// In:     for each record where it stands, where the KEY stands that it is read from, when it came,
//         and the oldest time of a sample in it.
// Out:    the segments that nothing young enough needs any more, from the old end; and which ones
//         have nothing that is as old as some time.
// A segment is needed as long as it holds a record that is young enough, or a KEY for one.
// Thread: one owner. Pure: time is a parameter. A value: zero is empty; release it.

#ifndef COLLECTOR_JOURNAL_KEEP_H
#define COLLECTOR_JOURNAL_KEEP_H

#include <stdbool.h>
#include <stdint.h>

struct keep_segment {
    uint64_t number;
    int64_t needed_ms; // when the newest record came that needs it
    int64_t least_ms;  // no sample in it is older; INT64_MIN: not known, INT64_MAX: it has none
};

struct journal_keep {
    struct keep_segment *segments; // rising by one
    uint32_t n;
    uint32_t size; // allocated
};

// Segments from the newest known to `number` exist. What lies between is taken as needed at
// `now_ms`.
void journal_keep_begin(struct journal_keep *keep, uint64_t number, int64_t now_ms);
// A record that came at `at_ms` needs the segment. Numbers that are not known do not matter.
void journal_keep_need(struct journal_keep *keep, uint64_t number, int64_t at_ms);
// The segment is known from its beginning on: nothing is in it yet.
void journal_keep_fresh(struct journal_keep *keep, uint64_t number);
// It has a sample of this time. Where it was not known from the beginning, it stays not known.
void journal_keep_least(struct journal_keep *keep, uint64_t number, int64_t least_ms);
// What is known of it after all.
void journal_keep_set_least(struct journal_keep *keep, uint64_t number, int64_t least_ms);
// Whether it may hold samples that are at or before this time.
bool journal_keep_reaches(const struct journal_keep *keep, uint64_t number, int64_t time_ms);
// No sample is older; INT64_MIN: not known.
int64_t journal_keep_oldest_ms(const struct journal_keep *keep);
// The lowest number that is needed since `since_ms`; the newest one at most. 0 where none is known.
uint64_t journal_keep_lowest(const struct journal_keep *keep, int64_t since_ms);
// Segments below this number are gone.
void journal_keep_trim(struct journal_keep *keep, uint64_t below);
void journal_keep_release(struct journal_keep *keep);

#endif
