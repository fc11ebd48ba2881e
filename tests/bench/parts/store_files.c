// store_files - see the header.

#include "tests/bench/parts/store_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/store/block_name.h"
#include "shared/base/xalloc.h"
#include "tests/bench/parts/fleet_stream.h"

#define PATH_SIZE 512

// Calls `fn` for each row that the question has in any block file.
static void
s_each(const char *data, const char *sql, void (*fn)(void *arg, sqlite3_stmt *row), void *arg)
{
    struct block_name *names = NULL;
    char dir[PATH_SIZE];
    ptrdiff_t n;

    (void) snprintf(dir, sizeof dir, "%s/store", data);
    n = block_name_list(&names, dir);
    for (ptrdiff_t i = 0; i < n; i++) {
        char text[BLOCK_NAME_SIZE], path[PATH_SIZE + BLOCK_NAME_SIZE];
        sqlite3_stmt *row = NULL;
        sqlite3 *db = NULL;

        block_name_text(text, &names[i]);
        (void) snprintf(path, sizeof path, "%s/%s", dir, text);
        if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
            sqlite3_prepare_v2(db, sql, -1, &row, NULL) == SQLITE_OK)
            while (sqlite3_step(row) == SQLITE_ROW)
                fn(arg, row);
        sqlite3_finalize(row);
        sqlite3_close(db);
    }
    free(names);
}

struct marked {
    uint64_t first, seq;
    unsigned n, done;
    uint8_t *is; // of each stream
};

static void
s_mark(void *arg, sqlite3_stmt *row)
{
    struct marked *marked = arg;
    const uint64_t at = (uint64_t) sqlite3_column_int64(row, 0) - marked->first;

    if (at < marked->n && (uint64_t) sqlite3_column_int64(row, 1) >= marked->seq) {
        marked->done += marked->is[at] == 0;
        marked->is[at] = 1;
    }
}

unsigned
store_files_marked(const char *data, uint64_t first, unsigned n, uint64_t seq)
{
    struct marked marked = { .first = first, .seq = seq, .n = n, .is = xcalloc(n, 1) };

    s_each(data, "SELECT stream, seq FROM mark", s_mark, &marked);
    free(marked.is);
    return marked.done;
}

static void
s_sums(void *arg, sqlite3_stmt *row)
{
    struct store_sizes *sizes = arg;

    sizes->tiles += (uint64_t) sqlite3_column_int64(row, 0);
    sizes->samples += (uint64_t) sqlite3_column_int64(row, 1);
    sizes->payload += (uint64_t) sqlite3_column_int64(row, 2);
}

// Calls `fn` with the path of each file in the folder.
static void
s_walk(const char *data, const char *sub, void (*fn)(void *arg, const char *path), void *arg)
{
    char dir[PATH_SIZE], path[PATH_SIZE + 256];
    struct dirent *entry;
    DIR *d;

    (void) snprintf(dir, sizeof dir, "%s/%s", data, sub);
    d = opendir(dir);
    while (d != NULL && (entry = readdir(d)) != NULL) {
        (void) snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
        if (entry->d_name[0] != '.')
            fn(arg, path);
    }
    if (d != NULL)
        closedir(d);
}

static void
s_size(void *arg, const char *path)
{
    uint64_t *bytes = arg;
    struct stat st;

    if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
        *bytes += (uint64_t) st.st_size;
}

static void
s_meta_size(void *arg, const char *path)
{
    if (strstr(path, "/meta.db") != NULL)
        s_size(arg, path);
}

struct store_sizes
store_files_sizes(const char *data)
{
    struct store_sizes sizes = { 0 };

    s_walk(data, "store", s_size, &sizes.bytes);
    s_walk(data, "store", s_meta_size, &sizes.meta);
    s_walk(data, "journal", s_size, &sizes.journal);
    s_each(data, "SELECT count(*), sum(samples), sum(length(bytes)) FROM tile", s_sums, &sizes);
    return sizes;
}

static void
s_chill(void *arg, const char *path)
{
    const int fd = open(path, O_RDWR | O_CLOEXEC);

    (void) arg;
    if (fd == -1)
        return;
    if (fsync(fd) == -1 || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) != 0)
        bench_fail("pages can not be dropped");
    close(fd);
}

void
store_files_chill(const char *data)
{
    s_walk(data, "store", s_chill, NULL);
    s_walk(data, "journal", s_chill, NULL);
}
