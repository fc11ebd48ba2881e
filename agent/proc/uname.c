// uname - see the header.

#include "agent/proc/uname.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "agent/proc/proc_text.h"
#include "shared/base/err.h"
#include "shared/base/str.h"
#include "shared/base/xalloc.h"

#define UNAME_TAG 0x554e414du // "UNAM"
#define TEXT_SIZE 256         // the kernel's own fields have 65

enum part { SYSNAME, RELEASE, VERSION, NODENAME, DOMAINNAME, PARTS };

static const char *const part_labels[PARTS] = { "sysname", "release", "version", "nodename",
                                                "domainname" };

static const struct series_spec spec = {
    .name = "node_uname_info",
    .kind = METRIC_INFO,
    .form = { .exponent = 0, .unit = 1 },
    .job = "node",
    .help = "What uname(2) says of kernel and machine.",
};

struct uname_state {
    unsigned tag; // UNAME_TAG
    uint32_t slot;
    bool changed; // since the slot was found
    char parts[PARTS][TEXT_SIZE];
};

static void *
s_make(const struct proc_setup *setup)
{
    struct uname_state *self = xcalloc(1, sizeof *self);

    (void) setup;
    self->tag = UNAME_TAG;
    self->slot = SERIES_NONE;
    return self;
}

static int
s_sample(void *arg, series_table_t *table, size_t file, const char *text, size_t len)
{
    struct uname_state *self = arg;
    struct proc_text rest = proc_text(text, len);
    struct proc_text line;
    size_t n;

    (void) table;
    assert(self->tag == UNAME_TAG && file < PARTS);
    if (!proc_text_line(&rest, &line))
        return ERR_FORMAT;
    n = proc_text_len(&line);
    if (n >= TEXT_SIZE || !str_is_utf8(line.at, n))
        return ERR_FORMAT;
    if (strlen(self->parts[file]) == n && memcmp(self->parts[file], line.at, n) == 0)
        return 0;
    memcpy(self->parts[file], line.at, n);
    self->parts[file][n] = '\0';
    self->changed = true;
    return 0;
}

static void
s_walk(void *arg, series_table_t *table)
{
    struct uname_state *self = arg;

    if (self->changed) {
        struct label labels[PARTS + 1];
        struct utsname names;

        for (size_t i = 0; i < PARTS; i++)
            labels[i] = (struct label){ part_labels[i], self->parts[i] };
        if (uname(&names) == -1)
            names.machine[0] = '\0';
        labels[PARTS] = (struct label){ "machine", names.machine };
        self->slot = series_table_slot(table, &spec, labels, PARTS + 1);
        self->changed = false;
    }
    series_table_set(table, self->slot, 1);
}

static void
s_end(void **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

const struct proc_family uname_family = {
    .name = "uname",
    .every_ms = 60000,
    .files = { [SYSNAME] = { .path = "proc/sys/kernel/ostype" },
               [RELEASE] = { .path = "proc/sys/kernel/osrelease" },
               [VERSION] = { .path = "proc/sys/kernel/version" },
               [NODENAME] = { .path = "proc/sys/kernel/hostname" },
               [DOMAINNAME] = { .path = "proc/sys/kernel/domainname" } },
    .make = s_make,
    .sample = s_sample,
    .walk = s_walk,
    .end = s_end,
};
