// hwmon - see the header.

#include "agent/proc/hwmon.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/proc/hwmon_name.h"
#include "agent/proc/sysfs.h"
#include "agent/proc/sysfs_series.h"
#include "shared/base/str.h"
#include "shared/base/xalloc.h"

#define EVERY_MS  10000
#define FOLDER    "sys/class/hwmon"
#define PATH_SIZE 1024 // three names of at most 255 bytes each, and FOLDER

// A file of a chip.
struct found {
    const char *name; // borrowed from the names below, as is what `file` points at
    struct hwmon_file file;
    bool in_device; // it lies in the chip's device/
};

// A chip while it is looked through.
struct chip {
    const char *folder; // "hwmon0"
    char name[HWMON_CHIP_SIZE];
    struct sysfs_names own;    // files
    struct sysfs_names device; // files of device/
    struct found *found;       // sorted by sensor
    size_t n;                  // of found
};

static const struct series_spec chip_spec = {
    .name = "node_hwmon_chip_names",
    .kind = METRIC_INFO,
    .form = { .exponent = 0, .unit = 1 },
    .job = "node",
    .help = "Annotation metric for human-readable chip names",
};

static const struct series_spec label_spec = {
    .name = "node_hwmon_sensor_label",
    .kind = METRIC_INFO,
    .form = { .exponent = 0, .unit = 1 },
    .job = "node",
    .help = "Label for given chip and sensor",
};

static void s_look_chip(sysfs_series_t *series, int root_fd, const char *folder);
static void s_name_chip(struct chip *chip, int root_fd, const char *given);
static void s_find(struct chip *chip, const struct sysfs_names *names, bool in_device);
static int s_compare(const void *a, const void *b);
static void s_add_sensor(sysfs_series_t *series, int root_fd, const struct chip *chip,
                         const struct found *found, size_t n);

static void
s_look(sysfs_series_t *series, int root_fd)
{
    struct sysfs_names chips;

    sysfs_list(&chips, root_fd, FOLDER, SYSFS_FOLDERS);
    for (size_t i = 0; i < chips.n; i++)
        s_look_chip(series, root_fd, chips.at[i]);
    sysfs_names_release(&chips);
}

static void
s_look_chip(sysfs_series_t *series, int root_fd, const char *folder)
{
    struct chip chip = { .folder = folder };
    char path[PATH_SIZE], text[SYSFS_TEXT_SIZE], given[HWMON_WORD_SIZE] = "";
    size_t end;

    snprintf(path, sizeof path, FOLDER "/%s/name", folder);
    if (sysfs_text(text, root_fd, path) > 0)
        hwmon_name_clean(given, text, strlen(text));
    s_name_chip(&chip, root_fd, given);
    if (given[0] != '\0')
        sysfs_series_add(series, NULL, &chip_spec,
                         (const struct label[]){ { "chip", chip.name }, { "chip_name", given } },
                         2);
    snprintf(path, sizeof path, FOLDER "/%s", folder);
    sysfs_list(&chip.own, root_fd, path, SYSFS_FILES);
    snprintf(path, sizeof path, FOLDER "/%s/device", folder);
    sysfs_list(&chip.device, root_fd, path, SYSFS_FILES);
    chip.found = xcalloc(chip.own.n + chip.device.n + 1, sizeof *chip.found);
    s_find(&chip, &chip.own, false);
    s_find(&chip, &chip.device, true);
    qsort(chip.found, chip.n, sizeof *chip.found, s_compare);
    for (size_t i = 0; i < chip.n; i = end) {
        const struct hwmon_file *first = &chip.found[i].file;

        for (end = i + 1; end < chip.n && chip.found[end].file.type == first->type &&
                          chip.found[end].file.number == first->number;)
            end++;
        s_add_sensor(series, root_fd, &chip, &chip.found[i], end - i);
    }
    free(chip.found);
    sysfs_names_release(&chip.own);
    sysfs_names_release(&chip.device);
}

static void
s_name_chip(struct chip *chip, int root_fd, const char *given)
{
    struct buf device = { 0 };
    char path[PATH_SIZE];

    snprintf(path, sizeof path, FOLDER "/%s/device", chip->folder);
    if (sysfs_target(&device, root_fd, path) == 0)
        hwmon_name_chip(chip->name, buf_cstr(&device));
    buf_release(&device);
    if (chip->name[0] == '\0')
        strcpy(chip->name, given);
    if (chip->name[0] == '\0')
        hwmon_name_clean(chip->name, chip->folder, strlen(chip->folder));
}

static void
s_find(struct chip *chip, const struct sysfs_names *names, bool in_device)
{
    for (size_t i = 0; i < names->n; i++) {
        struct found *found = &chip->found[chip->n];

        if (hwmon_name_split(&found->file, names->at[i])) {
            found->name = names->at[i];
            found->in_device = in_device;
            chip->n++;
        }
    }
}

// By sensor, property, and the device's own file behind the chip's.
static int
s_compare(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    int order = strcmp(x->file.type, y->file.type);

    if (order == 0)
        order = x->file.number < y->file.number ? -1 : x->file.number > y->file.number;
    if (order == 0)
        order = strcmp(x->file.property, y->file.property);
    return order != 0 ? order : x->in_device - y->in_device;
}

static void
s_path(char out[PATH_SIZE], const struct chip *chip, const struct found *found)
{
    snprintf(out, PATH_SIZE, FOLDER "/%s/%s%s", chip->folder, found->in_device ? "device/" : "",
             found->name);
}

// Whether the next of the sensor's files has the same property, and is therefore the one that
// counts.
static bool
s_is_replaced(const struct found *found, size_t i, size_t n)
{
    return i + 1 < n && strcmp(found[i].file.property, found[i + 1].file.property) == 0;
}

static void
s_add_label(sysfs_series_t *series, int root_fd, const struct chip *chip, const char *sensor,
            const struct found *found)
{
    char path[PATH_SIZE], text[SYSFS_TEXT_SIZE], word[HWMON_WORD_SIZE];
    const struct label labels[] = { { "chip", chip->name },
                                    { "sensor", sensor },
                                    { "label", text } };

    s_path(path, chip, found);
    if (sysfs_text(text, root_fd, path) <= 0 || !str_is_utf8(text, strlen(text)))
        return;
    hwmon_name_clean(word, text, strlen(text));
    if (word[0] != '\0') // else it holds nothing to read
        sysfs_series_add(series, NULL, &label_spec, labels, 3);
}

// The `n` files of one sensor.
static void
s_add_sensor(sysfs_series_t *series, int root_fd, const struct chip *chip,
             const struct found *found, size_t n)
{
    // Sorted, so one without a property is the first.
    const bool has_bare = found->file.property[0] == '\0';
    char path[PATH_SIZE], sensor[32];
    const struct label labels[] = { { "chip", chip->name }, { "sensor", sensor } };

    snprintf(sensor, sizeof sensor, "%s%u", found->file.type, found->file.number);
    for (size_t i = 0; i < n; i++) {
        struct hwmon_metric metric;
        struct series_spec spec = { .name = metric.name, .job = "node" };

        if (s_is_replaced(found, i, n))
            continue;
        if (strcmp(found[i].file.property, "label") == 0)
            s_add_label(series, root_fd, chip, sensor, &found[i]);
        if (!hwmon_name_metric(&metric, &found[i].file, has_bare))
            continue;
        spec.kind = metric.kind;
        spec.form = (struct metric_form){ .exponent = metric.exponent, .unit = 1 };
        spec.help = metric.help;
        s_path(path, chip, &found[i]);
        sysfs_series_add(series, path, &spec, labels, 2);
    }
}

static void *
s_make(const struct proc_setup *setup)
{
    return sysfs_series_new(setup, s_look, EVERY_MS);
}

const struct proc_family hwmon_family = {
    .name = "hwmon",
    .every_ms = EVERY_MS,
    .make = s_make,
    .walk = sysfs_series_walk,
    .settle = sysfs_series_settle,
    .hangs = sysfs_series_hangs,
    .end = sysfs_series_end,
};
