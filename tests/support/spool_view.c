// spool_view - see the header.
//
// One lane for each stream, as a collector has it. A segment has records of one stream, and those
// of a stream lie in segments that follow each other; so there is one lane at a time.

#include "tests/support/spool_view.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/err.h"
#include "shared/base/segment.h"
#include "shared/base/xalloc.h"
#include "shared/wire/frame.h"
#include "shared/wire/lane.h"

#define NAME_LEN 20 // 16 hex digits and .seg
#define ASIDE    'a'

struct view {
    const char *metric;
    lane_t *lane;
    uint64_t stream; // of the lane
    struct sample *all;
    size_t n;
    size_t size; // allocated
};

static void s_read_file(struct view *view, int dir_fd, const char *name);
static void s_read_segment(struct view *view, const uint8_t *at, size_t size);
static void s_read_record(struct view *view, const uint8_t *at, size_t n);

static int
s_is_segment(const struct dirent *e)
{
    return strlen(e->d_name) == NAME_LEN && strcmp(e->d_name + NAME_LEN - 4, ".seg") == 0;
}

static int
s_by_time(const void *a, const void *b)
{
    const struct sample *x = a, *y = b;

    return (x->time_ms > y->time_ms) - (x->time_ms < y->time_ms);
}

size_t
spool_view(struct sample **ret, const char *dir, const char *metric)
{
    struct view view = { .metric = metric };
    const int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct dirent **names = NULL;
    // Names are numbers of one length: the order of the alphabet is theirs.
    const int n = dir_fd != -1 ? scandir(dir, &names, s_is_segment, alphasort) : 0;

    for (int i = 0; i < n; i++) {
        s_read_file(&view, dir_fd, names[i]->d_name);
        free(names[i]);
    }
    free(names);
    if (dir_fd != -1)
        close(dir_fd);
    lane_destroy(&view.lane);
    if (view.n > 0)
        qsort(view.all, view.n, sizeof *view.all, s_by_time);
    *ret = view.all;
    return view.n;
}

// As it is mapped, what a preallocated file has behind its records costs nothing.
static void
s_read_file(struct view *view, int dir_fd, const char *name)
{
    const int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
    struct stat st;
    void *at = MAP_FAILED;

    if (fd == -1)
        return;
    if (fstat(fd, &st) == 0 && st.st_size > 0)
        at = mmap(NULL, (size_t) st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (at == MAP_FAILED)
        return;
    s_read_segment(view, at, (size_t) st.st_size);
    munmap(at, (size_t) st.st_size);
}

// Up to the first place that holds no record: the end, or damage, behind which nothing is counted
// on.
static void
s_read_segment(struct view *view, const uint8_t *at, size_t size)
{
    struct segment_header header;
    struct segment_record record;
    uint32_t place = SEGMENT_HEADER_BYTES;

    if (segment_header_take(&header, at, size) < 0)
        return;
    while (place < size && segment_read(&record, at + place, size - place, true, header.salt,
                                        place) == SEGMENT_RECORD) {
        s_read_record(view, record.at, record.len);
        place = record.next;
    }
}

static int
s_define(void *arg, const struct slot_def *def)
{
    const struct view *view = arg;
    const char *name = label_set_get(&def->labels, "__name__");

    return name != NULL && strcmp(name, view->metric) == 0 ? 0
                                                           : ERR_LIMIT; // others are passed over
}

static void
s_row(void *arg, int64_t time_ms, const uint32_t *slots, const double *values, uint32_t n)
{
    struct view *view = arg;

    (void) slots;
    for (uint32_t i = 0; i < n; i++) {
        if (view->n == view->size) {
            view->size = view->size == 0 ? 1024 : 2 * view->size;
            view->all = xrealloc(view->all, view->size, sizeof *view->all);
        }
        view->all[view->n++] = (struct sample){ .time_ms = time_ms, .value = values[i] };
    }
}

static void
s_gap(void *arg, uint64_t from, const struct gap *gap)
{
    (void) arg;
    (void) from;
    (void) gap;
}

static void
s_read_record(struct view *view, const uint8_t *at, size_t n)
{
    const struct lane_handler handler = {
        .arg = view, .define = s_define, .row = s_row, .gap = s_gap
    };
    struct frame_prefix prefix = { 0 };
    struct record record;
    size_t used;

    if (n == 0 || frame_take_record(&record, at + 1, n - 1, &used) < 0)
        return;
    if (view->lane == NULL || view->stream != record.stream) {
        lane_destroy(&view->lane);
        view->lane = lane_new(record.stream, &handler);
        view->stream = record.stream;
    }
    if (at[0] == ASIDE)
        prefix.flags = FRAME_REPEAT;
    (void) lane_accept(view->lane, &prefix, &record);
}
