// cpu_info - see the header.

#include "agent/proc/cpu_info.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/proc/proc_text.h"
#include "agent/proc/sysfs.h"
#include "shared/base/err.h"
#include "shared/base/file.h"
#include "shared/base/log.h"
#include "shared/base/xalloc.h"

#define CPU_INFO_TAG 0x43505549u // "CPUI"
#define EVERY_MS     60000
#define READ_EVERY   60 // samples, where no processor has come or gone
#define FILE_INFO    "proc/cpuinfo"
#define FILE_ONLINE  "sys/devices/system/cpu/online"

static const struct field {
    const char *key;   // as the kernel spells it
    const char *label; // as node_exporter does
} fields[CPU_INFO_FIELDS] = {
    [CPU_INFO_CPU] = { "processor", "cpu" },
    [CPU_INFO_PACKAGE] = { "physical id", "package" },
    [CPU_INFO_CORE] = { "core id", "core" },
    [CPU_INFO_VENDOR] = { "vendor_id", "vendor" },
    [CPU_INFO_FAMILY] = { "cpu family", "family" },
    [CPU_INFO_MODEL] = { "model", "model" },
    [CPU_INFO_MODEL_NAME] = { "model name", "model_name" },
    [CPU_INFO_MICROCODE] = { "microcode", "microcode" },
    [CPU_INFO_STEPPING] = { "stepping", "stepping" },
    [CPU_INFO_CACHE_SIZE] = { "cache size", "cachesize" },
};

struct cpu_info_state {
    unsigned tag;                 // CPU_INFO_TAG
    int root_fd;                  // borrowed; -1: none
    unsigned until_read;          // samples before the file is read again
    bool said;                    // that it can not be read
    char online[SYSFS_TEXT_SIZE]; // the text when it was read
    struct cpu_info info;         // of the file as last read
    struct buf text;              // that file
    uint32_t n;                   // of slots
    uint32_t *slots;              // of the processors on line
};

static int s_line(struct cpu_info *out, bool *in_block, struct proc_text line);
static void s_read(struct cpu_info_state *self, series_table_t *table);
static uint32_t s_slot(const struct cpu_info_cpu *cpu, series_table_t *table);

int
cpu_info_parse(struct cpu_info *out, const char *text, size_t len)
{
    struct proc_text rest = proc_text(text, len);
    struct proc_text line;
    bool in_block = false; // of a processor

    out->n = 0;
    while (proc_text_line(&rest, &line)) {
        if (proc_text_len(&line) == 0)
            in_block = false;
        else if (s_line(out, &in_block, line) < 0)
            return ERR_FORMAT;
    }
    return out->n > 0 ? (int) out->n : ERR_FORMAT;
}

static struct proc_text
s_trim(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    while (end > at && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    return (struct proc_text){ .at = at, .end = end };
}

static int
s_new_cpu(struct cpu_info *out, struct proc_text number)
{
    int64_t ignored;

    if (out->n == CPU_INFO_CPUS_MAX || proc_text_int(&number, &ignored) != 1 ||
        number.at != number.end)
        return ERR_FORMAT;
    if (out->n == out->size) {
        out->size = out->size == 0 ? 8 : out->size * 2;
        out->cpus = xrealloc(out->cpus, out->size, sizeof *out->cpus);
    }
    out->cpus[out->n++] = (struct cpu_info_cpu){ 0 };
    return 0;
}

// A block begins with the number and ends with an empty line; what the kernel says of the machine
// as a whole stands in none.
static int
s_line(struct cpu_info *out, bool *in_block, struct proc_text line)
{
    const char *colon = memchr(line.at, ':', proc_text_len(&line));
    struct proc_text key, value;

    if (colon == NULL)
        return ERR_FORMAT;
    key = s_trim(line.at, colon);
    value = s_trim(colon + 1, line.end);
    for (size_t i = 0; i < CPU_INFO_FIELDS; i++) {
        if (!proc_text_is(&key, fields[i].key))
            continue;
        if (i == CPU_INFO_CPU && s_new_cpu(out, value) < 0)
            return ERR_FORMAT;
        *in_block = *in_block || i == CPU_INFO_CPU;
        if (*in_block && proc_text_len(&value) <= CPU_INFO_VALUE_MAX)
            out->cpus[out->n - 1].fields[i] =
                (struct cpu_info_word){ .at = value.at, .len = proc_text_len(&value) };
        break;
    }
    return 0;
}

void
cpu_info_release(struct cpu_info *info)
{
    free(info->cpus);
    *info = (struct cpu_info){ 0 };
}

static void *
s_make(const struct proc_setup *setup)
{
    struct cpu_info_state *self = xcalloc(1, sizeof *self);

    self->tag = CPU_INFO_TAG;
    self->root_fd = setup->root != NULL ? proc_root_fd(setup->root) : -1;
    return self;
}

static void
s_walk(void *arg, series_table_t *table)
{
    struct cpu_info_state *self = arg;
    char online[SYSFS_TEXT_SIZE] = "";

    assert(self->tag == CPU_INFO_TAG);
    if (self->root_fd == -1)
        return;
    (void) sysfs_text(online, self->root_fd, FILE_ONLINE);
    if (self->until_read == 0 || strcmp(online, self->online) != 0) {
        s_read(self, table);
        strcpy(self->online, online);
        self->until_read = READ_EVERY;
    }
    self->until_read--;
    for (uint32_t i = 0; i < self->n; i++)
        series_table_set(table, self->slots[i], 1);
}

static void
s_read(struct cpu_info_state *self, series_table_t *table)
{
    const ptrdiff_t len = file_read(&self->text, self->root_fd, FILE_INFO, PROC_FILE_MAX);
    const int rc = len < 0
                       ? (int) len
                       : cpu_info_parse(&self->info, (const char *) self->text.at, (size_t) len);

    self->n = 0;
    if (rc < 0 && !self->said)
        log_info("nothing is known of the processors", "file=" FILE_INFO " error=%s",
                 log_quote(err_str(rc)));
    self->said = rc < 0;
    if (rc > 0) {
        self->slots = xrealloc(self->slots, self->info.n, sizeof *self->slots);
        for (; self->n < self->info.n; self->n++)
            self->slots[self->n] = s_slot(&self->info.cpus[self->n], table);
    }
    buf_release(&self->text);
    cpu_info_release(&self->info);
}

static uint32_t
s_slot(const struct cpu_info_cpu *cpu, series_table_t *table)
{
    static const struct series_spec spec = {
        .name = "node_cpu_info",
        .kind = METRIC_INFO,
        .form = { .exponent = 0, .unit = 1 },
        .job = "node",
        .help = "CPU information from /proc/cpuinfo.",
    };
    char values[CPU_INFO_FIELDS][CPU_INFO_VALUE_MAX + 1];
    struct label labels[CPU_INFO_FIELDS];

    for (size_t i = 0; i < CPU_INFO_FIELDS; i++) {
        const struct cpu_info_word *word = &cpu->fields[i];

        if (word->len > 0)
            memcpy(values[i], word->at, word->len);
        values[i][word->len] = '\0';
        labels[i] = (struct label){ fields[i].label, values[i] };
    }
    return series_table_slot(table, &spec, labels, CPU_INFO_FIELDS);
}

static void
s_end(void **self_p)
{
    struct cpu_info_state *self = *self_p;

    if (self == NULL)
        return;
    cpu_info_release(&self->info);
    buf_release(&self->text);
    free(self->slots);
    free(self);
    *self_p = NULL;
}

const struct proc_family cpu_info_family = {
    .name = "cpu_info",
    .every_ms = EVERY_MS,
    .make = s_make,
    .walk = s_walk,
    .end = s_end,
};
