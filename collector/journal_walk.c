// journal_walk - see the header.
//
// Segment by segment it is known whether anything in it is wanted, so the journal is read in runs
// of segments that follow one another. Each takes two passes. The first reads from the segment in
// which the run begins to the first record that is young enough, and so knows for each stream the
// KEY before it: that is the state of its lane table. The second begins at the oldest of these
// KEYs.

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
#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/base/map.h"
#include "shared/base/rbuf.h"
#include "shared/base/segment_cursor.h"
#include "shared/base/xalloc.h"

#define NAME_SIZE  32
#define CLOCK_EACH 64u // records between two looks at the clock

// Of the whole walk.
struct course {
    const struct journal_walk *is;
    struct journal_walked *told;
    map_t *unwanted; // hosts; the values mean nothing
    uint64_t oldest; // segment in which a run may begin
    unsigned ticks;  // since the clock was looked at
    int rc;          // why it ended early
};

// Of one run of segments.
struct pass {
    struct course *course;
    const struct journal_walk *is;
    uint64_t last;              // segment of the run
    lane_table_t *before;       // streams as of `begin`
    struct segment_place begin; // of the first record that is young enough
    uint64_t first_of;          // segment whose first entry was met
    bool begun;                 // `begin` was met
    bool loading;               // a checkpoint
    bool loaded;                // a whole one was met
};

typedef bool entry_fn(struct pass *pass, const struct journal_entry *entry,
                      struct segment_place place);

static void s_names(struct course *course);
static int s_definitions(struct course *course);
static uint64_t s_first_segment(struct course *course);
static bool s_reaches(const struct journal_walk *walk, uint64_t segment);
static int s_measure(const struct course *course, uint64_t first);
static int s_run(struct course *course, uint64_t first, uint64_t last);
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

// True once the walk is to end; then course->rc says why.
static bool
s_stopped(struct course *course)
{
    const struct journal_walk *walk = course->is;

    if (course->rc == 0 && walk->stop != NULL && atomic_load(walk->stop))
        course->rc = ERR_CLOSED;
    if (course->rc == 0 && walk->until_ms != 0 && course->ticks++ % CLOCK_EACH == 0 &&
        clock_mono_ms() > walk->until_ms)
        course->rc = -ETIMEDOUT;
    return course->rc != 0;
}

int
journal_walk(const struct journal_walk *walk, struct journal_walked *ret)
{
    struct course course = { .is = walk, .told = ret, .unwanted = map_new() };
    uint64_t first;
    int rc;

    *ret = (struct journal_walked){ 0 };
    s_names(&course);
    first = s_first_segment(&course);
    rc = s_measure(&course, first);
    rc = rc < 0 ? rc : s_definitions(&course);
    while (rc == 0 && !s_stopped(&course) && first <= walk->end.segment) {
        uint64_t behind = first; // the run

        while (behind <= walk->end.segment && s_reaches(walk, behind))
            behind++;
        if (behind > first)
            rc = s_run(&course, first, behind - 1);
        first = behind > first ? behind : first + 1;
    }
    map_destroy(&course.unwanted);
    return rc == 0 ? course.rc : rc;
}

int
journal_walk_definitions(const struct journal_walk *walk)
{
    struct journal_walked told = { 0 };
    struct course course = { .is = walk, .told = &told, .unwanted = map_new() };
    int rc;

    s_names(&course);
    rc = s_definitions(&course);
    map_destroy(&course.unwanted);
    return rc == 0 ? course.rc : rc;
}

static void
s_names(struct course *course)
{
    const struct journal_walk *walk = course->is;
    const struct lane_entry *lane;
    size_t at = 0;

    while ((lane = lane_table_next(walk->lanes, &at)) != NULL) {
        const char *name = lane_table_name(walk->lanes, lane->host);

        if (walk->host != NULL && name != NULL && !walk->host(walk->arg, lane->host, name))
            map_put_u64(course->unwanted, lane->host, course);
    }
}

static bool
s_is_unwanted(const struct course *course, uint64_t host)
{
    return map_count(course->unwanted) > 0 && map_get_u64(course->unwanted, host) != NULL;
}

// Whether anything that the stream said since may be wanted.
static bool
s_wanted(const struct course *course, const struct lane_entry *lane)
{
    return lane->heard_ms >= course->is->since_ms && !s_is_unwanted(course, lane->host);
}

static bool
s_reaches(const struct journal_walk *walk, uint64_t segment)
{
    return walk->keep == NULL || journal_keep_reaches(walk->keep, segment, walk->to_ms);
}

// Segments from `first` on that reach, in bytes, against the limit.
static int
s_measure(const struct course *course, uint64_t first)
{
    const struct journal_walk *walk = course->is;
    uint64_t bytes = 0;

    if (walk->most_bytes == 0)
        return 0;
    for (uint64_t segment = first; segment <= walk->end.segment; segment++)
        if (s_reaches(walk, segment))
            bytes += segment == walk->end.segment ? walk->end.offset : JOURNAL_SEGMENT_BYTES;
    return bytes > walk->most_bytes ? ERR_LIMIT : 0;
}

// A checkpoint that can't be found whole is looked for in the segment before. What is told again so
// was met: decoders know it by its number.
static int
s_run(struct course *course, uint64_t first, uint64_t last)
{
    const struct journal_walked before = *course->told;
    struct pass pass = { 0 };
    int rc;

    for (;; first--) {
        lane_table_destroy(&pass.before);
        pass = (struct pass){
            .course = course, .is = course->is, .last = last, .before = lane_table_new()
        };
        rc = s_read(&pass, (struct segment_place){ .segment = first }, s_look);
        if (rc < 0 || pass.loaded || first <= course->oldest || s_stopped(course))
            break;
    }
    *course->told = before;
    if (rc == 0 && pass.begun && course->rc == 0)
        rc = s_read(&pass, s_oldest_key(&pass, pass.begin), s_give);
    lane_table_destroy(&pass.before);
    return rc;
}

// Told as DEF, since a TABLE would take away what stands in a later place and was told before.
static void
s_define(struct course *course, const struct journal_wish *wish, struct record *record)
{
    const struct journal_walk *walk = course->is;
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
    record->seq = WALK_DEFINED; // above all that will come
    entry.record = *record;
    if (!walk->record(walk->arg, &entry) && course->rc == 0)
        course->rc = ERR_CLOSED;
}

static void
s_fetched(void *arg, const struct journal_wish *wish, struct journal_entry *entry)
{
    struct course *course = arg;
    struct record record;
    const uint8_t *at;
    size_t len;

    if (entry->kind == JOURNAL_RECORD)
        s_define(course, wish, &entry->record);
    while (entry->kind == JOURNAL_BASIS && journal_basis_next(entry, &record, &at, &len) == 1)
        s_define(course, wish, &record);
}

// Of all streams that have a record young enough.
static int
s_definitions(struct course *course)
{
    const struct journal_walk *walk = course->is;
    struct journal_wish *wishes = NULL;
    const struct lane_entry *lane;
    size_t at = 0, n = 0, size = 0;
    int rc;

    while ((lane = lane_table_next(walk->lanes, &at)) != NULL) {
        for (uint32_t i = 0; s_wanted(course, lane) && i < lane->n_defs; i++) {
            if (n == size) {
                size = size == 0 ? 256 : 2 * size;
                wishes = xrealloc(wishes, size, sizeof *wishes);
            }
            wishes[n++] = (struct journal_wish){ lane->defs[i], lane->host, lane->stream };
        }
    }
    rc = journal_fetch(walk->dir, walk->owner, walk->end, wishes, n, s_fetched, course);
    free(wishes);
    return rc;
}

// The newest one that was begun before the time, or the oldest there is.
static uint64_t
s_first_segment(struct course *course)
{
    const struct journal_walk *walk = course->is;
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
            segment--;
            break;
        }
    }
    if (dir != -1)
        close(dir);
    course->oldest = ++segment;
    if (walk->keep != NULL && walk->keep->n > 0 && walk->keep->segments[0].number < segment)
        course->oldest = walk->keep->segments[0].number;
    return segment;
}

// Entries from a place on, until fn has enough.
static int
s_read(struct pass *pass, struct segment_place from, entry_fn *fn)
{
    const struct journal_walk *walk = pass->is;
    segment_cursor_t *cursor = NULL;
    struct segment_entry at;
    bool more = true;
    struct segment_place until = walk->end;
    int rc = segment_cursor_open(&cursor, walk->dir, walk->owner, from);

    // Up to where the segment behind the run begins.
    if (pass->last < walk->end.segment)
        until = (struct segment_place){ .segment = pass->last + 1 };
    while (rc >= 0 && more && !s_stopped(pass->course)) {
        struct journal_entry entry;

        rc = segment_cursor_next(cursor, until, &at);
        if (rc == ERR_FORMAT) {
            pass->course->told->damaged_bytes += at.len;
            pass->loading = false; // what is missing may be a piece of a checkpoint
            rc = 0;
            continue;
        }
        if (rc == ERR_CLOSED && from.segment < pass->last) { // trimmed meanwhile
            segment_cursor_close(&cursor);
            from = (struct segment_place){ .segment = from.segment + 1 };
            rc = segment_cursor_open(&cursor, walk->dir, walk->owner, from);
            continue;
        }
        if (rc != 1)
            break;
        from.segment = at.place.segment;
        pass->course->told->bytes += at.len;
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
    const bool first = place.segment != pass->first_of;

    pass->first_of = place.segment;
    if (entry->kind == JOURNAL_CHECKPOINT) {
        if ((entry->flags & JOURNAL_FIRST) != 0)
            pass->loading = true;
        if (pass->loading &&
            lane_checkpoint_load(pass->before, entry->bytes, entry->len, s_ignore, NULL) == 0)
            pass->loaded = pass->loaded || (entry->flags & JOURNAL_LAST) != 0;
        return !pass->begun || !pass->loaded;
    }
    pass->loading = false;
    if (pass->begun)
        return false;
    if (entry->kind == JOURNAL_RECORD && entry->received_ms >= pass->is->since_ms) {
        pass->begin = place;
        pass->begun = true;
        // A segment's first entry stands before its checkpoint, which has it already.
        return first && !pass->loaded;
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

        if (now != NULL && s_wanted(pass->course, now) &&
            (pass->is->stream == NULL ||
             pass->is->stream(pass->is->arg, lane->host, lane->stream)) &&
            lane_entry_is_whole(lane) && lane->key.segment >= least && s_before(lane->key, from))
            from = lane->key;
    }
    return from;
}

static bool
s_give(struct pass *pass, const struct journal_entry *entry, struct segment_place place)
{
    struct journal_entry told = *entry;

    // Names were told already, as they are now.
    if (entry->kind != JOURNAL_RECORD || s_is_unwanted(pass->course, entry->host))
        return true;
    if (s_before(place, pass->begin)) {
        const struct lane_entry *lane = lane_table_find(pass->before, entry->host,
                                                        entry->record.stream);

        if (lane == NULL || lane->key.segment == 0 || s_before(place, lane->key))
            return true;
        told.flags |= FRAME_REPEAT;
    } else if ((entry->flags & FRAME_REPEAT) == 0) {
        pass->course->told->records++;
    }
    if (!pass->is->record(pass->is->arg, &told) && pass->course->rc == 0)
        pass->course->rc = ERR_CLOSED;
    return true;
}
