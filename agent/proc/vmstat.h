// vmstat - events of the memory management: faults, paging, swapping, kills for want of memory.
//
// Source: /proc/vmstat, proc(5): "name number" lines, some 200 of them, in an order that hardly
//         ever changes while a kernel runs.
// Out:    node_vmstat_NAME, untyped as node_exporter has them, of the names it takes by default:
//         those that begin with oom_kill, pgpg, pswp, or with pg and hold "fault". pgpgin and
//         pgpgout count KiB, pswpin and pswpout pages.

#ifndef AGENT_PROC_VMSTAT_H
#define AGENT_PROC_VMSTAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/proc/proc_family.h"

#define VMSTAT_LINES_MAX 512
#define VMSTAT_NAME_MAX  64

// A line that is taken; the name is borrowed from the text.
struct vmstat_line {
    const char *name;
    uint32_t name_len;
    int64_t value;
};

// Whether events of this name become series.
bool vmstat_takes(const char *name, size_t len);
// Lines taken into out[], or ERR_FORMAT: a taken line without a number, more lines than
// VMSTAT_LINES_MAX, or none at all.
int vmstat_parse(struct vmstat_line out[VMSTAT_LINES_MAX], const char *text, size_t len);

extern const struct proc_family vmstat_family;

#endif
