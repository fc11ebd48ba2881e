// journal_bed - a journal in a folder of its own, streams that are written to it, and what it gives
// back.
//
// Stream i is of host 100 + i, has `slots` series and one row a second: its row at T0 + k s has the
// values k, k + 1, ... So whatever is read back can be checked by its time alone.

#ifndef TESTS_UNIT_COLLECTOR_JOURNAL_BED_H
#define TESTS_UNIT_COLLECTOR_JOURNAL_BED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "collector/journal_file.h"
#include "collector/journal_walk.h"
#include "shared/base/segment_cursor.h"
#include "shared/wire/lane.h"
#include "tests/support/fake_stream.h"
#include "tests/support/folder.h"

#define BED_T0      INT64_C(1700000000000)
#define BED_OWNER   UINT64_C(0xbed)
#define BED_STREAMS 4u
#define BED_SLOTS   20u
#define BED_KEYS    16u // rows from KEY to KEY

static struct bed {
    char dir[64];
    struct journal_options options;
    struct journal_found found; // at the last open
    journal_file_t *file;
    struct journal_group *group;
    struct fake_stream streams[BED_STREAMS];
    uint64_t rows[BED_STREAMS]; // made
    uint64_t behind;            // segments that are needed, besides the newest; 0: all are
    uint64_t read[BED_STREAMS]; // rows that were read back
    uint64_t told_first;        // definitions, ahead of their places
    uint64_t wrong;             // read twice, or with values that are not of their time
    int64_t last_ms[BED_STREAMS];
    lane_t *lanes[BED_STREAMS]; // while it is read
    struct journal_walked walked;
} bed;

static int64_t bed_now_ms;

static inline int64_t
bed_now(void)
{
    return bed_now_ms;
}

static inline void
bed_open(void)
{
    assert_int_equal(journal_file_open(&bed.file, &bed.found, &bed.options), 0);
}

static inline void
bed_reopen(void)
{
    journal_file_close(&bed.file);
    bed_open();
}

static inline int
bed_setup(void **state)
{
    (void) state;
    memset(&bed, 0, sizeof bed);
    bed_now_ms = BED_T0;
    strcpy(bed.dir, "/tmp/zpulse-bed-XXXXXX");
    assert_non_null(mkdtemp(bed.dir));
    bed.options = (struct journal_options){ .dir = bed.dir,
                                            .owner = BED_OWNER,
                                            .segment_bytes = 64u * 1024u,
                                            .spares = 1,
                                            .bytes_most = UINT64_C(1) << 30,
                                            .hold_bytes = UINT64_C(1) << 30,
                                            .now_ms = bed_now };
    bed.group = journal_group_new();
    for (unsigned i = 0; i < BED_STREAMS; i++)
        bed.streams[i] = (struct fake_stream){ .id = 500 + i, .metric = "m" };
    return 0;
}

static inline int
bed_teardown(void **state)
{
    (void) state;
    journal_file_close(&bed.file);
    journal_group_free(bed.group);
    for (unsigned i = 0; i < BED_STREAMS; i++)
        row_state_release(&bed.streams[i].rows);
    assert_int_equal(folder_remove(bed.dir), 0);
    return 0;
}

// The record that the stream made last, into the group.
static inline void
bed_add(unsigned i)
{
    const struct fake_stream *s = &bed.streams[i];

    journal_group_add(bed.group,
                      &(struct journal_item){ .host = 100 + i,
                                              .received_ms = bed_now_ms,
                                              .kind = JOURNAL_RECORD,
                                              .flags = s->flags,
                                              .kept = true },
                      s->frame + FRAME_PREFIX_SIZE, s->len - FRAME_PREFIX_SIZE);
}

static inline void
bed_begin_stream(unsigned i)
{
    struct buf name = { 0 };
    char text[16];

    snprintf(text, sizeof text, "host-%u", i);
    journal_name_put(&name, text);
    journal_group_add(
        bed.group,
        &(struct journal_item){
            .host = 100 + i, .received_ms = bed_now_ms, .kind = JOURNAL_HOST, .kept = true },
        name.at, name.len);
    buf_release(&name);
    fake_ident(&bed.streams[i], 100 + i, text);
    bed_add(i);
    fake_table(&bed.streams[i], BED_SLOTS);
    bed_add(i);
}

static inline void
bed_row(unsigned i)
{
    const uint64_t k = bed.rows[i]++;

    fake_row(&bed.streams[i], k % BED_KEYS == 0 ? RECORD_KEY : RECORD_DELTA,
             BED_T0 + 1000 * (int64_t) k, BED_SLOTS, (int64_t) k);
    bed_add(i);
}

static inline void
bed_commit(void)
{
    journal_file_commit(bed.file, bed.group);
    assert_int_equal(bed.group->rc, 0);
    assert_int_equal(bed.group->done, bed.group->n);
    journal_group_clear(bed.group);
    if (bed.behind > 0 && journal_file_end(bed.file).segment > bed.behind)
        journal_file_let_go(bed.file, journal_file_end(bed.file).segment - bed.behind);
}

// `seconds` rows of each of the first `n` streams, a group a second.
static inline void
bed_run(unsigned n, unsigned seconds)
{
    for (unsigned second = 0; second < seconds; second++) {
        for (unsigned i = 0; i < n; i++) {
            if (bed.rows[i] == 0)
                bed_begin_stream(i);
            bed_row(i);
        }
        bed_now_ms += 1000;
        bed_commit();
    }
}

static inline int
bed_see_slot(void *arg, const struct slot_def *def)
{
    (void) arg;
    (void) def;
    return 0;
}

static inline void
bed_see_values(void *arg, const struct row_state *before, bool apart)
{
    (void) arg;
    (void) before;
    (void) apart;
}

static inline void
bed_see_gap(void *arg, uint64_t from, const struct gap *gap)
{
    (void) arg;
    (void) from;
    (void) gap;
}

static inline void
bed_see_row(void *arg, int64_t time_ms, const struct row_block *block)
{
    const unsigned i = (unsigned) (uintptr_t) arg;
    const int64_t k = (time_ms - BED_T0) / 1000;

    assert_int_equal(block->n, BED_SLOTS);
    bed.read[i]++;
    bed.wrong += time_ms <= bed.last_ms[i];
    bed.last_ms[i] = time_ms;
    for (uint32_t at = 0; at < block->n; at++)
        bed.wrong += block->cells[at].state != CELL_INTEGER || block->cells[at].m != k + at;
}

static inline void
bed_see_host(void *arg, uint64_t host, const char *name)
{
    char expected[16];

    (void) arg;
    snprintf(expected, sizeof expected, "host-%u", (unsigned) (host - 100));
    bed.wrong += strcmp(name, expected) != 0;
}

static inline void
bed_see_record(void *arg, const struct journal_entry *entry, uint64_t segment)
{
    const struct frame_prefix prefix = { .flags = entry->flags, .base = entry->record.seq };
    const unsigned i = (unsigned) (entry->host - 100);

    (void) arg;
    bed.told_first += entry->record.seq == WALK_DEFINED;
    bed.wrong += segment > journal_file_end(bed.file).segment;
    if (i < BED_STREAMS)
        (void) lane_accept(bed.lanes[i], &prefix, &entry->record);
}

// All that the journal has.
static inline void
bed_read(void)
{
    const atomic_bool stop = false;

    memset(bed.read, 0, sizeof bed.read);
    memset(bed.last_ms, 0, sizeof bed.last_ms);
    bed.told_first = 0;
    bed.wrong = 0;
    for (unsigned i = 0; i < BED_STREAMS; i++)
        bed.lanes[i] = lane_new(500 + i, &(struct lane_handler){ .arg = (void *) (uintptr_t) i,
                                                                 .define = bed_see_slot,
                                                                 .values = bed_see_values,
                                                                 .block = bed_see_row,
                                                                 .gap = bed_see_gap });
    assert_int_equal(
        journal_walk(&(struct journal_walk){ .dir = bed.dir,
                                             .owner = BED_OWNER,
                                             .oldest = { journal_file_oldest(bed.file), 0 },
                                             .end = journal_file_end(bed.file),
                                             .lanes = journal_file_lanes(bed.file),
                                             .stop = &stop,
                                             .host = bed_see_host,
                                             .record = bed_see_record },
                     &bed.walked),
        0);
    for (unsigned i = 0; i < BED_STREAMS; i++)
        lane_destroy(&bed.lanes[i]);
    assert_int_equal(bed.wrong, 0);
}

static inline const struct lane_entry *
bed_lane(unsigned i)
{
    return lane_table_find(journal_file_lanes(bed.file), 100 + i, 500 + i);
}

#endif
