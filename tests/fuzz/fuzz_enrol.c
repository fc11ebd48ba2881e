// fuzz_enrol - a message about keys, of a stranger. What is taken is put again and taken the same.

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "shared/wire/enrol.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
    static uint8_t first[ENROL_MAX], second[ENROL_MAX];
    struct enrol_msg msg = { 0 };
    ptrdiff_t len;

    if (enrol_take(&msg, at, n) < 0)
        return 0;
    len = enrol_put(first, sizeof first, &msg);
    // Varints of other lengths than ours are read too, so it may only get shorter.
    if (len < 0 || (size_t) len > n || enrol_take(&msg, first, (size_t) len) < 0 ||
        enrol_put(second, sizeof second, &msg) != len || memcmp(first, second, (size_t) len) != 0)
        abort();
    return 0;
}
