// cpu_info - what each processor is: maker, model, where it sits.
//
// Source: proc(5), /proc/cpuinfo: a block for each processor on line, of lines "key : value".
// Out:    node_cpu_info{package,core,cpu,vendor,family,model,model_name,microcode,stepping,
//         cachesize} 1, as node_exporter names them; it is off there unless asked for.
// Absent: labels of what this kind of processor does not say: ARM has hardly more than the number.
// Cost:   reading the file interrupts every processor of an x86 machine, so it is read only when
//         sys/devices/system/cpu/online is not what it was, and once an hour (microcode).

#ifndef AGENT_PROC_CPU_INFO_H
#define AGENT_PROC_CPU_INFO_H

#include <stddef.h>
#include <stdint.h>

#include "agent/proc/proc_family.h"

enum cpu_info_field {
    CPU_INFO_CPU,
    CPU_INFO_PACKAGE,
    CPU_INFO_CORE,
    CPU_INFO_VENDOR,
    CPU_INFO_FAMILY,
    CPU_INFO_MODEL,
    CPU_INFO_MODEL_NAME,
    CPU_INFO_MICROCODE,
    CPU_INFO_STEPPING,
    CPU_INFO_CACHE_SIZE,
    CPU_INFO_FIELDS
};

#define CPU_INFO_CPUS_MAX  16384u
#define CPU_INFO_VALUE_MAX 128u // bytes; what is longer is no value

// A stretch of the text; empty: the processor does not say.
struct cpu_info_word {
    const char *at;
    size_t len;
};

struct cpu_info_cpu {
    struct cpu_info_word fields[CPU_INFO_FIELDS]; // borrowed from the text
};

// Zero is valid and empty; cpu_info_release.
struct cpu_info {
    uint32_t n;
    uint32_t size; // allocated
    struct cpu_info_cpu *cpus;
};

// Processors found; ERR_FORMAT: a line without a colon, a number of a processor that is none, too
// many, or none at all. *out then holds nothing to be read, but still its memory.
int cpu_info_parse(struct cpu_info *out, const char *text, size_t len);
void cpu_info_release(struct cpu_info *info);

extern const struct proc_family cpu_info_family;

#endif
