// fuzz_os_release - any text as os-release: refused, or values that are text and fit.

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "agent/proc/os_release.h"
#include "shared/base/err.h"
#include "tests/fuzz/proc_tick.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct os_release os;
    const int rc = os_release_parse(&os, (const char *) data, size);

    assert(rc == ERR_FORMAT || rc > 0);
    for (size_t k = 0; rc > 0 && k < OS_RELEASE_KEYS; k++)
        assert(strnlen(os.values[k], OS_RELEASE_VALUE_SIZE) < OS_RELEASE_VALUE_SIZE);
    proc_tick_twice(&os_family, 0, data, size);
    return 0;
}
