// backup_store - see the header.
//
// Newest day first: a write that reaches several days commits the earlier ones first, so a mark
// that is copied with a later day is never without its tiles in an earlier one. So what marks of
// the newest file say is true of all files; those of a day that begins meanwhile, which is copied
// behind the others, are made to say less.

#include "collector/ctl/backup_store.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/store/block_db.h"
#include "collector/store/block_name.h"
#include "collector/store/meta_db.h"
#include "collector/store/sqlite_copy.h"
#include "shared/base/err.h"
#include "shared/base/xalloc.h"

#define STORE_DIR "store"
#define META      STORE_DIR "/meta.db"
#define EVENTS    STORE_DIR "/events.db"
#define ROUNDS    10
#define TRIES     3

static int s_blocks(struct backup *b);
static bool s_has(const struct block_name *list, ptrdiff_t n, const struct block_name *name);
static int s_block(struct backup *b, const struct block_name *name);
static int s_doubt_totals(struct backup *b, const struct block_name *name);
static int s_copy(struct backup *b, const char *name);
static int s_meta(struct backup *b);
static void s_unlink_log(const char *path);
static void s_say_set_aside(struct backup *b, const char *dir);

int
backup_store(struct backup *b)
{
    struct buf from = { 0 };
    struct buf to = { 0 };
    int rc = 0;

    buf_printf(&from, "%s/" STORE_DIR, b->from);
    buf_printf(&to, "%s/" STORE_DIR, b->to);
    if (access(buf_cstr(&from), F_OK) == 0) {
        rc = backup_make_folder(b, STORE_DIR);
        rc = rc < 0 ? rc : s_blocks(b);
        // What the journal let go before it was copied is there; what came later is no harm.
        rc = rc < 0 ? rc : s_copy(b, EVENTS);
        rc = rc < 0 ? rc : s_meta(b);
        s_say_set_aside(b, buf_cstr(&from));
        rc = rc < 0 ? rc : backup_sync_folder(buf_cstr(&to));
    }
    buf_release(&from);
    buf_release(&to);
    return rc;
}

// A day may begin meanwhile: until a look finds nothing new.
static int
s_blocks(struct backup *b)
{
    struct block_name *known = NULL;
    ptrdiff_t n_known = 0;
    struct buf dir = { 0 };
    bool more = true;
    int rc = 0;

    buf_printf(&dir, "%s/" STORE_DIR, b->from);
    for (unsigned round = 0; rc == 0 && more && round < ROUNDS; round++) {
        struct block_name *list = NULL;
        const ptrdiff_t n = block_name_list(&list, buf_cstr(&dir));

        more = false;
        if (n < 0)
            rc = (int) n;
        for (ptrdiff_t i = n - 1; i >= 0 && rc == 0; i--) {
            if (s_has(known, n_known, &list[i]))
                continue;
            rc = s_block(b, &list[i]);
            rc = rc < 0 || round == 0 ? rc : s_doubt_totals(b, &list[i]);
            more = true;
        }
        if (n > 0) {
            free(known);
            known = list;
            n_known = n;
        }
    }
    free(known);
    buf_release(&dir);
    return rc;
}

static bool
s_has(const struct block_name *list, ptrdiff_t n, const struct block_name *name)
{
    for (ptrdiff_t i = 0; i < n; i++)
        if (block_name_compare(&list[i], name) == 0)
            return true;
    return false;
}

static int
s_block(struct backup *b, const struct block_name *name)
{
    char text[sizeof STORE_DIR + BLOCK_NAME_SIZE] = STORE_DIR "/";

    block_name_text(text + sizeof STORE_DIR, name);
    return s_copy(b, text);
}

static int
s_doubt_totals(struct backup *b, const struct block_name *name)
{
    char text[BLOCK_NAME_SIZE];
    struct buf path = { 0 };
    block_db_t *db = NULL;
    int rc;

    block_name_text(text, name);
    buf_printf(&path, "%s/" STORE_DIR "/%s", b->to, text);
    rc = access(buf_cstr(&path), F_OK) == 0 ? block_db_open(&db, buf_cstr(&path), BLOCK_DB_WRITE)
                                            : -ENOENT;
    rc = rc < 0 ? rc : block_db_doubt_totals(db);
    rc = rc < 0 ? rc : block_db_checkpoint(db, true);
    block_db_close(&db);
    buf_release(&path);
    return rc == -ENOENT ? 0 : rc;
}

// A file that goes was too old to be kept, or is set aside and begun anew.
static int
s_copy(struct backup *b, const char *name)
{
    struct buf from = { 0 };
    struct buf to = { 0 };
    int rc = -ENOENT;

    buf_printf(&from, "%s/%s", b->from, name);
    buf_printf(&to, "%s/%s", b->to, name);
    for (unsigned i = 0; i < TRIES && rc == -ENOENT; i++)
        rc = sqlite_copy(buf_cstr(&from), buf_cstr(&to), b->go_on_fn, b->arg);
    b->files += rc == 0;
    if (rc == ERR_FORMAT) {
        buf_printf(&b->lacks, "%s: damaged, and not in the backup\n", buf_cstr(&from));
        unlink(buf_cstr(&to));
        rc = 0;
    }
    buf_release(&from);
    buf_release(&to);
    return rc == -ENOENT ? 0 : rc;
}

// Without it no tile can be read: it is looked at before it is taken for good.
static int
s_meta(struct backup *b)
{
    struct buf from = { 0 };
    struct buf to = { 0 };
    meta_db_t *meta = NULL;
    uint64_t next = 0;
    int rc;

    buf_printf(&from, "%s/" META, b->from);
    buf_printf(&to, "%s/" META, b->to);
    rc = sqlite_copy(buf_cstr(&from), buf_cstr(&to), b->go_on_fn, b->arg);
    if (rc == 0) {
        b->files++;
        rc = meta_db_open_read(&meta, buf_cstr(&to));
        rc = rc < 0 ? rc : meta_db_number(meta, META_NEXT_TILE, &next);
        meta_db_close(&meta);
        s_unlink_log(buf_cstr(&to));
    }
    buf_release(&from);
    buf_release(&to);
    return rc == -ENOENT ? 0 : rc;
}

// Nobody wrote it: a reader makes one where it looks.
static void
s_unlink_log(const char *path)
{
    static const char *const ends[] = { "-wal", "-shm" };

    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        struct buf log = { 0 };

        buf_printf(&log, "%s%s", path, ends[i]);
        unlink(buf_cstr(&log));
        buf_release(&log);
    }
}

static void
s_say_set_aside(struct backup *b, const char *dir)
{
    DIR *folder = opendir(dir);
    const struct dirent *entry;

    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        const char *at = strstr(entry->d_name, ".damaged");

        if (at != NULL && strchr(at, '-') == NULL)
            buf_printf(&b->notes, "%s/%s: left out: was set aside as damaged\n", dir,
                       entry->d_name);
    }
    if (folder != NULL)
        closedir(folder);
}
