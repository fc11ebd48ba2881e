// store_folder - see the header.

#include "collector/store/store_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "collector/store/block_name.h"
#include "collector/store/sealed_tile.h"

#define DAY_MS      INT64_C(86400000)
#define DAYS        7                     // whole ones that the mean is of
#define LEAST_MS    (10 * INT64_C(60000)) // of today, for a guess
#define META        "meta.db"
#define DAMAGED     ".damaged"
#define SUFFIX_SIZE 16

// Bytes of one day, by how many days it is before today.
struct days {
    int64_t today;
    uint64_t bytes[DAYS + 1];
};

static void s_file(struct store_folder *ret, struct days *days, const char *name, uint64_t bytes);
static bool s_block(struct block_name *ret, const char *name);
static uint64_t s_day_bytes(const struct days *days, int64_t now_ms, int64_t since_ms);

int
store_folder_look(struct store_folder *ret, const char *dir, int64_t now_ms, int64_t since_ms)
{
    struct days days = { .today = partition_of(now_ms) };
    const struct dirent *entry;
    DIR *folder = opendir(dir);
    struct stat file;
    int rc;

    *ret = (struct store_folder){ .first_ms = INT64_MAX, .last_ms = INT64_MIN };
    if (folder == NULL)
        return -errno;
    while (errno = 0, (entry = readdir(folder)) != NULL)
        // What went since it was listed is not there.
        if (fstatat(dirfd(folder), entry->d_name, &file, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(file.st_mode))
            s_file(ret, &days, entry->d_name, (uint64_t) file.st_size);
    rc = -errno;
    closedir(folder);
    ret->day_bytes = s_day_bytes(&days, now_ms, since_ms);
    return rc;
}

static void
s_file(struct store_folder *ret, struct days *days, const char *name, uint64_t bytes)
{
    struct block_name block;
    int64_t before;

    if (strstr(name, DAMAGED) != NULL) {
        // Its log, if it kept one, is of the same damage.
        ret->damaged += strchr(strstr(name, DAMAGED), '-') == NULL;
        ret->damaged_bytes += bytes;
        return;
    }
    if (strcmp(name, META) == 0 || strcmp(name, META "-wal") == 0)
        ret->meta_bytes += bytes;
    if (!s_block(&block, name))
        return;
    before = days->today - block.partition;
    ret->bytes += bytes;
    if (before >= 0 && before <= DAYS)
        days->bytes[before] += bytes;
    if (strchr(name, '.')[3] != '\0') // a log is no file of its own
        return;
    ret->files++;
    if (block.partition * DAY_MS < ret->first_ms)
        ret->first_ms = block.partition * DAY_MS;
    if ((block.partition + 1) * DAY_MS > ret->last_ms)
        ret->last_ms = (block.partition + 1) * DAY_MS;
}

// The file of this name, or the log beside it.
static bool
s_block(struct block_name *ret, const char *name)
{
    const size_t len = strlen(name);
    char base[BLOCK_NAME_SIZE + SUFFIX_SIZE];

    if (len >= sizeof base)
        return false;
    memcpy(base, name, len + 1);
    if (len > 4 && strcmp(base + len - 4, "-wal") == 0)
        base[len - 4] = '\0';
    return block_name_parse(ret, base);
}

// Days in which nothing was stored say nothing of a rate.
static uint64_t
s_day_bytes(const struct days *days, int64_t now_ms, int64_t since_ms)
{
    const int64_t begin_ms = days->today * DAY_MS;
    const int64_t from_ms = since_ms > begin_ms ? since_ms : begin_ms;
    uint64_t sum = 0;
    unsigned n = 0;

    for (unsigned i = 1; i <= DAYS; i++) {
        sum += days->bytes[i];
        n += days->bytes[i] > 0;
    }
    if (n > 0)
        return sum / n;
    if (since_ms == INT64_MIN || now_ms - from_ms < LEAST_MS)
        return 0;
    return (uint64_t) ((double) days->bytes[0] * (double) DAY_MS / (double) (now_ms - from_ms));
}
