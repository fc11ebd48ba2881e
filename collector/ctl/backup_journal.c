// backup_journal - see the header.

#include "collector/ctl/backup_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/err.h"
#include "shared/base/file.h"
#include "shared/base/segment.h"
#include "shared/base/segment_files.h"
#include "shared/base/xalloc.h"

#define JOURNAL_DIR "journal"
#define ROUNDS      20
#define MODE        0640

// Segments by number, rising.
struct segments {
    uint64_t *at;
    size_t n;
};

struct copying {
    struct backup *b;
    int from_fd;       // folder
    struct buf to;     // its path
    uint64_t first;    // the lowest that was copied whole; 0: none was
    uint64_t whole_to; // and the one behind the last of those
    uint64_t newest;   // copied as far as it went; 0: none
};

static int s_round(struct copying *c);
static int s_list(struct segments *ret, int dir_fd);
static int s_copy(struct copying *c, uint64_t number, bool newest);
static int s_whole(struct copying *c, struct buf *bytes, const char *name, size_t *ret);
static int s_take(struct copying *c, struct buf *bytes, const char *name);
static void s_path(struct buf *out, const struct copying *c, uint64_t number);
static void s_forget(struct copying *c, uint64_t below);

int
backup_journal(struct backup *b)
{
    struct copying c = { .b = b };
    struct buf from = { 0 };
    int rc = 0;

    buf_printf(&from, "%s/" JOURNAL_DIR, b->from);
    buf_printf(&c.to, "%s/" JOURNAL_DIR, b->to);
    c.from_fd = open(buf_cstr(&from), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (c.from_fd == -1) {
        rc = errno == ENOENT ? 0 : -errno;
    } else {
        rc = backup_make_folder(b, JOURNAL_DIR);
        if (rc == 0)
            rc = -EAGAIN;
        for (unsigned i = 0; i < ROUNDS && rc == -EAGAIN; i++)
            rc = s_round(&c);
        rc = rc < 0 ? rc : backup_sync_folder(buf_cstr(&c.to));
        close(c.from_fd);
    }
    buf_release(&from);
    buf_release(&c.to);
    return rc;
}

// -EAGAIN: some went meanwhile. What was copied whole stands for the next round; the newest of then
// has grown.
static int
s_round(struct copying *c)
{
    struct segments list = { 0 };
    uint64_t oldest = 0;
    int rc = s_list(&list, c->from_fd);

    if (c->newest != 0) {
        struct buf path = { 0 };

        s_path(&path, c, c->newest);
        unlink(buf_cstr(&path));
        buf_release(&path);
        c->newest = 0;
    }
    if (rc == 0 && list.n > 0)
        s_forget(c, list.at[0]);
    for (size_t i = 0; i < list.n && rc == 0; i++)
        if (list.at[i] >= c->whole_to)
            rc = s_copy(c, list.at[i], i + 1 == list.n);
    if (rc == 0 && list.n > 0) {
        rc = segment_files_after(c->from_fd, 0, &oldest);
        if (rc == ERR_UNKNOWN || (rc == 0 && oldest != list.at[0]))
            rc = -EAGAIN;
    }
    free(list.at);
    return rc;
}

static int
s_list(struct segments *ret, int dir_fd)
{
    uint64_t number = 0;
    int rc;

    while ((rc = segment_files_after(dir_fd, number, &number)) == 0) {
        ret->at = xrealloc(ret->at, ret->n + 1, sizeof *ret->at);
        ret->at[ret->n++] = number++;
    }
    return rc == ERR_UNKNOWN ? 0 : rc;
}

static int
s_copy(struct copying *c, uint64_t number, bool newest)
{
    char name[SEGMENT_NAME_SIZE];
    struct buf bytes = { 0 };
    struct buf path = { 0 };
    size_t n;
    int rc;

    segment_name(name, number);
    s_path(&path, c, number);
    rc = s_take(c, &bytes, name);
    n = bytes.len;
    if (rc == 0 && newest)
        rc = s_whole(c, &bytes, name, &n);
    if (rc == 0)
        rc = backup_write(c->b, buf_cstr(&path), bytes.at, n, bytes.len, MODE);
    if (rc == 0 && newest)
        c->newest = number;
    if (rc == 0 && !newest) {
        c->first = c->first == 0 ? number : c->first;
        c->whole_to = number + 1;
    }
    buf_release(&bytes);
    buf_release(&path);
    return rc;
}

// How much of the newest one are whole records. While it was read, what stands further on may have
// been written and vouch for a place that was still empty when we passed it: that looks like
// damage, and is gone at another look. Damage that stays is copied as it is.
static int
s_whole(struct copying *c, struct buf *bytes, const char *name, size_t *ret)
{
    struct segment_scan scan = { .end = UINT32_MAX };
    struct segment_header header;
    uint32_t before;
    int rc = 0;

    do {
        before = scan.end;
        *ret = bytes->len;
        // Of a header that is none the reader decides what it means, as it does at a start.
        if (segment_header_take(&header, bytes->at, bytes->len) < 0)
            return 0;
        segment_scan(&scan, bytes->at, bytes->len, header.salt);
        if (!scan.damaged)
            *ret = scan.end < bytes->len ? scan.end : bytes->len;
        else if (scan.end != before)
            rc = s_take(c, bytes, name);
    } while (rc == 0 && scan.damaged && scan.end != before);
    return rc;
}

// All of the file. A segment that is let go becomes a spare, and then another one: what was read is
// of this number only if the name is still this file's. -EAGAIN: it is not.
static int
s_take(struct copying *c, struct buf *bytes, const char *name)
{
    const int fd = openat(c->from_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat is, named;
    ptrdiff_t n;
    int rc = 0;

    if (fd == -1)
        return errno == ENOENT ? -EAGAIN : -errno;
    n = file_read_fd(bytes, fd, SEGMENT_BYTES_MOST);
    if (n < 0)
        rc = (int) n;
    else if (fstat(fd, &is) == -1)
        rc = -errno;
    else if (fstatat(c->from_fd, name, &named, AT_SYMLINK_NOFOLLOW) == -1)
        rc = errno == ENOENT ? -EAGAIN : -errno;
    else if (is.st_ino != named.st_ino)
        rc = -EAGAIN;
    close(fd);
    return rc;
}

static void
s_path(struct buf *out, const struct copying *c, uint64_t number)
{
    char name[SEGMENT_NAME_SIZE];

    segment_name(name, number);
    buf_printf(out, "%.*s/%s", (int) c->to.len, (const char *) c->to.at, name);
}

// A journal has no holes: what its owner let go goes here too.
static void
s_forget(struct copying *c, uint64_t below)
{
    for (; c->first != 0 && c->first < below && c->first < c->whole_to; c->first++) {
        struct buf path = { 0 };

        s_path(&path, c, c->first);
        unlink(buf_cstr(&path));
        buf_release(&path);
    }
    if (c->first == c->whole_to)
        c->first = 0;
}
