// doctor_files - see the header.

#include "collector/ctl/doctor_files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "collector/ctl/figure.h"
#include "collector/ctl/table_print.h"
#include "collector/ctl/when.h"
#include "shared/base/err.h"
#include "shared/base/file.h"
#include "shared/base/str.h"
#include "shared/base/xalloc.h"

#define IS_SIZE 32 // what a file is, in words

static bool s_runs(const char *dir);
static int s_owner(uint64_t *ret, const char *dir);

int
doctor_files_read(struct doctor_files *ret, const char *dir, struct findings *findings, int signals)
{
    struct doctor_reading r = {
        .files = ret, .findings = findings, .signals = signals, .used = map_new()
    };
    struct buf store = { 0 };
    struct buf journal = { 0 };
    int rc = access(dir, R_OK | X_OK) == -1 ? -errno : 0;

    buf_printf(&store, "%s/store", dir);
    buf_printf(&journal, "%s/journal", dir);
    if (rc == 0) {
        ret->runs = s_runs(dir);
        if (s_owner(&r.owner, dir) < 0)
            findings_add(findings, "bring it back from a backup: without it the data are nobody's",
                         "collector_id is missing, or no id");
        rc = doctor_store_read(&r, buf_cstr(&store));
    }
    rc = rc < 0 ? rc : doctor_journal_read(&r, buf_cstr(&journal));
    map_destroy(&r.used);
    buf_release(&store);
    buf_release(&journal);
    return rc;
}

void
doctor_files_release(struct doctor_files *files)
{
    for (size_t i = 0; i < files->n; i++)
        free(files->at[i].name);
    free(files->at);
    *files = (struct doctor_files){ 0 };
}

struct doctor_file *
doctor_files_add(struct doctor_reading *r, const char *name)
{
    struct doctor_files *files = r->files;

    files->at = xrealloc(files->at, files->n + 1, sizeof *files->at);
    files->at[files->n] = (struct doctor_file){
        .name = xstrdup(name), .is = "sound", .first_ms = INT64_MAX, .last_ms = INT64_MIN
    };
    return &files->at[files->n++];
}

void
doctor_files_put_text(struct buf *out, const struct doctor_files *files)
{
    static const struct table_column columns[] = {
        { "FILE", false }, { "SIZE", true },     { "TILES", true }, { "SAMPLES", true },
        { "MARKS", true }, { "BYTES/S.", true }, { "FROM", false }, { "IS", false },
    };
    table_t *table = table_new(columns, sizeof columns / sizeof columns[0]);

    for (size_t i = 0; i < files->n; i++) {
        const struct doctor_file *f = &files->at[i];
        char size[FIGURE_SIZE], tiles[FIGURE_SIZE], samples[FIGURE_SIZE], marks[FIGURE_SIZE];
        char ratio[FIGURE_SIZE] = "", from[WHEN_SIZE] = "", is[IS_SIZE];

        if (f->payload > 0 && f->samples > 0)
            snprintf(ratio, sizeof ratio, "%.2f", (double) f->payload / (double) f->samples);
        if (f->first_ms <= f->last_ms)
            when_put(from, f->first_ms);
        snprintf(is, sizeof is, "%s%s", f->is, f->merged ? ", merged" : "");
        table_add(table, (const char *const[]){ f->name, figure_bytes(size, f->bytes),
                                                figure_count(tiles, f->tiles),
                                                figure_count(samples, f->samples),
                                                figure_count(marks, f->marks), ratio, from, is });
    }
    buf_byte(out, '\n');
    table_put_text(table, out);
    table_destroy(&table);
    buf_str(out, "TILES are series in meta.db (SAMPLES: hosts), events in events.db, records in a "
                 "segment of the journal\n");
}

void
doctor_files_put_json(struct json *j, const struct doctor_files *files)
{
    json_key(j, "runs");
    json_bool(j, files->runs);
    json_key(j, "files");
    json_array(j);
    for (size_t i = 0; i < files->n; i++) {
        const struct doctor_file *f = &files->at[i];

        json_object(j);
        json_key(j, "name");
        json_str(j, f->name);
        json_key(j, "is");
        json_str(j, f->is);
        json_key(j, "bytes");
        json_uint(j, f->bytes);
        json_key(j, "rows");
        json_uint(j, f->tiles);
        json_key(j, "samples");
        json_uint(j, f->samples);
        json_key(j, "payload");
        json_uint(j, f->payload);
        json_key(j, "marks");
        json_uint(j, f->marks);
        json_key(j, "merged");
        json_bool(j, f->merged);
        json_object_end(j);
    }
    json_array_end(j);
}

// Its lock is somebody's. Ours is given back at once.
static bool
s_runs(const char *dir)
{
    struct buf path = { 0 };
    bool held = false;
    int fd;

    buf_printf(&path, "%s/lock", dir);
    fd = open(buf_cstr(&path), O_RDONLY | O_CLOEXEC);
    if (fd != -1) {
        held = flock(fd, LOCK_SH | LOCK_NB) == -1;
        close(fd);
    }
    buf_release(&path);
    return held;
}

static int
s_owner(uint64_t *ret, const char *dir)
{
    struct buf path = { 0 };
    struct buf text = { 0 };
    ptrdiff_t n;
    int rc;

    buf_printf(&path, "%s/collector_id", dir);
    n = file_read(&text, AT_FDCWD, buf_cstr(&path), 64);
    if (n > 0 && text.at[n - 1] == '\n')
        text.len--;
    rc = n < 0 ? (int) n : str_hex64(ret, buf_cstr(&text), text.len);
    buf_release(&path);
    buf_release(&text);
    return rc;
}
