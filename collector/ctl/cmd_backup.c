// cmd_backup - `zpulse backup DIR`: a copy of a collector's data folder, while it runs or not.
//
// Order: plain files, the journal, block files, events.db, meta.db. What the journal lets go
// meanwhile is in the files by then; what is in both is told by the marks, as after any restart.

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "collector/ctl/backup_files.h"
#include "collector/ctl/backup_journal.h"
#include "collector/ctl/backup_place.h"
#include "collector/ctl/backup_store.h"
#include "collector/ctl/command.h"
#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/base/log.h"
#include "shared/net/option.h"
#include "shared/net/service.h"

#define SHOW_MS 200
#define MIB     (1024.0 * 1024.0)

static const struct option options_table[] = {
    { .name = "data",
      .type = OPTION_TEXT,
      .fallback = "/var/lib/zpulse-collector",
      .least = 1,
      .meta = "DIR",
      .help = "data folder of the collector" },
    { .name = NULL },
};

static const struct option_program program = {
    .name = "zpulse backup",
    .summary = "Copies a collector's data folder, while the collector runs or not.",
    .usage = "zpulse backup [OPTION]... DIR",
    .options = options_table,
    .arguments = true,
    .tail =
        "DIR is made; it gets its name once all is on the disk, so it is never half a backup.\n"
        "It has all that was acknowledged when the backup began. To restore it, copy it to where\n"
        "the collector's --data is. Run it as the collector's user.",
};

struct progress {
    int signals;
    bool shown;     // on a terminal
    uint64_t done;  // bytes
    uint64_t total; // about
    int64_t due_ms; // monotonic
};

static int s_backup(const char *dir, const char *data, int signals);
static int s_is_data(const char *dir);
static int s_room(const struct backup_place *place, uint64_t bytes);
static int s_parts(struct backup *b);
static bool s_go_on(void *arg, uint64_t bytes);
static int s_end(struct backup *b, struct backup_place *place, const struct progress *progress,
                 int rc);
static void s_say(const char *dir, const char *data, int rc);

int
cmd_backup(int argc, char **argv)
{
    options_t *options = NULL;
    const char *const *words;
    int signals, code;

    if (options_load(&options, &code, &program, argc, argv, stdout, stderr) != 0)
        return code;
    if (options_arguments(options, &words) != 1) {
        fprintf(stderr, "zpulse backup: the name of one folder to be made is wanted\n");
        options_destroy(&options);
        return OPTION_EXIT_USAGE;
    }
    log_init("zpulse", LOG_LEVEL_WARN);
    signals = service_start(1);
    code = s_backup(words[0], options_text(options, "data"), signals);
    options_destroy(&options);
    service_end(signals);
    return code;
}

static int
s_backup(const char *dir, const char *data, int signals)
{
    struct progress progress = { .signals = signals, .shown = isatty(STDERR_FILENO) == 1 };
    struct backup b = { .from = data, .go_on_fn = s_go_on, .arg = &progress };
    struct backup_place place = { .fd = -1 };
    int code;
    int rc = s_is_data(data);

    if (rc < 0) {
        fprintf(stderr, "zpulse backup: %s is no data folder of a collector that can be read: %s\n",
                log_quote(data), err_str(rc));
        return OPTION_EXIT_UNAVAILABLE;
    }
    rc = backup_place_open(&place, dir, data);
    if (rc < 0) {
        s_say(dir, data, rc);
        backup_place_release(&place);
        return rc == ERR_LOCKED ? OPTION_EXIT_TRY_AGAIN : OPTION_EXIT_FAILED;
    }
    progress.total = backup_size(data);
    b.to = buf_cstr(&place.part);
    rc = s_room(&place, progress.total);
    rc = rc < 0 ? rc : s_parts(&b);
    rc = rc < 0 ? rc : backup_place_finish(&place);
    if (progress.shown)
        fprintf(stderr, "\r\033[K");
    if (rc < 0)
        s_say(dir, data, rc);
    code = s_end(&b, &place, &progress, rc);
    backup_place_release(&place);
    buf_release(&b.lacks);
    buf_release(&b.notes);
    return code;
}

// Every collector has an id there, before all else.
static int
s_is_data(const char *dir)
{
    struct buf path = { 0 };
    int rc;

    buf_printf(&path, "%s/collector_id", dir);
    rc = access(buf_cstr(&path), R_OK) == -1 ? -errno : 0;
    buf_release(&path);
    return rc;
}

// A disk that a backup fills may be the collector's own: then rather none.
static int
s_room(const struct backup_place *place, uint64_t bytes)
{
    struct statvfs disk;

    if (fstatvfs(place->fd, &disk) == -1)
        return -errno;
    if ((uint64_t) disk.f_bavail * disk.f_frsize >= bytes)
        return 0;
    fprintf(stderr, "zpulse backup: about %.1f MiB are needed and %.1f MiB are free\n",
            (double) bytes / MIB, (double) disk.f_bavail * (double) disk.f_frsize / MIB);
    return -ENOSPC;
}

static int
s_parts(struct backup *b)
{
    int rc = backup_files(b);

    rc = rc < 0 ? rc : backup_journal(b);
    return rc < 0 ? rc : backup_store(b);
}

static bool
s_go_on(void *arg, uint64_t bytes)
{
    struct progress *p = arg;

    p->done += bytes;
    if (p->shown && clock_mono_ms() >= p->due_ms) {
        p->due_ms = clock_mono_ms() + SHOW_MS;
        fprintf(stderr, "\r\033[K%.0f of about %.0f MiB", (double) p->done / MIB,
                (double) p->total / MIB);
    }
    return service_next(p->signals) != SERVICE_STOP;
}

static int
s_end(struct backup *b, struct backup_place *place, const struct progress *progress, int rc)
{
    if (b->notes.len > 0)
        fprintf(stderr, "%s", buf_cstr(&b->notes));
    if (rc < 0)
        return rc == -ENOENT ? OPTION_EXIT_UNAVAILABLE : OPTION_EXIT_FAILED;
    if (b->lacks.len > 0)
        fprintf(stderr, "%s", buf_cstr(&b->lacks));
    printf("%s: %" PRIu64 " files, %.1f MiB%s\n", buf_cstr(&place->dir), b->files,
           (double) progress->done / MIB, b->lacks.len > 0 ? ", and not all of it" : "");
    return b->lacks.len > 0 ? OPTION_EXIT_FAILED : OPTION_EXIT_OK;
}

static void
s_say(const char *dir, const char *data, int rc)
{
    const char *why = rc == -EEXIST      ? "it is there already, and not empty: nothing is changed"
                      : rc == ERR_RANGE  ? "it would be inside the data folder"
                      : rc == ERR_LOCKED ? "another backup is being made there"
                      : rc == -ECANCELED ? "broken off: nothing is left of it"
                      : rc == -ENOSPC    ? "no room on its disk: nothing is left of it"
                      : rc == -EAGAIN    ? "the journal changes faster than it is copied: try again"
                                         : NULL;

    if (why != NULL)
        fprintf(stderr, "zpulse backup: %s: %s\n", log_quote(dir), why);
    else
        fprintf(stderr, "zpulse backup: %s: of %s: %s: nothing is left of it\n", log_quote(dir),
                log_quote(data), err_str(rc));
}
