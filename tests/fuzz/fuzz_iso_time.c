// fuzz_iso_time - any text as a time: refused, or one inside the years 1 to 9999 and their offsets.

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/err.h"
#include "shared/base/iso_time.h"

#define DAY_MS INT64_C(86400000)
#define FIRST  INT64_C(-62135596800000) // 0001-01-01
#define LAST   INT64_C(253402300800000) // 10000-01-01

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t ms = 7;
    const int rc = iso_time_parse(&ms, (const char *) data, size);

    assert(rc == 0 || rc == ERR_FORMAT || rc == ERR_RANGE);
    assert(rc < 0 ? ms == 7 : ms > FIRST - DAY_MS && ms < LAST + DAY_MS);
    return 0;
}
