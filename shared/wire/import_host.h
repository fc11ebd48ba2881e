// import_host - the id under which an instance of imported samples has its streams.
//
// It follows from the name, so that whoever imports, whenever, means the same host. Ids of agents
// are random: one of them is this one by chance alone.

#ifndef SHARED_WIRE_IMPORT_HOST_H
#define SHARED_WIRE_IMPORT_HOST_H

#include <stddef.h>
#include <stdint.h>

#include "shared/base/fnv.h"

// Never 0. `name` is the label `instance`, 1 byte or more.
static inline uint64_t
import_host_id(const char *name, size_t n)
{
    const uint64_t id = fnv_add(fnv_add(FNV_BEGIN, "import:", 7), name, n);

    return id != 0 ? id : 1;
}

#endif
