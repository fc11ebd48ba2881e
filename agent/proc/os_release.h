// os_release - which distribution this is.
//
// Source: os-release(5): KEY=value lines, values as a shell would read them. /etc/os-release, and
//         where that is missing /usr/lib/os-release.
// Out:    node_os_info with twelve labels of it, always 1; and node_os_version, the part of
//         VERSION_ID up to its second point as a number, where it is one.

#ifndef AGENT_PROC_OS_RELEASE_H
#define AGENT_PROC_OS_RELEASE_H

#include <stddef.h>

#include "agent/proc/proc_family.h"

#define OS_RELEASE_VALUE_SIZE 256

// In the order of their names, as labels are told.
enum os_release_key {
    OS_BUILD_ID,
    OS_ID,
    OS_ID_LIKE,
    OS_IMAGE_ID,
    OS_IMAGE_VERSION,
    OS_NAME,
    OS_PRETTY_NAME,
    OS_VARIANT,
    OS_VARIANT_ID,
    OS_VERSION,
    OS_VERSION_CODENAME,
    OS_VERSION_ID,
    OS_RELEASE_KEYS
};

// "" where a key is missing.
struct os_release {
    char values[OS_RELEASE_KEYS][OS_RELEASE_VALUE_SIZE];
};

// Keys found, or ERR_FORMAT: a value of ours that is too long, not UTF-8 or whose quotes do not
// close; or none of ours at all. Comments, blank lines and other keys are passed over.
int os_release_parse(struct os_release *out, const char *text, size_t len);

extern const struct proc_family os_family;

#endif
