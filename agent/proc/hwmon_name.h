// hwmon_name - from the names of hwmon's files and devices to those of metrics and labels.
//
// Source: Documentation/hwmon/sysfs-interface.rst: a file is TYPE NUMBER _ PROPERTY, "temp1_input";
//         and node_exporter 1.5, whose names are the ones that come out.

#ifndef AGENT_PROC_HWMON_NAME_H
#define AGENT_PROC_HWMON_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/model/metric.h"

#define HWMON_WORD_SIZE   256 // a file's name has at most 255 bytes
#define HWMON_METRIC_SIZE 320

// A file of a sensor.
struct hwmon_file {
    const char *type;     // ours: "temp"
    uint32_t number;      // 1; 0 where the name has none
    const char *property; // borrowed from the name: "input"; "" where it has none
};

struct hwmon_metric {
    char name[HWMON_METRIC_SIZE];
    enum metric_kind kind;
    uint8_t exponent; // the file counts in so many decimals of the metric's unit
    const char *help; // ours
};

// False: no file of a sensor that is told.
bool hwmon_name_split(struct hwmon_file *ret, const char *name);
// As part of a name: lower case, what is none of a-z 0-9 : _ is '_', none of these at the ends.
// Cut at HWMON_WORD_SIZE - 1.
void hwmon_name_clean(char ret[HWMON_WORD_SIZE], const char *text, size_t len);
// How a file is told. `has_bare`: the sensor has a file without a property too. False: not at all,
// being a label or the like.
bool hwmon_name_metric(struct hwmon_metric *ret, const struct hwmon_file *file, bool has_bare);
// The chip's name from the path of its device: its last two folders. "" where they give none.
#define HWMON_CHIP_SIZE (2 * HWMON_WORD_SIZE)
void hwmon_name_chip(char ret[HWMON_CHIP_SIZE], const char *device);

#endif
