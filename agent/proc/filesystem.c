// filesystem - see the header.
//
// A sample tells what was answered, and then orders the round for the next one. Only what is still
// mounted is told, or a mount that has just gone would be told the numbers of the folder beneath.
// The first round is ordered when the family is made, so that the first sample has its answers.

#include "agent/proc/filesystem.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/proc/mount_table.h"
#include "shared/base/file.h"
#include "shared/base/log.h"
#include "shared/base/str.h"
#include "shared/base/xalloc.h"

#define FILESYSTEM_TAG 0x46535953u // "FSYS"
#define EVERY_MS       10000
#define FORGET_BEYOND  64u            // mounts that have gone are remembered up to so many
#define NO_CHARACTER   "\xef\xbf\xbd" // U+FFFD, for bytes that are no UTF-8

enum value {
    VALUE_DEVICE_ERROR, // first: it alone is always told
    VALUE_READONLY,
    VALUE_SIZE,
    VALUE_FREE,
    VALUE_AVAIL,
    VALUE_FILES,
    VALUE_FILES_FREE,
    VALUES
};

#define GAUGE(metric, text)                                                                        \
    {                                                                                              \
        .name = metric, .kind = METRIC_GAUGE, .form = { .exponent = 0, .unit = 1 }, .job = "node", \
        .help = text                                                                               \
    }
static const struct series_spec specs[VALUES] = {
    [VALUE_DEVICE_ERROR] = GAUGE(
        "node_filesystem_device_error",
        "Whether an error occurred while getting statistics for the given device."),
    [VALUE_READONLY] = GAUGE("node_filesystem_readonly", "Filesystem read-only status."),
    [VALUE_SIZE] = GAUGE("node_filesystem_size_bytes", "Filesystem size in bytes."),
    [VALUE_FREE] = GAUGE("node_filesystem_free_bytes", "Filesystem free space in bytes."),
    [VALUE_AVAIL] = GAUGE("node_filesystem_avail_bytes",
                          "Filesystem space available to non-root users in bytes."),
    [VALUE_FILES] = GAUGE("node_filesystem_files", "Filesystem total file nodes."),
    [VALUE_FILES_FREE] = GAUGE("node_filesystem_files_free", "Filesystem total free file nodes."),
};

// A mount as its series show it.
struct mount_series {
    char *device; // owned, as are the next two
    char *point;
    char *type;
    bool ignored;  // by the filters, asked once
    uint32_t made; // of slots
    uint32_t slots[VALUES];
};

struct filesystem_state {
    unsigned tag;                      // FILESYSTEM_TAG
    const name_filter_t *mount_filter; // borrowed, as is the next; NULL lets everything pass
    const name_filter_t *fstype_filter;
    struct mount_table table;    // of this sample
    bool has_table;              // one of the two files could be read
    bool said;                   // that neither could
    uint32_t n;                  // of mounts
    uint32_t size;               // allocated
    struct mount_series *mounts; // in the table's order; behind them those that have gone
    const char **points;         // room for one round: as many as `size`
    slow_thread_t *thread;       // NULL without a root
};

static void s_first_round(struct filesystem_state *self, int root_fd);
static void s_match(struct filesystem_state *self);
static size_t s_points(struct filesystem_state *self);
static void s_tell(struct mount_series *series, series_table_t *table, const struct mount *mount,
                   const struct slow_answer *answer);

int
filesystem_ask(int root_fd, const char *point, union slow_value *ret)
{
    const char *below = point + strspn(point, "/");
    const int fd = openat(root_fd, *below == '\0' ? "." : below, O_PATH | O_CLOEXEC);
    int rc;

    if (fd == -1)
        return -errno;
    rc = fstatvfs(fd, &ret->fs) == -1 ? -errno : 0;
    close(fd);
    return rc;
}

static void *
s_make(const struct proc_setup *setup)
{
    return filesystem_new(setup, filesystem_ask, FILESYSTEM_STUCK_MS);
}

void *
filesystem_new(const struct proc_setup *setup, slow_fn ask, int64_t stuck_ms)
{
    struct filesystem_state *self = xcalloc(1, sizeof *self);

    self->tag = FILESYSTEM_TAG;
    self->mount_filter = setup->filters[PROC_FILTER_MOUNT];
    self->fstype_filter = setup->filters[PROC_FILTER_FSTYPE];
    if (setup->root != NULL) {
        const struct slow_options opt = {
            .root_fd = proc_root_fd(setup->root),
            .ask = ask,
            .stuck_ms = stuck_ms,
            .every_ms = EVERY_MS,
        };

        self->thread = slow_thread_new(&opt);
        s_first_round(self, opt.root_fd);
    }
    return self;
}

// A file that is missing or malformed is said by the first sample.
static void
s_first_round(struct filesystem_state *self, int root_fd)
{
    struct buf text = { 0 };
    ptrdiff_t n = file_read(&text, root_fd, filesystem_family.files[0].path, PROC_FILE_MAX);

    if (n < 0)
        n = file_read(&text, root_fd, filesystem_family.files[1].path, PROC_FILE_MAX);
    if (n > 0 && mount_table_parse(&self->table, (const char *) text.at, (size_t) n) > 0) {
        s_match(self);
        slow_thread_ask(self->thread, self->points, s_points(self), 0);
    }
    buf_release(&text);
}

// The second file only where the first did not do.
static size_t
s_head(void *arg, size_t file)
{
    const struct filesystem_state *self = arg;

    (void) file;
    return self->has_table ? PROC_HEAD_NONE : 0;
}

static int
s_sample(void *arg, series_table_t *table, size_t file, const char *text, size_t len)
{
    struct filesystem_state *self = arg;
    int rc;

    (void) table; // set by the walk, when it is known which of the two files there is
    (void) file;
    assert(self->tag == FILESYSTEM_TAG);
    if (self->has_table)
        return 0;
    rc = mount_table_parse(&self->table, text, len);
    self->has_table = rc > 0;
    return rc < 0 ? rc : 0;
}

static bool
s_is(const struct mount_series *series, const struct mount *mount)
{
    return strcmp(series->point, mount->point) == 0 && strcmp(series->device, mount->device) == 0 &&
           strcmp(series->type, mount->type) == 0;
}

static void
s_add(struct filesystem_state *self, const struct mount *mount)
{
    if (self->n == self->size) {
        self->size = self->size == 0 ? 32 : self->size * 2;
        self->mounts = xrealloc(self->mounts, self->size, sizeof *self->mounts);
        self->points = xrealloc(self->points, self->size, sizeof *self->points);
    }
    self->mounts[self->n++] = (struct mount_series){
        .device = xstrdup(mount->device),
        .point = xstrdup(mount->point),
        .type = xstrdup(mount->type),
        .ignored = !name_filter_passes(self->mount_filter, mount->point, strlen(mount->point)) ||
                   !name_filter_passes(self->fstype_filter, mount->type, strlen(mount->type)),
    };
}

static void
s_drop(struct filesystem_state *self, uint32_t to)
{
    while (self->n > to) {
        const struct mount_series *series = &self->mounts[--self->n];

        free(series->device);
        free(series->point);
        free(series->type);
    }
}

// Brings the series of the table's mounts into its order: mounts[i] is that of table.mounts[i].
// They nearly always are already.
static void
s_match(struct filesystem_state *self)
{
    for (uint32_t i = 0; i < self->table.n; i++) {
        uint32_t found = i;

        while (found < self->n && !s_is(&self->mounts[found], &self->table.mounts[i]))
            found++;
        if (found == self->n)
            s_add(self, &self->table.mounts[i]);
        if (found != i) {
            const struct mount_series moved = self->mounts[found];

            memmove(&self->mounts[i + 1], &self->mounts[i], (found - i) * sizeof moved);
            self->mounts[i] = moved;
        }
    }
    if (self->n - self->table.n > FORGET_BEYOND)
        s_drop(self, self->table.n);
}

static bool
s_is_told(const struct filesystem_state *self, uint32_t i)
{
    return !self->table.mounts[i].hidden && !self->mounts[i].ignored;
}

// The mount points to ask about, into self->points; how many.
static size_t
s_points(struct filesystem_state *self)
{
    size_t n = 0;

    for (uint32_t i = 0; i < self->table.n; i++)
        if (s_is_told(self, i))
            self->points[n++] = self->mounts[i].point;
    return n;
}

static void
s_walk(void *arg, series_table_t *table)
{
    struct filesystem_state *self = arg;

    assert(self->tag == FILESYSTEM_TAG);
    if (self->thread == NULL)
        return;
    if (!self->has_table && !self->said)
        log_warn("there is no table of mounts; file systems have no series", NULL);
    self->said = !self->has_table;
    if (!self->has_table)
        return;
    self->has_table = false;
    s_match(self);
    slow_thread_collect(self->thread);
    for (uint32_t i = 0; i < self->table.n; i++) {
        const struct slow_answer answer = slow_thread_answer(self->thread, self->mounts[i].point);

        if (s_is_told(self, i) && answer.state != SLOW_UNKNOWN)
            s_tell(&self->mounts[i], table, &self->table.mounts[i], &answer);
    }
    slow_thread_ask_ahead(self->thread, self->points, s_points(self));
}

// A label's value: names of devices and folders are any bytes, values are UTF-8.
static char *
s_value(const char *text)
{
    struct buf value = { 0 };
    size_t left = strlen(text);
    size_t len;

    if (str_is_utf8(text, left))
        return xstrdup(text);
    for (; left > 0; text += len, left -= len) {
        len = str_utf8_len(text, left);
        if (len > 0)
            buf_bytes(&value, text, len);
        else
            buf_str(&value, NO_CHARACTER);
        len = len > 0 ? len : 1;
    }
    buf_byte(&value, '\0');
    return (char *) buf_detach(&value, &left);
}

static void
s_slots(struct mount_series *series, series_table_t *table, uint32_t n)
{
    char *device, *point, *type;

    if (series->made >= n)
        return;
    device = s_value(series->device);
    point = s_value(series->point);
    type = s_value(series->type);
    for (; series->made < n; series->made++)
        series->slots[series->made] = series_table_slot(
            table, &specs[series->made],
            (const struct label[]){
                { "device", device }, { "fstype", type }, { "mountpoint", point } },
            3);
    free(device);
    free(point);
    free(type);
}

// blocks * size, which a file system may make up beyond what an integer holds.
static void
s_set(series_table_t *table, uint32_t slot, uint64_t n, uint64_t size)
{
    int64_t product;

    if (__builtin_mul_overflow(n, size, &product))
        series_table_set_double(table, slot, (double) n * (double) size);
    else
        series_table_set(table, slot, product);
}

static void
s_tell(struct mount_series *series, series_table_t *table, const struct mount *mount,
       const struct slow_answer *answer)
{
    const struct statvfs *fs = &answer->value.fs;
    const bool ok = answer->state == SLOW_OK;

    s_slots(series, table, ok ? VALUES : VALUE_DEVICE_ERROR + 1);
    series_table_set(table, series->slots[VALUE_DEVICE_ERROR], ok ? 0 : 1);
    if (!ok)
        return;
    series_table_set(table, series->slots[VALUE_READONLY], mount->readonly ? 1 : 0);
    s_set(table, series->slots[VALUE_SIZE], fs->f_blocks, fs->f_frsize);
    s_set(table, series->slots[VALUE_FREE], fs->f_bfree, fs->f_frsize);
    s_set(table, series->slots[VALUE_AVAIL], fs->f_bavail, fs->f_frsize);
    s_set(table, series->slots[VALUE_FILES], fs->f_files, 1);
    s_set(table, series->slots[VALUE_FILES_FREE], fs->f_ffree, 1);
}

static void
s_settle(void *arg, int64_t ms)
{
    const struct filesystem_state *self = arg;

    assert(self->tag == FILESYSTEM_TAG);
    if (self->thread != NULL)
        (void) slow_thread_wait(self->thread, ms);
}

static bool
s_hangs(void *arg)
{
    const struct filesystem_state *self = arg;

    assert(self->tag == FILESYSTEM_TAG);
    return self->thread != NULL && slow_thread_hangs(self->thread);
}

static void
s_end(void **self_p)
{
    struct filesystem_state *self = *self_p;

    if (self == NULL)
        return;
    slow_thread_destroy(&self->thread);
    s_drop(self, 0);
    free(self->mounts);
    free(self->points);
    mount_table_release(&self->table);
    free(self);
    *self_p = NULL;
}

const struct proc_family filesystem_family = {
    .name = "filesystem",
    .every_ms = EVERY_MS,
    .filters = 1u << PROC_FILTER_MOUNT | 1u << PROC_FILTER_FSTYPE,
    // Optional each: one is enough, and which of them may be read depends on who asks.
    .files = { { .path = "proc/1/mounts", .optional = true },
               { .path = "proc/self/mounts", .optional = true } },
    .make = s_make,
    .head = s_head,
    .sample = s_sample,
    .walk = s_walk,
    .settle = s_settle,
    .hangs = s_hangs,
    .end = s_end,
};
