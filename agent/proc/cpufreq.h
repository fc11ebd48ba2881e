// cpufreq - how fast each processor runs, and may run.
//
// Source: Documentation/admin-guide/pm/cpufreq.rst: sys/devices/system/cpu/cpuN/cpufreq, in kHz.
// Out:    node_cpu_scaling_frequency_hertz{cpu} and its _min_ and _max_, as asked of the hardware;
//         node_cpu_frequency_hertz and its _min_ and _max_, as the hardware says.
// Absent: what a driver has no file for, or that only root may read and the agent is not.

#ifndef AGENT_PROC_CPUFREQ_H
#define AGENT_PROC_CPUFREQ_H

#include "agent/proc/proc_family.h"

extern const struct proc_family cpufreq_family;

#endif
