// thermal - see the header.

#include "agent/proc/thermal.h"

#include <stdio.h>
#include <string.h>

#include "agent/proc/sysfs.h"
#include "agent/proc/sysfs_series.h"
#include "shared/base/str.h"

#define EVERY_MS  10000
#define FOLDER    "sys/class/thermal"
#define PATH_SIZE 512 // a folder's name has at most 255 bytes

// A number of each folder of a kind.
static const struct reading {
    const char *folder; // begins so; the number follows
    const char *file;
    const char *label; // of that number
    struct series_spec spec;
} readings[] = {
    { "thermal_zone",
      "temp",
      "zone",
      { .name = "node_thermal_zone_temp",
        .kind = METRIC_GAUGE,
        .form = { .exponent = 3, .unit = 1 },
        .job = "node",
        .help = "Zone temperature in Celsius" } },
    { "cooling_device",
      "cur_state",
      "name",
      { .name = "node_cooling_device_cur_state",
        .kind = METRIC_GAUGE,
        .form = { .exponent = 0, .unit = 1 },
        .job = "node",
        .help = "Current throttle state of the cooling device" } },
    { "cooling_device",
      "max_state",
      "name",
      { .name = "node_cooling_device_max_state",
        .kind = METRIC_GAUGE,
        .form = { .exponent = 0, .unit = 1 },
        .job = "node",
        .help = "Maximum throttle state of the cooling device" } },
};

static void
s_add(sysfs_series_t *series, int root_fd, const char *name, const struct reading *reading)
{
    char path[PATH_SIZE], type[SYSFS_TEXT_SIZE];
    const char *number = name + strlen(reading->folder);

    snprintf(path, sizeof path, FOLDER "/%s/type", name);
    // A device that is just going has no type any more.
    if (sysfs_text(type, root_fd, path) < 0 || !str_is_utf8(type, strlen(type)))
        return;
    snprintf(path, sizeof path, FOLDER "/%s/%s", name, reading->file);
    sysfs_series_add(series, path, &reading->spec,
                     (const struct label[]){ { reading->label, number }, { "type", type } }, 2);
}

static void
s_look(sysfs_series_t *series, int root_fd)
{
    struct sysfs_names names;

    sysfs_list(&names, root_fd, FOLDER, SYSFS_FOLDERS);
    for (size_t i = 0; i < names.n; i++)
        for (size_t k = 0; k < sizeof readings / sizeof readings[0]; k++)
            if (str_starts(names.at[i], readings[k].folder))
                s_add(series, root_fd, names.at[i], &readings[k]);
    sysfs_names_release(&names);
}

static void *
s_make(const struct proc_setup *setup)
{
    return sysfs_series_new(setup, s_look, EVERY_MS);
}

const struct proc_family thermal_family = {
    .name = "thermal_zone",
    .every_ms = EVERY_MS,
    .make = s_make,
    .walk = sysfs_series_walk,
    .settle = sysfs_series_settle,
    .hangs = sysfs_series_hangs,
    .end = sysfs_series_end,
};
