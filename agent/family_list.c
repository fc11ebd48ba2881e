// family_list - see the header.

#include "agent/family_list.h"

#include <assert.h>
#include <string.h>

#include "agent/proc/cpu_info.h"
#include "agent/proc/cpufreq.h"
#include "agent/proc/cpustat.h"
#include "agent/proc/diskstats.h"
#include "agent/proc/filefd.h"
#include "agent/proc/filesystem.h"
#include "agent/proc/hwmon.h"
#include "agent/proc/loadavg.h"
#include "agent/proc/meminfo.h"
#include "agent/proc/net_dev.h"
#include "agent/proc/netstat.h"
#include "agent/proc/os_release.h"
#include "agent/proc/pressure.h"
#include "agent/proc/processes.h"
#include "agent/proc/sockstat.h"
#include "agent/proc/softnet.h"
#include "agent/proc/thermal.h"
#include "agent/proc/uname.h"
#include "agent/proc/vmstat.h"
#include "agent/proc/wall_clock.h"
#include "shared/base/err.h"
#include "shared/base/str.h"

#define ALL            "all" // in place of a family's name
#define EVERY_LEAST_MS 100
#define EVERY_MOST_MS  3600000

// clang-format off
const struct proc_family *const family_list[] = {
    &cpustat_family,
    &meminfo_family,
    &loadavg_family,
    &vmstat_family,
    &pressure_family,
    &diskstats_family,
    &filesystem_family,
    &hwmon_family,
    &thermal_family,
    &cpufreq_family,
    &cpu_info_family,
    &net_dev_family,
    &netstat_family,
    &sockstat_family,
    &softnet_family,
    &filefd_family,
    &processes_family,
    &time_family,
    &uname_family,
    &os_family,
};
// clang-format on
const size_t family_count = sizeof family_list / sizeof family_list[0];

_Static_assert(sizeof family_list / sizeof family_list[0] <= FAMILIES_MAX, "room for each");

// Options of each filter.
static const struct {
    const char *include;
    const char *exclude;
} filter_options[PROC_FILTERS] = {
    [PROC_FILTER_DISK] = { "disk-include", "disk-exclude" },
    [PROC_FILTER_NET] = { "net-include", "net-exclude" },
    [PROC_FILTER_MOUNT] = { "mount-include", "mount-exclude" },
    [PROC_FILTER_FSTYPE] = { "fstype-include", "fstype-exclude" },
};

static int s_read_wish(struct family_wishes *ret, const char *text, const char *program, FILE *err);
static int s_find(const char *name, size_t len);
static const char *s_nearest(const char *name);
static int s_check_filter(const struct family_wishes *wishes, size_t filter, const char *program,
                          FILE *err);

int
family_wishes_read(struct family_wishes *ret, const options_t *options, const char *program,
                   FILE *err)
{
    const char *const *texts;
    const size_t n = options_list(options, "family", &texts);
    int rc = 0;

    *ret = (struct family_wishes){ 0 };
    for (size_t i = 0; i < family_count; i++)
        ret->wish[i].every_ms = family_list[i]->every_ms;
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = s_read_wish(ret, texts[i], program, err);
    for (size_t i = 0; i < PROC_FILTERS && rc == 0; i++) {
        ret->include[i] = options_text(options, filter_options[i].include);
        ret->exclude[i] = options_text(options, filter_options[i].exclude);
        rc = s_check_filter(ret, i, program, err);
    }
    return rc;
}

// "diskstats=off", "hwmon=1m"; "all=off" is said of each, and what is said later of one holds.
static int
s_read_wish(struct family_wishes *ret, const char *text, const char *program, FILE *err)
{
    const char *equals = strchr(text, '=');
    const size_t len = equals != NULL ? (size_t) (equals - text) : strlen(text);
    const bool all = len == strlen(ALL) && memcmp(text, ALL, len) == 0;
    const int at = all ? 0 : s_find(text, len);
    bool off;
    int64_t ms = 0;

    if (at < 0) {
        fprintf(err, "%s: family: \"%s\": no such family; the nearest is \"%s\"\n", program, text,
                s_nearest(text));
        return ERR_UNKNOWN;
    }
    off = equals != NULL && strcmp(equals + 1, "off") == 0;
    if (!off && (equals == NULL || strcmp(equals + 1, "on") != 0) &&
        (equals == NULL || str_duration_ms(&ms, equals + 1) < 0 || ms < EVERY_LEAST_MS ||
         ms > EVERY_MOST_MS)) {
        fprintf(err, "%s: family: \"%s\": wants NAME=off, NAME=on or a time from 100ms to 1h\n",
                program, text);
        return ERR_FORMAT;
    }
    for (size_t i = (size_t) at; i < (all ? family_count : (size_t) at + 1); i++) {
        ret->wish[i].off = off;
        if (ms > 0)
            ret->wish[i].every_ms = ms;
    }
    return 0;
}

static int
s_find(const char *name, size_t len)
{
    for (size_t i = 0; i < family_count; i++)
        if (strlen(family_list[i]->name) == len && memcmp(family_list[i]->name, name, len) == 0)
            return (int) i;
    return -1;
}

static const char *
s_nearest(const char *name)
{
    const char *nearest = family_list[0]->name;
    unsigned best = UINT32_MAX;

    for (size_t i = 0; i < family_count; i++) {
        const unsigned distance = str_distance(family_list[i]->name, name);

        if (distance < best) {
            best = distance;
            nearest = family_list[i]->name;
        }
    }
    return nearest;
}

static int
s_check_filter(const struct family_wishes *wishes, size_t filter, const char *program, FILE *err)
{
    char error[NAME_FILTER_ERROR_SIZE];
    name_filter_t *compiled;
    const int rc = name_filter_new(&compiled, wishes->include[filter], wishes->exclude[filter],
                                   error);

    if (rc < 0)
        fprintf(err, "%s: %s, %s: %s\n", program, filter_options[filter].include,
                filter_options[filter].exclude, error);
    else
        name_filter_destroy(&compiled);
    return rc;
}
