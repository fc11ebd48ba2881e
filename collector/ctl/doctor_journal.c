// doctor_journal - the journal's folder: whether all of its records read, from segment to segment.

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

#include "collector/ctl/doctor_files.h"
#include "shared/base/err.h"
#include "shared/base/file.h"
#include "shared/base/segment.h"
#include "shared/base/segment_files.h"
#include "shared/net/service.h"

static int s_segment(struct doctor_reading *r, int dir_fd, uint64_t number, bool *newest_ended);
static void s_header(struct doctor_reading *r, struct doctor_file *file, int rc, uint64_t owner);

int
doctor_journal_read(struct doctor_reading *r, const char *dir)
{
    const int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    uint64_t expected = 0;
    uint64_t number = 0;
    int rc = 0;

    if (fd == -1)
        return errno == ENOENT ? 0 : -errno;
    while (rc == 0 && (rc = segment_files_after(fd, number, &number)) == 0) {
        bool gone = false;

        if (expected != 0 && number != expected)
            findings_add(r->findings,
                         "bring them back, or move the folder away: the collector "
                         "does not start so",
                         "journal: segments %" PRIx64 " to %" PRIx64 " are missing", expected,
                         number - 1);
        rc = s_segment(r, fd, number, &gone);
        // The oldest may go while we read: then the row of them begins anew.
        expected = gone ? 0 : number + 1;
        number++;
    }
    close(fd);
    return rc == ERR_UNKNOWN ? 0 : rc;
}

static int
s_segment(struct doctor_reading *r, int dir_fd, uint64_t number, bool *gone)
{
    struct segment_header header;
    struct segment_scan scan;
    struct buf bytes = { 0 };
    char name[SEGMENT_NAME_SIZE];
    struct doctor_file *file;
    ptrdiff_t n;
    int rc;

    if (r->signals != -1 && service_next(r->signals) == SERVICE_STOP)
        return -EINTR;
    segment_name(name, number);
    n = file_read(&bytes, dir_fd, name, SEGMENT_BYTES_MOST);
    *gone = n == -ENOENT;
    if (n < 0) {
        buf_release(&bytes);
        return *gone ? 0 : (int) n;
    }
    file = doctor_files_add(r, name);
    file->bytes = bytes.len;
    rc = segment_header_take(&header, bytes.at, bytes.len);
    if (rc == 0 && header.number == number && (r->owner == 0 || header.owner == r->owner)) {
        segment_scan(&scan, bytes.at, bytes.len, header.salt);
        file->tiles = scan.records;
        // While a collector writes, a place that was empty as we passed it may look so.
        if (scan.damaged && !r->files->runs) {
            file->is = "damaged";
            findings_add(r->findings,
                         "look at the disk; the collector goes on behind it, and agents that "
                         "notice send again",
                         "journal/%s: %" PRIu32 " bytes from %" PRIu32 " on do not read", name,
                         scan.resume - scan.end, scan.end);
        }
    } else {
        s_header(r, file, rc, header.owner);
    }
    buf_release(&bytes);
    return 0;
}

static void
s_header(struct doctor_reading *r, struct doctor_file *file, int rc, uint64_t owner)
{
    file->is = rc == 0 ? "foreign" : rc == ERR_VERSION ? "newer" : "damaged";
    if (rc == 0)
        findings_add(r->findings, "give it its own data folder back",
                     "journal/%s: is of another collector, %016" PRIx64 ", or has another number",
                     file->name, owner);
    else
        findings_add(r->findings, "bring it back from a backup, or move the folder away",
                     "journal/%s: has no header that can be read: %s", file->name, err_str(rc));
}
