// journal_walk - see the header.
//
// Two passes. The first reads from the segment in which the time begins to the first record that is
// young enough, and so knows for each stream the KEY before it: that is the state of its lane
// table. The second begins at the oldest of these KEYs.

#include "collector/journal_walk.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "collector/journal_fetch.h"
#include "collector/journal_file.h"
#include "collector/lane_checkpoint.h"
#include "shared/base/err.h"
#include "shared/base/rbuf.h"
#include "shared/base/segment_cursor.h"
#include "shared/base/xalloc.h"

#define NAME_SIZE 32

struct pass {
    const struct journal_walk *is;
    struct journal_walked *told;
    lane_table_t *before;       // streams as of `begin`
    struct segment_place begin; // of the first record that is young enough
    bool begun;                 // it was met
    bool second;
    bool loading; // a checkpoint, in the first pass
};

typedef bool entry_fn(struct pass *pass, const struct journal_entry *entry,
                      struct segment_place place);

static int s_definitions(const struct journal_walk *walk);
static uint64_t s_first_segment(const struct journal_walk *walk);
static int s_read(struct pass *pass, struct segment_place from, entry_fn *fn);
static bool s_look(struct pass *pass, const struct journal_entry *entry,
                   struct segment_place place);
static bool s_give(struct pass *pass, const struct journal_entry *entry,
                   struct segment_place place);
static struct segment_place s_oldest_key(const struct pass *pass, struct segment_place from);

static bool
s_before(struct segment_place a, struct segment_place b)
{
    return a.segment != b.segment ? a.segment < b.segment : a.offset < b.offset;
}

static bool
s_stopped(const struct journal_walk *walk)
{
    return walk->stop != NULL && atomic_load(walk->stop);
}

int
journal_walk(const struct journal_walk *walk, struct journal_walked *ret)
{
    struct pass pass = { .is = walk, .told = ret, .before = lane_table_new() };
    const struct lane_entry *lane;
    struct segment_place from = { 0 };
    size_t at = 0;
    int rc;

    *ret = (struct journal_walked){ 0 };
    while ((lane = lane_table_next(walk->lanes, &at)) != NULL) {
        const char *name = lane_table_name(walk->lanes, lane->host);

        if (name != NULL)
            walk->host(walk->arg, lane->host, name);
    }
    rc = s_definitions(walk);
    if (rc == 0) {
        from.segment = s_first_segment(walk);
        rc = s_read(&pass, from, s_look);
    }
    if (rc == 0 && pass.begun) {
        from = s_oldest_key(&pass, pass.begin);
        *ret = (struct journal_walked){ 0 };
        pass.second = true;
        rc = s_read(&pass, from, s_give);
    }
    lane_table_destroy(&pass.before);
    return rc == 0 && s_stopped(walk) ? ERR_CLOSED : rc;
}

// Told as DEF, since a TABLE would take away what stands in a later place and was told before.
static void
s_define(const struct journal_walk *walk, const struct journal_wish *wish, struct record *record)
{
    struct journal_entry entry = { .kind = JOURNAL_RECORD,
                                   .flags = FRAME_REPEAT,
                                   .host = wish->host };

    if (record->type == RECORD_TABLE) {
        struct rbuf r;

        rbuf_init(&r, record->body, record->body_len);
        (void) rbuf_varint(&r); // slots
        record->type = RECORD_DEF;
        record->body = r.at;
        record->body_len = (uint32_t) rbuf_left(&r);
    }
    // Above all that will come, so that it is of no place in the run.
    record->seq = UINT64_MAX - 1;
    entry.record = *record;
    walk->record(walk->arg, &entry);
}

static void
s_fetched(void *arg, const struct journal_wish *wish, struct journal_entry *entry)
{
    const struct journal_walk *walk = arg;
    struct record record;
    const uint8_t *at;
    size_t len;

    if (entry->kind == JOURNAL_RECORD)
        s_define(walk, wish, &entry->record);
    while (entry->kind == JOURNAL_BASIS && journal_basis_next(entry, &record, &at, &len) == 1)
        s_define(walk, wish, &record);
}

// Of all streams that have a record young enough.
static int
s_definitions(const struct journal_walk *walk)
{
    struct journal_wish *wishes = NULL;
    const struct lane_entry *lane;
    size_t at = 0, n = 0, size = 0;
    int rc;

    while ((lane = lane_table_next(walk->lanes, &at)) != NULL) {
        for (uint32_t i = 0; lane->heard_ms >= walk->since_ms && i < lane->n_defs; i++) {
            if (n == size) {
                size = size == 0 ? 256 : 2 * size;
                wishes = xrealloc(wishes, size, sizeof *wishes);
            }
            wishes[n++] = (struct journal_wish){ lane->defs[i], lane->host, lane->stream };
        }
    }
    rc = journal_fetch(walk->dir, walk->owner, walk->end, wishes, n, s_fetched,
                       (void *) (uintptr_t) walk);
    free(wishes);
    return rc;
}

// The newest one that was begun before the time, or the oldest there is.
static uint64_t
s_first_segment(const struct journal_walk *walk)
{
    const int dir = open(walk->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    uint64_t segment = walk->end.segment;

    for (; dir != -1 && segment > 0; segment--) {
        uint8_t bytes[SEGMENT_HEADER_BYTES];
        struct segment_header header;
        char name[NAME_SIZE];
        bool known;
        int fd;

        snprintf(name, sizeof name, "%016" PRIx64 ".seg", segment);
        fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
        if (fd == -1)
            break; // the one after it is the oldest
        known = pread(fd, bytes, sizeof bytes, 0) == (ssize_t) sizeof bytes &&
                segment_header_take(&header, bytes, sizeof bytes) == 0;
        close(fd);
        if (known && header.made_ms < walk->since_ms) {
            close(dir);
            return segment;
        }
    }
    if (dir != -1)
        close(dir);
    return segment + 1;
}

// Entries from a place on, until fn has enough.
static int
s_read(struct pass *pass, struct segment_place from, entry_fn *fn)
{
    const struct journal_walk *walk = pass->is;
    segment_cursor_t *cursor = NULL;
    struct segment_entry at;
    bool more = true;
    int rc = segment_cursor_open(&cursor, walk->dir, walk->owner, from);

    while (rc >= 0 && more && !s_stopped(walk)) {
        struct journal_entry entry;

        rc = segment_cursor_next(cursor, walk->end, &at);
        if (rc == ERR_FORMAT) {
            pass->told->damaged_bytes += at.len;
            rc = 0;
            continue;
        }
        if (rc == ERR_CLOSED && from.segment < walk->end.segment) { // trimmed meanwhile
            segment_cursor_close(&cursor);
            from = (struct segment_place){ .segment = from.segment + 1 };
            rc = segment_cursor_open(&cursor, walk->dir, walk->owner, from);
            continue;
        }
        if (rc != 1)
            break;
        from.segment = at.place.segment;
        pass->told->bytes += at.len;
        if (journal_entry_take(&entry, at.at, at.len) == 0)
            more = fn(pass, &entry, at.place);
    }
    segment_cursor_close(&cursor);
    return rc < 0 ? rc : 0;
}

// First pass: keeps the lanes up to the first record that is young enough.
static void
s_ignore(void *arg, uint64_t number, int64_t needed_ms)
{
    (void) arg;
    (void) number;
    (void) needed_ms;
}

static bool
s_look(struct pass *pass, const struct journal_entry *entry, struct segment_place place)
{
    if (entry->kind == JOURNAL_CHECKPOINT) {
        if ((entry->flags & JOURNAL_FIRST) != 0)
            pass->loading = true;
        if (pass->loading)
            (void) lane_checkpoint_load(pass->before, entry->bytes, entry->len, s_ignore, NULL);
        return true;
    }
    pass->loading = false;
    if (entry->kind == JOURNAL_RECORD && entry->received_ms >= pass->is->since_ms) {
        // A segment's first entry stands before its checkpoint.
        pass->begin = place;
        pass->begun = true;
        return false;
    }
    lane_table_book(pass->before, entry, place);
    return true;
}

// Where the second pass begins: at a KEY that something after `from` may need.
static struct segment_place
s_oldest_key(const struct pass *pass, struct segment_place from)
{
    const uint64_t back = WALK_BACK_BYTES / JOURNAL_SEGMENT_BYTES;
    const uint64_t least = from.segment > back ? from.segment - back : 0;
    const struct lane_entry *lane;
    size_t at = 0;

    while ((lane = lane_table_next(pass->before, &at)) != NULL) {
        const struct lane_entry *now = lane_table_find(pass->is->lanes, lane->host, lane->stream);

        if (now != NULL && now->heard_ms >= pass->is->since_ms && lane_entry_is_whole(lane) &&
            lane->key.segment >= least && s_before(lane->key, from))
            from = lane->key;
    }
    return from;
}

static bool
s_give(struct pass *pass, const struct journal_entry *entry, struct segment_place place)
{
    struct journal_entry told = *entry;

    // Names were told already, as they are now.
    if (entry->kind != JOURNAL_RECORD)
        return true;
    if (s_before(place, pass->begin)) {
        const struct lane_entry *lane = lane_table_find(pass->before, entry->host,
                                                        entry->record.stream);

        if (lane == NULL || lane->key.segment == 0 || s_before(place, lane->key))
            return true;
        told.flags |= FRAME_REPEAT;
    } else if ((entry->flags & FRAME_REPEAT) == 0) {
        pass->told->records++;
    }
    pass->is->record(pass->is->arg, &told);
    return true;
}
