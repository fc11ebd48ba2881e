// host_facts - what a host is: its system, kernel, processors, memory, and when it started.
//
// In:     its series, one after the other, with their newest values.
// Out:    an object of JSON, without what is not known.
// A value: zero is nothing known. Holds memory: host_facts_release.
// Source: node_exporter's node_os_info, node_uname_info, node_cpu_seconds_total,
//         node_memory_MemTotal_bytes, node_boot_time_seconds.

#ifndef DASHBOARD_HOST_FACTS_H
#define DASHBOARD_HOST_FACTS_H

#include <stdint.h>

#include "shared/base/json.h"
#include "shared/model/label.h"

struct host_facts {
    char *os;        // "Debian GNU/Linux 12 (bookworm)"; owned
    char *kernel;    // "6.1.0-13-amd64"; owned
    char *arch;      // "x86_64"; owned
    int64_t said_ms; // when the system and the kernel were last told
    int64_t named_ms;
    unsigned cpus;    // 0: not known
    double mem_bytes; // 0: not known
    int64_t boot_ms;  // since the epoch; 0: not known
};

// Takes what this series tells; most tell nothing. `value` is its newest, of `time_ms`.
void host_facts_take(struct host_facts *facts, const struct label_set *labels, int64_t time_ms,
                     double value);
void host_facts_copy(struct host_facts *facts, const struct host_facts *from);
void host_facts_release(struct host_facts *facts);
void host_facts_put(struct json *j, const struct host_facts *facts);

// The selectors of the series, for the newest sample of each; NULL ends them.
extern const char *const host_facts_selectors[];

#endif
