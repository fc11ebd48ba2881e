// cpufreq - see the header.

#include "agent/proc/cpufreq.h"

#include <stdio.h>
#include <string.h>

#include "agent/proc/sysfs.h"
#include "agent/proc/sysfs_series.h"
#include "shared/base/str.h"

#define EVERY_MS  10000
#define FOLDER    "sys/devices/system/cpu"
#define PATH_SIZE 512 // a folder's name has at most 255 bytes

static const struct reading {
    const char *file;
    const char *metric;
    const char *help;
} readings[] = {
    { "cpuinfo_cur_freq", "node_cpu_frequency_hertz", "Current cpu thread frequency in hertz." },
    { "cpuinfo_min_freq", "node_cpu_frequency_min_hertz",
      "Minimum cpu thread frequency in hertz." },
    { "cpuinfo_max_freq", "node_cpu_frequency_max_hertz",
      "Maximum cpu thread frequency in hertz." },
    { "scaling_cur_freq", "node_cpu_scaling_frequency_hertz",
      "Current scaled CPU thread frequency in hertz." },
    { "scaling_min_freq", "node_cpu_scaling_frequency_min_hertz",
      "Minimum scaled CPU thread frequency in hertz." },
    { "scaling_max_freq", "node_cpu_scaling_frequency_max_hertz",
      "Maximum scaled CPU thread frequency in hertz." },
};

static void
s_add(sysfs_series_t *series, int root_fd, const char *number, const struct reading *reading)
{
    const struct series_spec spec = {
        .name = reading->metric,
        .kind = METRIC_GAUGE,
        .form = { .exponent = 0, .unit = 1000 }, // kHz
        .job = "node",
        .help = reading->help,
    };
    char path[PATH_SIZE];

    snprintf(path, sizeof path, FOLDER "/cpu%s/cpufreq/%s", number, reading->file);
    if (sysfs_is_readable(root_fd, path))
        sysfs_series_add(series, path, &spec, &(const struct label){ "cpu", number }, 1);
}

// "cpu12", and neither "cpufreq" nor "cpuidle".
static bool
s_is_cpu(const char *name)
{
    return str_starts(name, "cpu") && name[3] != '\0' &&
           name[3 + strspn(name + 3, "0123456789")] == '\0';
}

static void
s_look(sysfs_series_t *series, int root_fd)
{
    struct sysfs_names names;

    sysfs_list(&names, root_fd, FOLDER, SYSFS_FOLDERS);
    for (size_t i = 0; i < names.n; i++)
        for (size_t k = 0; s_is_cpu(names.at[i]) && k < sizeof readings / sizeof readings[0]; k++)
            s_add(series, root_fd, names.at[i] + 3, &readings[k]);
    sysfs_names_release(&names);
}

static void *
s_make(const struct proc_setup *setup)
{
    return sysfs_series_new(setup, s_look, EVERY_MS);
}

const struct proc_family cpufreq_family = {
    .name = "cpufreq",
    .every_ms = EVERY_MS,
    .make = s_make,
    .walk = sysfs_series_walk,
    .settle = sysfs_series_settle,
    .hangs = sysfs_series_hangs,
    .end = sysfs_series_end,
};
