// hwmon - temperatures, fans, voltages and what else the sensors of this machine measure.
//
// Source: Documentation/hwmon/sysfs-interface.rst: sys/class/hwmon/hwmonN, and its device/ where
//         old drivers put their files. A file is TYPE NUMBER _ PROPERTY: "temp1_input".
// Out:    node_hwmon_*{chip,sensor}, named as node_exporter 1.5 names them;
//         node_hwmon_sensor_label{chip,sensor,label} and node_hwmon_chip_names{chip,chip_name}.
//         A chip is called after its device, "platform_coretemp_0", which a restart does not
//         change as it may the number of hwmonN; without a device after its name.
// Absent: types that node_exporter 1.5 does not know (freq).

#ifndef AGENT_PROC_HWMON_H
#define AGENT_PROC_HWMON_H

#include "agent/proc/proc_family.h"

extern const struct proc_family hwmon_family;

#endif
