// journal_walk - see the header.

#include "collector/journal_walk.h"

#include <stdlib.h>
#include <string.h>

#include "collector/journal_fetch.h"
#include "shared/base/err.h"
#include "shared/base/map.h"
#include "shared/base/rbuf.h"
#include "shared/base/segment_cursor.h"
#include "shared/base/xalloc.h"
#include "shared/wire/import_host.h"

// While definitions are told.
struct telling {
    const struct journal_walk *walk;
    map_t *in_place; // struct lane_key -> streams whose definitions are told in their places alone
};

struct lane_key {
    uint64_t host, stream;
};

static int s_definitions(const struct journal_walk *walk);
static int s_records(const struct journal_walk *walk, struct journal_walked *told);

int
journal_walk(const struct journal_walk *walk, struct journal_walked *ret)
{
    const struct lane_entry *lane;
    size_t at = 0;
    int rc;

    *ret = (struct journal_walked){ 0 };
    while ((lane = lane_table_next(walk->lanes, &at)) != NULL) {
        const char *name = lane_table_name(walk->lanes, lane->host);

        if (name != NULL)
            walk->host(walk->arg, lane->host, name);
    }
    rc = s_definitions(walk);
    return rc < 0 ? rc : s_records(walk, ret);
}

// Told as DEF, since a TABLE would take away what stands in a later place and was told before.
static void
s_define(const struct journal_walk *walk, const struct journal_wish *wish, struct record *record,
         struct record_share share)
{
    const char *name = lane_table_name(walk->lanes, wish->host);
    struct journal_entry entry = {
        .kind = JOURNAL_RECORD, .flags = FRAME_REPEAT, .host = wish->host, .share = share
    };

    // A BASIS does not say it: definitions of an import have `instance`, and no others may.
    if (name != NULL && import_host_id(name, strlen(name)) == wish->host)
        entry.flags |= FRAME_IMPORT;

    if (record->type == RECORD_TABLE) {
        struct rbuf r;

        rbuf_init(&r, record->body, record->body_len);
        (void) rbuf_varint(&r); // slots
        record->type = RECORD_DEF;
        record->body = r.at;
        record->body_len = (uint32_t) rbuf_left(&r);
    }
    record->seq = WALK_DEFINED; // above all that will come
    entry.record = *record;
    walk->record(walk->arg, &entry, 0);
}

// The TABLE that its stream begins with, right behind IDENT: no value comes before it, and none
// before what it does not define and a later record does. Where it will be walked over, so will all
// definitions of its stream, each ahead of its use.
static bool
s_begins(const struct journal_walk *walk, const struct journal_wish *wish,
         const struct journal_entry *entry)
{
    return entry->kind == JOURNAL_RECORD && entry->record.type == RECORD_TABLE &&
           (entry->flags & FRAME_REPEAT) == 0 && entry->record.seq <= 1 &&
           wish->place.segment >= walk->oldest.segment;
}

// The definitions of a stream come in the order of their places.
static void
s_fetched(void *arg, const struct journal_wish *wish, struct journal_entry *entry)
{
    struct telling *telling = arg;
    const struct journal_walk *walk = telling->walk;
    const struct lane_key key = { wish->host, wish->stream };
    struct record record;
    const uint8_t *at;
    size_t len;

    if (s_begins(walk, wish, entry))
        map_put(telling->in_place, &key, sizeof key, telling);
    if (map_get(telling->in_place, &key, sizeof key) != NULL)
        return;
    if (entry->kind == JOURNAL_RECORD)
        s_define(walk, wish, &entry->record, entry->share);
    while (entry->kind == JOURNAL_BASIS && journal_basis_next(entry, &record, &at, &len) == 1)
        s_define(walk, wish, &record, (struct record_share){ 0 });
}

// Of all streams that have a row to be read.
static int
s_definitions(const struct journal_walk *walk)
{
    struct telling telling = { .walk = walk, .in_place = map_new() };
    struct journal_wish *wishes = NULL;
    const struct lane_entry *lane;
    size_t at = 0, n = 0, size = 0;
    int rc;

    while ((lane = lane_table_next(walk->lanes, &at)) != NULL) {
        for (uint32_t i = 0; lane->key.segment >= walk->oldest.segment && i < lane->n_defs; i++) {
            if (n == size) {
                size = size == 0 ? 256 : 2 * size;
                wishes = xrealloc(wishes, size, sizeof *wishes);
            }
            wishes[n++] = (struct journal_wish){ lane->defs[i], lane->host, lane->stream };
        }
    }
    rc = journal_fetch(walk->dir, walk->owner, walk->end, wishes, n, s_fetched, &telling);
    map_destroy(&telling.in_place);
    free(wishes);
    return rc;
}

static int
s_records(const struct journal_walk *walk, struct journal_walked *told)
{
    segment_cursor_t *cursor;
    struct segment_entry at;
    int rc = segment_cursor_open(&cursor, walk->dir, walk->owner, walk->oldest);

    if (rc < 0)
        return rc;
    while ((rc = segment_cursor_next(cursor, walk->end, &at)) == 1 || rc == ERR_FORMAT) {
        struct journal_entry entry;

        if (atomic_load(walk->stop)) {
            rc = ERR_CLOSED;
            break;
        }
        if (rc == ERR_FORMAT) {
            told->damaged_bytes += at.len;
            continue;
        }
        told->bytes += at.len;
        if (journal_entry_take(&entry, at.at, at.len) < 0 || entry.kind != JOURNAL_RECORD)
            continue;
        told->records += (entry.flags & FRAME_REPEAT) == 0;
        walk->record(walk->arg, &entry, at.place.segment);
    }
    segment_cursor_close(&cursor);
    return rc;
}
