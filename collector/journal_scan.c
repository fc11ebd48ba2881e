// journal_scan - see the header.

#include "collector/journal_scan.h"

#include "collector/lane_checkpoint.h"
#include "shared/base/err.h"
#include "shared/base/segment_cursor.h"

struct scan {
    lane_table_t *lanes;
    struct journal_keep *keep;
    bool loading;        // between the first and the last entry of a checkpoint
    uint64_t first;      // segment in which the one at hand begins
    uint64_t checkpoint; // segment in which the newest whole one begins; 0: none was met
    uint64_t damaged_bytes;
};

static int s_from(struct scan *scan, const struct journal_scan_options *opt, uint64_t segment);
static int s_read(struct scan *scan, const struct journal_scan_options *opt,
                  struct segment_place from);
static void s_entry(struct scan *scan, const struct segment_entry *at);
static void s_checkpoint(struct scan *scan, const struct journal_entry *entry, uint64_t segment);
static void s_segment(void *arg, uint64_t number, uint64_t needed_by);

int
journal_scan(lane_table_t *lanes, struct journal_keep *keep, struct journal_found *found,
             const struct journal_scan_options *opt)
{
    struct scan scan;
    uint64_t segment = opt->end.segment;
    int rc;

    // Each try reads to the end, and the first nearly always has a checkpoint.
    for (;;) {
        scan = (struct scan){ .lanes = lanes, .keep = keep };
        rc = s_from(&scan, opt, segment);
        if (rc < 0 || scan.checkpoint != 0 || segment == opt->oldest)
            break;
        segment--;
    }
    found->damaged_bytes += scan.damaged_bytes;
    found->checkpoint = scan.checkpoint;
    found->read = opt->end.segment - segment + 1;
    if (keep->n == 0)
        journal_keep_begin(keep, opt->oldest);
    journal_keep_begin(keep, opt->end.segment);
    journal_keep_trim(keep, opt->oldest);
    return rc;
}

static int
s_from(struct scan *scan, const struct journal_scan_options *opt, uint64_t segment)
{
    lane_table_t *empty = lane_table_new();

    lane_table_copy(scan->lanes, empty);
    lane_table_destroy(&empty);
    journal_keep_release(scan->keep);
    return s_read(scan, opt, (struct segment_place){ .segment = segment });
}

static int
s_read(struct scan *scan, const struct journal_scan_options *opt, struct segment_place from)
{
    segment_cursor_t *cursor;
    struct segment_entry at;
    int rc = segment_cursor_open(&cursor, opt->dir, opt->owner, from);

    if (rc < 0)
        return rc;
    while ((rc = segment_cursor_next(cursor, opt->end, &at)) == 1 || rc == ERR_FORMAT) {
        if (rc == 1) {
            s_entry(scan, &at);
        } else {
            scan->damaged_bytes += at.len;
            scan->loading = false; // what is missing may be a piece of it
        }
    }
    segment_cursor_close(&cursor);
    return rc;
}

static void
s_entry(struct scan *scan, const struct segment_entry *at)
{
    struct journal_entry entry;

    if (journal_entry_take(&entry, at->at, at->len) < 0)
        return; // of a later version
    if (entry.kind == JOURNAL_CHECKPOINT) {
        s_checkpoint(scan, &entry, at->place.segment);
        return;
    }
    scan->loading = false; // nothing stands within a checkpoint
    lane_table_book(scan->lanes, &entry, at->place);
    journal_keep_begin(scan->keep, at->place.segment);
    if (entry.kind == JOURNAL_RECORD)
        journal_keep_need(scan->keep,
                          lane_table_add(scan->lanes, entry.host, entry.record.stream)->key.segment,
                          at->place.segment);
}

// Whatever was booked before stands in it as well, so it is added to what is there: an item that
// is in both is the same.
static void
s_checkpoint(struct scan *scan, const struct journal_entry *entry, uint64_t segment)
{
    if ((entry->flags & JOURNAL_FIRST) != 0) {
        scan->loading = true;
        scan->first = segment;
        journal_keep_release(scan->keep);
    }
    if (!scan->loading ||
        lane_checkpoint_load(scan->lanes, entry->bytes, entry->len, s_segment, scan) < 0)
        scan->loading = false;
    else if ((entry->flags & JOURNAL_LAST) != 0)
        scan->checkpoint = scan->first;
}

static void
s_segment(void *arg, uint64_t number, uint64_t needed_by)
{
    struct scan *scan = arg;

    journal_keep_begin(scan->keep, number);
    journal_keep_need(scan->keep, number, needed_by);
}
