// cpustat - see the header.
//
// The whole file is parsed before any series is touched: a line that is wrong makes the family
// absent for the tick, not half of it. The line "intr" has a number for each interrupt of the
// machine and can be longer than all others; only its first one, the sum, is read.

#include "agent/proc/cpustat.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/proc/proc_text.h"
#include "shared/base/err.h"
#include "shared/base/xalloc.h"

#define CPUSTAT_TAG       0x43505553u // "CPUS"
#define JUMP_BACK_SECONDS 3           // more than this is a processor that was taken out and put in

// A mode's metric, and the value of its label.
static const struct mode {
    const char *label;
    bool guest;
} modes[CPUSTAT_MODES] = {
    [CPUSTAT_USER] = { "user", false },       [CPUSTAT_NICE] = { "nice", false },
    [CPUSTAT_SYSTEM] = { "system", false },   [CPUSTAT_IDLE] = { "idle", false },
    [CPUSTAT_IOWAIT] = { "iowait", false },   [CPUSTAT_IRQ] = { "irq", false },
    [CPUSTAT_SOFTIRQ] = { "softirq", false }, [CPUSTAT_STEAL] = { "steal", false },
    [CPUSTAT_GUEST] = { "user", true },       [CPUSTAT_GUEST_NICE] = { "nice", true },
};

static const struct counter {
    const char *key; // as the kernel spells it
    struct series_spec spec;
} counters[CPUSTAT_COUNTERS] = {
    [CPUSTAT_INTR] = { "intr",
                       { .name = "node_intr_total",
                         .kind = METRIC_COUNTER,
                         .form = { .exponent = 0, .unit = 1 },
                         .job = "node",
                         .help = "Total number of interrupts serviced." } },
    [CPUSTAT_CTXT] = { "ctxt",
                       { .name = "node_context_switches_total",
                         .kind = METRIC_COUNTER,
                         .form = { .exponent = 0, .unit = 1 },
                         .job = "node",
                         .help = "Total number of context switches." } },
    [CPUSTAT_BTIME] = { "btime",
                        { .name = "node_boot_time_seconds",
                          .kind = METRIC_GAUGE,
                          .form = { .exponent = 0, .unit = 1 },
                          .job = "node",
                          .help = "Node boot time, in unixtime." } },
    [CPUSTAT_PROCESSES] = { "processes",
                            { .name = "node_forks_total",
                              .kind = METRIC_COUNTER,
                              .form = { .exponent = 0, .unit = 1 },
                              .job = "node",
                              .help = "Total number of forks." } },
    [CPUSTAT_RUNNING] = { "procs_running",
                          { .name = "node_procs_running",
                            .kind = METRIC_GAUGE,
                            .form = { .exponent = 0, .unit = 1 },
                            .job = "node",
                            .help = "Number of processes in runnable state." } },
    [CPUSTAT_BLOCKED] = { "procs_blocked",
                          { .name = "node_procs_blocked",
                            .kind = METRIC_GAUGE,
                            .form = { .exponent = 0, .unit = 1 },
                            .job = "node",
                            .help = "Number of processes blocked waiting for I/O to complete." } },
};

// A processor as its series show it.
struct cpu_series {
    uint32_t slots[CPUSTAT_MODES]; // SERIES_NONE until the kernel first has the column
    int64_t shown[CPUSTAT_MODES];
};

struct cpustat_state {
    unsigned tag;        // CPUSTAT_TAG
    struct cpustat stat; // of the tick at hand
    struct metric_form form;
    long hz;
    uint32_t n; // of cpus
    struct cpu_series *cpus;
    uint32_t slots[CPUSTAT_COUNTERS];
};

static int s_line(struct cpustat *out, struct proc_text *line);
static int s_cpu(struct cpustat *out, struct proc_text id, struct proc_text *line);
static void s_show_cpu(struct cpustat_state *self, series_table_t *table,
                       const struct cpustat_cpu *cpu);

int
cpustat_parse(struct cpustat *out, const char *text, size_t len)
{
    struct proc_text rest = proc_text(text, len);
    struct proc_text line;
    int taken = 0;

    out->n = 0;
    for (size_t i = 0; i < CPUSTAT_COUNTERS; i++)
        out->counters[i] = -1;
    while (proc_text_line(&rest, &line)) {
        const int rc = s_line(out, &line);

        if (rc < 0)
            return rc;
        taken += rc;
    }
    return taken > 0 ? taken : ERR_FORMAT;
}

// 1 if the line was one of ours, 0 if not, or ERR_FORMAT.
static int
s_line(struct cpustat *out, struct proc_text *line)
{
    struct proc_text key = proc_text_word(line);

    if (proc_text_len(&key) > 3 && memcmp(key.at, "cpu", 3) == 0 && isdigit((uint8_t) key.at[3])) {
        key.at += 3;
        return s_cpu(out, key, line);
    }
    for (size_t i = 0; i < CPUSTAT_COUNTERS; i++)
        if (proc_text_is(&key, counters[i].key))
            return proc_text_int(line, &out->counters[i]) == 1 ? 1 : ERR_FORMAT;
    return 0;
}

static int
s_cpu(struct cpustat *out, struct proc_text id, struct proc_text *line)
{
    struct cpustat_cpu *cpu;
    int64_t number;

    if (proc_text_int(&id, &number) != 1 || number >= CPUSTAT_CPUS_MAX ||
        (out->n > 0 && number <= out->cpus[out->n - 1].id))
        return ERR_FORMAT;
    if (out->n == out->size) {
        out->size = out->size == 0 ? 8 : out->size * 2;
        out->cpus = xrealloc(out->cpus, out->size, sizeof *out->cpus);
    }
    cpu = &out->cpus[out->n];
    cpu->id = (uint32_t) number;
    for (cpu->modes = 0; cpu->modes < CPUSTAT_MODES; cpu->modes++) {
        const int rc = proc_text_int(line, &cpu->ticks[cpu->modes]);

        if (rc < 0)
            return rc;
        if (rc == 0)
            break;
    }
    if (cpu->modes <= CPUSTAT_IDLE)
        return ERR_FORMAT;
    out->n++;
    return 1;
}

void
cpustat_release(struct cpustat *stat)
{
    free(stat->cpus);
    *stat = (struct cpustat){ 0 };
}

struct metric_form
cpustat_form(long hz)
{
    uint64_t power = 1;

    for (uint8_t e = 0; e <= METRIC_EXPONENT_MAX; e++, power *= 10)
        if (hz > 0 && power % (uint64_t) hz == 0 && power / (uint64_t) hz <= UINT32_MAX)
            return (struct metric_form){ .exponent = e,
                                         .unit = (uint32_t) (power / (uint64_t) hz) };
    return (struct metric_form){ .exponent = METRIC_RAW, .unit = 1 };
}

static void *
s_make(const struct proc_setup *setup)
{
    struct cpustat_state *self = xcalloc(1, sizeof *self);

    assert(setup->user_hz > 0);
    self->tag = CPUSTAT_TAG;
    self->form = cpustat_form(setup->user_hz);
    self->hz = setup->user_hz;
    for (size_t i = 0; i < CPUSTAT_COUNTERS; i++)
        self->slots[i] = SERIES_NONE;
    return self;
}

static int
s_sample(void *arg, series_table_t *table, size_t file, const char *text, size_t len)
{
    struct cpustat_state *self = arg;
    int rc;

    (void) file;
    assert(self->tag == CPUSTAT_TAG);
    rc = cpustat_parse(&self->stat, text, len);
    if (rc < 0)
        return rc;
    for (uint32_t i = 0; i < self->stat.n; i++)
        s_show_cpu(self, table, &self->stat.cpus[i]);
    for (size_t i = 0; i < CPUSTAT_COUNTERS; i++) {
        if (self->stat.counters[i] < 0)
            continue;
        if (self->slots[i] == SERIES_NONE)
            self->slots[i] = series_table_slot(table, &counters[i].spec, NULL, 0);
        series_table_set(table, self->slots[i], self->stat.counters[i]);
    }
    return 0;
}

static struct cpu_series *
s_series(struct cpustat_state *self, uint32_t id)
{
    if (id >= self->n) {
        self->cpus = xrealloc(self->cpus, id + 1, sizeof *self->cpus);
        for (uint32_t i = self->n; i <= id; i++) {
            self->cpus[i] = (struct cpu_series){ 0 };
            for (size_t mode = 0; mode < CPUSTAT_MODES; mode++)
                self->cpus[i].slots[mode] = SERIES_NONE;
        }
        self->n = id + 1;
    }
    return &self->cpus[id];
}

static uint32_t
s_slot(const struct cpustat_state *self, series_table_t *table, uint32_t id, size_t mode)
{
    const struct series_spec spec = {
        .name = modes[mode].guest ? "node_cpu_guest_seconds_total" : "node_cpu_seconds_total",
        .kind = METRIC_COUNTER,
        .form = self->form,
        .job = "node",
        .help = modes[mode].guest ? "Seconds the CPUs spent in guests (VMs) for each mode."
                                  : "Seconds the CPUs spent in each mode.",
    };
    char cpu[12];

    snprintf(cpu, sizeof cpu, "%u", id);
    return series_table_slot(
        table, &spec, (const struct label[]){ { "cpu", cpu }, { "mode", modes[mode].label } }, 2);
}

// The kernel's times may step back by a little (iowait and idle are estimates), which a reader of
// counters would take for a restart from zero: the highest value stands. Only an idle time that
// falls by seconds is a processor that has been away, and then all of its times begin anew.
static void
s_show_cpu(struct cpustat_state *self, series_table_t *table, const struct cpustat_cpu *cpu)
{
    struct cpu_series *series = s_series(self, cpu->id);
    const int64_t idle = series->shown[CPUSTAT_IDLE];
    const bool anew = cpu->ticks[CPUSTAT_IDLE] < idle - JUMP_BACK_SECONDS * self->hz;

    for (size_t mode = 0; mode < cpu->modes; mode++) {
        int64_t *shown = &series->shown[mode];

        if (series->slots[mode] == SERIES_NONE)
            series->slots[mode] = s_slot(self, table, cpu->id, mode);
        if (anew || cpu->ticks[mode] > *shown)
            *shown = cpu->ticks[mode];
        if (self->form.exponent == METRIC_RAW)
            series_table_set_double(table, series->slots[mode],
                                    (double) *shown / (double) self->hz);
        else
            series_table_set(table, series->slots[mode], *shown);
    }
}

static void
s_end(void **self_p)
{
    struct cpustat_state *self = *self_p;

    if (self == NULL)
        return;
    cpustat_release(&self->stat);
    free(self->cpus);
    free(self);
    *self_p = NULL;
}

const struct proc_family cpustat_family = {
    .name = "cpu",
    .files = { { .path = "proc/stat" } },
    .make = s_make,
    .sample = s_sample,
    .end = s_end,
};
