// os_release - see the header.

#include "agent/proc/os_release.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "agent/proc/proc_text.h"
#include "shared/base/err.h"
#include "shared/base/str.h"
#include "shared/base/xalloc.h"

#define OS_TAG 0x4f535245u // "OSRE"

static const struct {
    const char *key;
    const char *label;
} keys[OS_RELEASE_KEYS] = {
    [OS_BUILD_ID] = { "BUILD_ID", "build_id" },
    [OS_ID] = { "ID", "id" },
    [OS_ID_LIKE] = { "ID_LIKE", "id_like" },
    [OS_IMAGE_ID] = { "IMAGE_ID", "image_id" },
    [OS_IMAGE_VERSION] = { "IMAGE_VERSION", "image_version" },
    [OS_NAME] = { "NAME", "name" },
    [OS_PRETTY_NAME] = { "PRETTY_NAME", "pretty_name" },
    [OS_VARIANT] = { "VARIANT", "variant" },
    [OS_VARIANT_ID] = { "VARIANT_ID", "variant_id" },
    [OS_VERSION] = { "VERSION", "version" },
    [OS_VERSION_CODENAME] = { "VERSION_CODENAME", "version_codename" },
    [OS_VERSION_ID] = { "VERSION_ID", "version_id" },
};

static const struct series_spec info = {
    .name = "node_os_info",
    .kind = METRIC_INFO,
    .form = { .exponent = 0, .unit = 1 },
    .job = "node",
    .help = "What os-release says of the operating system.",
};
static const struct series_spec version = {
    .name = "node_os_version",
    .kind = METRIC_GAUGE,
    .form = { .exponent = METRIC_RAW, .unit = 1 },
    .job = "node",
    .help = "Major and minor number of the operating system's version.",
};

struct os_state {
    unsigned tag; // OS_TAG
    bool found;   // in the sample at hand: the second file is not looked at
    uint32_t info_slot;
    uint32_t version_slot;
    double version;
    struct os_release release; // as shown
    struct os_release read;    // as read last
};

static int s_value(char out[OS_RELEASE_VALUE_SIZE], struct proc_text text);
static bool s_version(const char *id, double *ret);

int
os_release_parse(struct os_release *out, const char *text, size_t len)
{
    struct proc_text rest = proc_text(text, len);
    struct proc_text line;
    int found = 0;

    memset(out, 0, sizeof *out);
    while (proc_text_line(&rest, &line)) {
        const char *equals = memchr(line.at, '=', proc_text_len(&line));
        const struct proc_text key = { line.at, equals };

        if (equals == NULL)
            continue;
        for (size_t k = 0; k < OS_RELEASE_KEYS; k++) {
            if (!proc_text_is(&key, keys[k].key))
                continue;
            if (s_value(out->values[k], (struct proc_text){ equals + 1, line.end }) < 0)
                return ERR_FORMAT;
            found++;
        }
    }
    return found > 0 ? found : ERR_FORMAT;
}

// As a shell: 'as it is', "with \ before $, `, \ and the quote", or bare.
static int
s_value(char out[OS_RELEASE_VALUE_SIZE], struct proc_text text)
{
    char quote = '\0';
    size_t n = 0;

    for (; text.at < text.end; text.at++) {
        const char c = *text.at;

        if (quote == '\0' && (c == '"' || c == '\'')) {
            quote = c;
            continue;
        }
        if (quote != '\0' && c == quote) {
            quote = '\0';
            continue;
        }
        if (c == '\\' && quote != '\'' && ++text.at == text.end)
            return ERR_FORMAT;
        if (n + 1 == OS_RELEASE_VALUE_SIZE)
            return ERR_FORMAT;
        out[n++] = *text.at;
    }
    out[n] = '\0';
    return quote == '\0' && str_is_utf8(out, n) ? 0 : ERR_FORMAT;
}

static void *
s_make(const struct proc_setup *setup)
{
    struct os_state *self = xcalloc(1, sizeof *self);

    (void) setup;
    self->tag = OS_TAG;
    self->info_slot = self->version_slot = SERIES_NONE;
    return self;
}

static int
s_sample(void *arg, series_table_t *table, size_t file, const char *text, size_t len)
{
    struct os_state *self = arg;
    int rc;

    (void) table;
    (void) file;
    assert(self->tag == OS_TAG);
    if (self->found)
        return 0;
    rc = os_release_parse(&self->read, text, len);
    self->found = rc > 0;
    return rc < 0 ? rc : 0;
}

static void
s_walk(void *arg, series_table_t *table)
{
    struct os_state *self = arg;

    if (!self->found)
        return;
    self->found = false;
    if (self->info_slot == SERIES_NONE ||
        memcmp(&self->release, &self->read, sizeof self->read) != 0) {
        struct label labels[OS_RELEASE_KEYS];

        self->release = self->read;
        for (size_t k = 0; k < OS_RELEASE_KEYS; k++)
            labels[k] = (struct label){ keys[k].label, self->release.values[k] };
        self->info_slot = series_table_slot(table, &info, labels, OS_RELEASE_KEYS);
        self->version_slot = SERIES_NONE;
        if (s_version(self->release.values[OS_VERSION_ID], &self->version)) {
            const struct label of[] = { labels[OS_ID], labels[OS_ID_LIKE], labels[OS_NAME] };

            self->version_slot = series_table_slot(table, &version, of, 3);
        }
    }
    series_table_set(table, self->info_slot, 1);
    series_table_set_double(table, self->version_slot, self->version);
}

// "22.04.1" is 22.04, "12" is 12; "rolling" is none.
static bool
s_version(const char *id, double *ret)
{
    char text[OS_RELEASE_VALUE_SIZE];
    size_t n = strspn(id, "0123456789");

    if (n == 0)
        return false;
    if (id[n] == '.' && id[n + 1] >= '0' && id[n + 1] <= '9')
        n += 1 + strspn(id + n + 1, "0123456789");
    memcpy(text, id, n);
    text[n] = '\0';
    *ret = strtod(text, NULL);
    return true;
}

static void
s_end(void **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

const struct proc_family os_family = {
    .name = "os",
    .every_ms = 60000,
    .files = { { .path = "etc/os-release", .optional = true },
               { .path = "usr/lib/os-release", .optional = true } },
    .make = s_make,
    .sample = s_sample,
    .walk = s_walk,
    .end = s_end,
};
