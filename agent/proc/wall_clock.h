// wall_clock - the time of day as this host has it, its zone, and what the kernel counts it by.
//
// Source: clock_gettime(2), localtime(3) of the agent; /sys/devices/system/clocksource.
// Out:    node_time_seconds, node_time_zone_offset_seconds{time_zone},
//         node_time_clocksource_available_info{device,clocksource},
//         node_time_clocksource_current_info{device,clocksource}.

#ifndef AGENT_PROC_WALL_CLOCK_H
#define AGENT_PROC_WALL_CLOCK_H

#include <stddef.h>

#include "agent/proc/proc_family.h"

#define CLOCK_SOURCES_MAX 16
#define CLOCK_NAME_SIZE   32

// Names of clock sources in one line: how many, or ERR_FORMAT: no whole line, too many names, or
// one that is too long.
int clock_sources_parse(char out[CLOCK_SOURCES_MAX][CLOCK_NAME_SIZE], const char *text, size_t len);

extern const struct proc_family time_family;

#endif
