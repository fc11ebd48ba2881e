// spool_harm - see the header.

#include "tests/support/spool_harm.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/buf.h"
#include "shared/base/crc32c.h"
#include "shared/base/file.h"
#include "shared/base/segment.h"
#include "tests/support/folder.h"
#include "tests/support/seeded.h"

#define FILE_MOST ((size_t) 64 * 1024 * 1024)
#define NAME_LEN  20 // 16 hex digits and .seg
// Of a segment's header.
#define VERSION_AT 4
#define CRC_AT     60

// The newest segment, open, and its bytes; -1 where there is none. *end_ret: behind the last byte
// that is not zero.
static int
s_open_newest(const char *dir, struct buf *bytes, size_t *end_ret)
{
    char newest[NAME_LEN + 1] = "", path[512];
    DIR *folder = opendir(dir);
    int fd;

    for (struct dirent *e; folder != NULL && (e = readdir(folder)) != NULL;)
        if (strlen(e->d_name) == NAME_LEN && strcmp(e->d_name + NAME_LEN - 4, ".seg") == 0 &&
            strcmp(e->d_name, newest) > 0)
            memcpy(newest, e->d_name, NAME_LEN + 1);
    if (folder != NULL)
        closedir(folder);
    if (newest[0] == '\0')
        return -1;
    snprintf(path, sizeof path, "%s/%s", dir, newest);
    fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd != -1);
    assert_true(file_read(bytes, AT_FDCWD, path, FILE_MOST) >= 0);
    *end_ret = bytes->len;
    while (*end_ret > SEGMENT_HEADER_BYTES && bytes->at[*end_ret - 1] == 0)
        --*end_ret;
    return fd;
}

size_t
spool_harm_tear(const char *dir, size_t most, uint64_t *seed)
{
    struct buf bytes = { 0 };
    size_t end, n = 0;
    const int fd = s_open_newest(dir, &bytes, &end);

    if (fd != -1 && end > SEGMENT_HEADER_BYTES + 1) {
        uint8_t *zeros;

        n = 1 + seeded_below(seed, (uint32_t) most);
        if (n > end - SEGMENT_HEADER_BYTES)
            n = end - SEGMENT_HEADER_BYTES;
        zeros = calloc(1, n);
        assert_int_equal(pwrite(fd, zeros, n, (off_t) (end - n)), n);
        free(zeros);
    }
    if (fd != -1)
        close(fd);
    buf_release(&bytes);
    return n;
}

size_t
spool_harm_flip(const char *dir, uint64_t *seed)
{
    struct buf bytes = { 0 };
    size_t end, at = 0;
    const int fd = s_open_newest(dir, &bytes, &end);

    if (fd != -1 && end > SEGMENT_HEADER_BYTES + 1) {
        uint8_t byte;

        at = SEGMENT_HEADER_BYTES + seeded_below(seed, (uint32_t) (end - SEGMENT_HEADER_BYTES));
        byte = (uint8_t) (bytes.at[at] ^ 1u << seeded_below(seed, 8));
        assert_int_equal(pwrite(fd, &byte, 1, (off_t) at), 1);
    }
    if (fd != -1)
        close(fd);
    buf_release(&bytes);
    return at;
}

void
spool_harm_version(const char *dir, uint16_t version)
{
    struct buf bytes = { 0 };
    size_t end;
    const int fd = s_open_newest(dir, &bytes, &end);
    uint32_t crc;

    assert_true(fd != -1 && bytes.len >= SEGMENT_HEADER_BYTES);
    bytes.at[VERSION_AT] = (uint8_t) version;
    bytes.at[VERSION_AT + 1] = (uint8_t) (version >> 8);
    crc = crc32c(0, bytes.at, CRC_AT);
    for (unsigned i = 0; i < 4; i++)
        bytes.at[CRC_AT + i] = (uint8_t) (crc >> 8 * i);
    assert_int_equal(pwrite(fd, bytes.at, SEGMENT_HEADER_BYTES, 0), SEGMENT_HEADER_BYTES);
    close(fd);
    buf_release(&bytes);
}

static void
s_copy_file(const char *from, const char *to)
{
    struct buf bytes = { 0 };

    if (file_read(&bytes, AT_FDCWD, from, FILE_MOST) >= 0)
        assert_int_equal(file_write_atomic(to, buf_cstr(&bytes), bytes.len, 0600), 0);
    buf_release(&bytes);
}

void
spool_harm_copy(const char *from, const char *to)
{
    DIR *folder = opendir(from);

    assert_non_null(folder);
    folder_remove(to);
    assert_int_equal(file_make_dirs(to), 0);
    for (struct dirent *e; (e = readdir(folder)) != NULL;) {
        char a[768], b[768];
        struct stat st;

        snprintf(a, sizeof a, "%s/%s", from, e->d_name);
        snprintf(b, sizeof b, "%s/%s", to, e->d_name);
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 || lstat(a, &st) == -1)
            continue;
        if (S_ISDIR(st.st_mode))
            spool_harm_copy(a, b);
        else if (S_ISREG(st.st_mode))
            s_copy_file(a, b);
    }
    closedir(folder);
}

void
spool_harm_put_back(const char *from, const char *to)
{
    DIR *folder = opendir(from);

    assert_non_null(folder);
    for (struct dirent *e; (e = readdir(folder)) != NULL;) {
        struct buf bytes = { 0 };
        char path[768];
        int fd;

        snprintf(path, sizeof path, "%s/%s", to, e->d_name);
        fd = e->d_name[0] != '.' ? open(path, O_WRONLY | O_CLOEXEC) : -1;
        snprintf(path, sizeof path, "%s/%s", from, e->d_name);
        if (fd != -1 && file_read(&bytes, AT_FDCWD, path, FILE_MOST) >= 0)
            assert_int_equal(pwrite(fd, bytes.at, bytes.len, 0), bytes.len);
        if (fd != -1)
            close(fd);
        buf_release(&bytes);
    }
    closedir(folder);
}
