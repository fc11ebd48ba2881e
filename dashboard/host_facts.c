// host_facts - what a host is: its system, kernel, processors, memory, and when it started.

#include "dashboard/host_facts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/xalloc.h"

static void s_take_os(struct host_facts *f, const struct label_set *labels, int64_t time_ms,
                      double value);
static void s_take_uname(struct host_facts *f, const struct label_set *labels, int64_t time_ms,
                         double value);
static void s_take_cpu(struct host_facts *f, const struct label_set *labels, int64_t time_ms,
                       double value);
static void s_take_memory(struct host_facts *f, const struct label_set *labels, int64_t time_ms,
                          double value);
static void s_take_boot(struct host_facts *f, const struct label_set *labels, int64_t time_ms,
                        double value);
static void s_set(char **at, const char *text);
static void s_put(struct json *j, const char *key, const char *text);

static const struct {
    const char *metric;
    void (*take)(struct host_facts *f, const struct label_set *labels, int64_t time_ms,
                 double value);
} takers[] = {
    { "node_os_info", s_take_os },
    { "node_uname_info", s_take_uname },
    { "node_cpu_seconds_total", s_take_cpu },
    { "node_memory_MemTotal_bytes", s_take_memory },
    { "node_boot_time_seconds", s_take_boot },
};

const char *const host_facts_selectors[] = {
    "node_os_info{job=\"node\"}",
    "node_uname_info{job=\"node\"}",
    "node_cpu_seconds_total{job=\"node\",mode=\"idle\"}",
    "node_memory_MemTotal_bytes{job=\"node\"}",
    "node_boot_time_seconds{job=\"node\"}",
    NULL,
};

void
host_facts_take(struct host_facts *facts, const struct label_set *labels, int64_t time_ms,
                double value)
{
    const char *metric = label_set_metric(labels);
    const char *job = label_set_get(labels, "job");

    // A stale mark is one of these too: the series is there no more.
    if (isnan(value) || job == NULL || strcmp(job, "node") != 0)
        return;
    for (size_t i = 0; i < sizeof takers / sizeof takers[0]; i++)
        if (strcmp(takers[i].metric, metric) == 0)
            takers[i].take(facts, labels, time_ms, value);
}

void
host_facts_copy(struct host_facts *facts, const struct host_facts *from)
{
    *facts = *from;
    facts->os = from->os != NULL ? xstrdup(from->os) : NULL;
    facts->kernel = from->kernel != NULL ? xstrdup(from->kernel) : NULL;
    facts->arch = from->arch != NULL ? xstrdup(from->arch) : NULL;
}

void
host_facts_release(struct host_facts *facts)
{
    free(facts->os);
    free(facts->kernel);
    free(facts->arch);
    *facts = (struct host_facts){ 0 };
}

void
host_facts_put(struct json *j, const struct host_facts *facts)
{
    json_object(j);
    s_put(j, "os", facts->os);
    s_put(j, "kernel", facts->kernel);
    s_put(j, "arch", facts->arch);
    if (facts->cpus > 0) {
        json_key(j, "cpus");
        json_uint(j, facts->cpus);
    }
    if (facts->mem_bytes > 0) {
        json_key(j, "mem");
        json_fixed(j, facts->mem_bytes, 0);
    }
    if (facts->boot_ms > 0) {
        json_key(j, "boot");
        json_int(j, facts->boot_ms);
    }
    json_object_end(j);
}

// After an upgrade the series of before is there a while longer: the newest told counts.
static void
s_take_os(struct host_facts *f, const struct label_set *labels, int64_t time_ms, double value)
{
    (void) value;
    if (time_ms < f->said_ms)
        return;
    f->said_ms = time_ms;
    s_set(&f->os, label_set_get(labels, "pretty_name"));
}

static void
s_take_uname(struct host_facts *f, const struct label_set *labels, int64_t time_ms, double value)
{
    (void) value;
    if (time_ms < f->named_ms)
        return;
    f->named_ms = time_ms;
    s_set(&f->kernel, label_set_get(labels, "release"));
    s_set(&f->arch, label_set_get(labels, "machine"));
}

// Each core has one such series.
static void
s_take_cpu(struct host_facts *f, const struct label_set *labels, int64_t time_ms, double value)
{
    const char *mode = label_set_get(labels, "mode");

    (void) time_ms;
    (void) value;
    f->cpus += mode != NULL && strcmp(mode, "idle") == 0;
}

static void
s_take_memory(struct host_facts *f, const struct label_set *labels, int64_t time_ms, double value)
{
    (void) labels;
    (void) time_ms;
    f->mem_bytes = value;
}

static void
s_take_boot(struct host_facts *f, const struct label_set *labels, int64_t time_ms, double value)
{
    (void) labels;
    (void) time_ms;
    // Of what a peer says, only what is a time becomes one.
    f->boot_ms = value > 0 && value < 1e11 ? llrint(value * 1000) : 0;
}

static void
s_set(char **at, const char *text)
{
    free(*at);
    *at = text != NULL ? xstrdup(text) : NULL;
}

static void
s_put(struct json *j, const char *key, const char *text)
{
    if (text == NULL)
        return;
    json_key(j, key);
    json_str(j, text);
}
