// thermal - temperatures of thermal zones, and what cools them.
//
// Source: Documentation/ABI/testing/sysfs-class-thermal: sys/class/thermal/thermal_zoneN and
//         cooling_deviceN. Temperatures are thousandths of a degree.
// Out:    node_thermal_zone_temp{zone,type}, node_cooling_device_cur_state{name,type} and
//         node_cooling_device_max_state; zone and name are the number N.

#ifndef AGENT_PROC_THERMAL_H
#define AGENT_PROC_THERMAL_H

#include "agent/proc/proc_family.h"

extern const struct proc_family thermal_family;

#endif
