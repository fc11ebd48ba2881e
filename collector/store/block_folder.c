// block_folder - names of block files that come and go: opening the folder, what is set aside, what
// is too old.

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/store/block_files.h"
#include "collector/store/block_files_inner.h"
#include "collector/store/sealed_tile.h"
#include "shared/base/crash_point.h"
#include "shared/base/err.h"
#include "shared/base/file.h"
#include "shared/base/xalloc.h"

// What SQLite keeps beside a file. The file itself comes first: what is left when the power fails
// in between are leftovers, never a file that lacks its log.
static const char *const s_beside[] = { "", "-journal", "-wal", "-shm" };
#define BESIDE   (sizeof s_beside / sizeof s_beside[0])
#define NAME_LEN (sizeof "raw-0-00000000.db" - 1)
// Of a file that has not got its name yet.
static const char *const s_made[] = { ".new", BLOCK_FILES_MERGED };
#define MADE (sizeof s_made / sizeof s_made[0])

static int s_sweep(const block_files_t *self);
static bool s_is_leftover(const block_files_t *self, const char *entry, struct block_name *name);
static void s_tell(const block_files_t *self, const struct block_name *name, const char *reason);
static void s_no_doubt(block_files_t *self, const struct block_name *name, bool keep);
static int s_free_suffix(const block_files_t *self, const struct block_name *name, char ret[16]);
static uint64_t s_bytes(const block_files_t *self, const struct block_name *name);
static int s_remove(block_files_t *self, const struct block_name *name);

int
block_files_open(block_files_t **ret, const struct block_files_config *config)
{
    int rc = strlen(config->dir) < BLOCK_PATH_SIZE - 64 ? file_make_dirs(config->dir)
                                                        : -ENAMETOOLONG;
    block_files_t *self;

    if (rc < 0)
        return rc;
    self = xcalloc(1, sizeof *self);
    self->config = *config;
    self->dir = xstrdup(config->dir);
    self->config.dir = self->dir;
    pthread_mutex_init(&self->names, NULL);
    rc = s_sweep(self);
    if (rc < 0) {
        block_files_close(&self);
        return rc;
    }
    *ret = self;
    return 0;
}

void
block_files_close(block_files_t **self_p)
{
    block_files_t *self = *self_p;

    if (self == NULL)
        return;
    assert(atomic_load(&self->readers) == 0);
    while (self->opened > 0)
        (void) block_files_shut(self, &self->open[0]); // what is not moved stays in the log
    pthread_mutex_destroy(&self->names);
    free(self->dir);
    free(self);
    *self_p = NULL;
}

int
block_files_expire(block_files_t *self, const struct block_limits *limits, int64_t now_ms)
{
    struct block_name *list = NULL;
    const ptrdiff_t n = block_name_list(&list, self->dir);
    const int64_t today = partition_of(now_ms);
    uint64_t total = 0;
    int64_t from = now_ms;
    int gone = 0;
    int rc = n < 0 ? (int) n : 0;

    if (n > 0 && (list[n - 1].partition + 1) * PARTITION_MS < from)
        from = (list[n - 1].partition + 1) * PARTITION_MS;
    for (ptrdiff_t i = 0; i < n; i++)
        total += s_bytes(self, &list[i]);
    for (ptrdiff_t i = 0; i < n && rc == 0 && list[i].partition < today; i++) {
        const int64_t age = limits->age_ms[list[i].class];
        const uint64_t bytes = s_bytes(self, &list[i]);

        if ((age == 0 || from - (list[i].partition + 1) * PARTITION_MS < age) &&
            (limits->bytes == 0 || total <= limits->bytes))
            continue;
        rc = s_remove(self, &list[i]);
        total -= bytes < total ? bytes : total;
        gone += rc == 0;
    }
    free(list);
    if (gone > 0 && rc == 0)
        rc = block_files_sync(self);
    return rc < 0 ? rc : gone;
}

void
block_files_path(const block_files_t *self, const struct block_name *name, const char *suffix,
                 char ret[BLOCK_PATH_SIZE])
{
    char text[BLOCK_NAME_SIZE];

    block_name_text(text, name);
    snprintf(ret, BLOCK_PATH_SIZE, "%s/%s%s", self->dir, text, suffix);
}

void
block_files_doubt(block_files_t *self, const struct block_name *name, int rc)
{
    size_t i = 0;

    pthread_mutex_lock(&self->names);
    while (i < self->doubted && block_name_compare(&self->doubts[i].name, name) != 0)
        i++;
    if (i == self->doubted && i < BLOCK_DOUBTS)
        self->doubts[self->doubted++] = (struct block_doubt){ .name = *name, .rc = rc };
    pthread_mutex_unlock(&self->names);
}

int
block_files_look(block_files_t *self, const struct block_doubt *doubt)
{
    struct block_open *file = block_files_find(self, &doubt->name);
    char path[BLOCK_PATH_SIZE];
    char why[200];
    block_db_t *db = NULL;
    int rc = 0;

    block_files_path(self, &doubt->name, "", path);
    if (file == NULL)
        rc = block_db_open(&db, path, BLOCK_DB_READ);
    snprintf(why, sizeof why, "%s", err_str(rc));
    if (rc == 0)
        rc = block_db_check(file != NULL ? file->db : db, why, sizeof why);
    block_db_close(&db);
    if (rc != -ENOSPC)
        s_no_doubt(self, &doubt->name, rc == ERR_VERSION);
    if (rc == ERR_VERSION)
        s_tell(self, &doubt->name, err_str(rc));
    if (rc != ERR_FORMAT && rc != ERR_UNKNOWN)
        return rc == -ENOENT || rc == ERR_VERSION ? 0 : rc;
    if (file != NULL)
        (void) block_files_shut(self, file);
    return block_files_set_aside(self, &doubt->name, why);
}

int
block_files_set_aside(block_files_t *self, const struct block_name *name, const char *reason)
{
    char suffix[16];
    int rc;

    pthread_mutex_lock(&self->names);
    rc = s_free_suffix(self, name, suffix);
    // The file itself goes last: its log would be a leftover without it.
    for (size_t i = BESIDE; i-- > 0 && rc == 0;) {
        char from[BLOCK_PATH_SIZE];
        char to[BLOCK_PATH_SIZE + 32];

        block_files_path(self, name, s_beside[i], from);
        block_files_path(self, name, suffix, to);
        strcat(to, s_beside[i]);
        CRASH_POINT(ASIDE_RENAME);
        if (rename(from, to) == -1 && errno != ENOENT)
            rc = -errno;
    }
    pthread_mutex_unlock(&self->names);
    CRASH_POINT(ASIDE_RENAMED);
    if (rc == 0)
        rc = block_files_sync(self);
    if (rc == 0)
        s_tell(self, name, reason);
    return rc;
}

int
block_files_unlink(const block_files_t *self, const struct block_name *name, const char *suffix)
{
    for (size_t i = 0; i < BESIDE; i++) {
        char path[BLOCK_PATH_SIZE + 32];

        block_files_path(self, name, suffix, path);
        strcat(path, s_beside[i]);
        CRASH_POINT(BLOCK_UNLINK);
        if (unlink(path) == -1 && errno != ENOENT)
            return -errno;
    }
    return 0;
}

int
block_files_replace(block_files_t *self, const struct block_name *name, const char *suffix)
{
    char path[BLOCK_PATH_SIZE];
    char made[BLOCK_PATH_SIZE];
    bool begun = false;
    int rc;

    block_files_path(self, name, "", path);
    block_files_path(self, name, suffix, made);
    pthread_mutex_lock(&self->names);
    rc = access(made, F_OK) == -1 ? -errno : 0;
    // A log of the old one would be taken for the new one's, also where the power fails in between.
    for (size_t i = 1; i < BESIDE && rc == 0; i++) {
        char beside[BLOCK_PATH_SIZE + 32];

        snprintf(beside, sizeof beside, "%s%s", path, s_beside[i]);
        if (unlink(beside) == 0)
            begun = true;
        else if (errno != ENOENT)
            rc = -errno;
    }
    rc = rc < 0 ? rc : block_files_sync(self);
    CRASH_POINT(MERGE_RENAME);
    if (rc == 0 && rename(made, path) == -1)
        rc = -errno;
    pthread_mutex_unlock(&self->names);
    // Who has the old one open reads a log that has no name any more, and who opens it makes
    // another: there is no way back.
    if (rc < 0 && !begun)
        return 1;
    CRASH_POINT(MERGE_RENAMED);
    return rc < 0 ? rc : block_files_sync(self);
}

int
block_files_sync(const block_files_t *self)
{
    const int fd = open(self->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const int rc = fd == -1 || fsync(fd) == -1 ? -errno : 0;

    if (fd != -1)
        close(fd);
    return rc;
}

struct block_open *
block_files_find(block_files_t *self, const struct block_name *name)
{
    for (size_t i = 0; i < self->opened; i++)
        if (block_name_compare(&self->open[i].name, name) == 0)
            return &self->open[i];
    return NULL;
}

int
block_files_shut(block_files_t *self, struct block_open *file)
{
    const int rc = block_db_checkpoint(file->db, false);

    self->logs_gone = false; // a reader may be in the way
    block_db_close(&file->db);
    *file = self->open[--self->opened];
    // Full or damaged, it says so again when somebody needs it.
    return rc == -ENOSPC || rc == ERR_FORMAT || rc > 0 ? 0 : rc;
}

// Removes what a file left behind that was being made or removed.
static int
s_sweep(const block_files_t *self)
{
    DIR *folder = opendir(self->dir);
    const struct dirent *entry;
    struct block_name name;
    int rc = 0;

    if (folder == NULL)
        return -errno;
    while (rc == 0 && (errno = 0, (entry = readdir(folder)) != NULL))
        if (s_is_leftover(self, entry->d_name, &name) &&
            unlinkat(dirfd(folder), entry->d_name, 0) == -1 && errno != ENOENT)
            rc = -errno;
    if (rc == 0)
        rc = -errno;
    closedir(folder);
    return rc < 0 ? rc : block_files_sync(self);
}

static bool
s_is_leftover(const block_files_t *self, const char *entry, struct block_name *name)
{
    const size_t len = strnlen(entry, NAME_LEN);
    char text[BLOCK_NAME_SIZE] = "";
    char path[BLOCK_PATH_SIZE];
    const char *rest = entry + len;
    bool made = false;

    memcpy(text, entry, len);
    if (!block_name_parse(name, text))
        return false;
    for (size_t i = 0; i < MADE && !made; i++) {
        made = strncmp(rest, s_made[i], strlen(s_made[i])) == 0;
        rest += made ? strlen(s_made[i]) : 0;
    }
    for (size_t i = made ? 0 : 1; i < BESIDE; i++)
        if (strcmp(rest, s_beside[i]) == 0) {
            block_files_path(self, name, "", path);
            return made || access(path, F_OK) == -1;
        }
    return false;
}

static void
s_tell(const block_files_t *self, const struct block_name *name, const char *reason)
{
    char text[BLOCK_NAME_SIZE];

    block_name_text(text, name);
    if (self->config.told_fn != NULL)
        self->config.told_fn(self->config.arg, text, reason);
}

// The doubt is settled; with `keep` it is not to come again.
static void
s_no_doubt(block_files_t *self, const struct block_name *name, bool keep)
{
    pthread_mutex_lock(&self->names);
    for (size_t i = self->doubted; i-- > 0;)
        if (block_name_compare(&self->doubts[i].name, name) == 0) {
            self->doubts[i].told = keep;
            if (!keep)
                self->doubts[i] = self->doubts[--self->doubted];
        }
    pthread_mutex_unlock(&self->names);
}

// ".damaged", or with a number where that is taken.
static int
s_free_suffix(const block_files_t *self, const struct block_name *name, char ret[16])
{
    char path[BLOCK_PATH_SIZE];

    for (unsigned i = 0; i < 100; i++) {
        snprintf(ret, 16, i == 0 ? ".damaged" : ".damaged%u", i + 1);
        block_files_path(self, name, ret, path);
        if (access(path, F_OK) == -1 && errno == ENOENT)
            return 0;
    }
    return -EEXIST;
}

// Of the file and its log.
static uint64_t
s_bytes(const block_files_t *self, const struct block_name *name)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < BESIDE; i++) {
        char path[BLOCK_PATH_SIZE];
        struct stat file;

        block_files_path(self, name, s_beside[i], path);
        if (stat(path, &file) == 0)
            bytes += (uint64_t) file.st_size;
    }
    return bytes;
}

static int
s_remove(block_files_t *self, const struct block_name *name)
{
    struct block_open *file = block_files_find(self, name);
    int rc = 0;

    // Closed first: its end would touch the log of a later file of this name.
    if (file != NULL)
        rc = block_files_shut(self, file);
    if (rc < 0)
        return rc;
    pthread_mutex_lock(&self->names);
    rc = block_files_unlink(self, name, "");
    CRASH_POINT(BLOCK_UNLINKED);
    pthread_mutex_unlock(&self->names);
    return rc;
}
