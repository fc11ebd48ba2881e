// fuzz_control - a control message of a stranger. What is taken is put again and taken the same.

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "shared/wire/control.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
    static uint8_t first[CONTROL_MAX], second[CONTROL_MAX];
    struct control_msg msg = { 0 };
    ptrdiff_t len;

    if (control_take(&msg, at, n) < 0)
        return 0;
    len = control_put(first, sizeof first, &msg);
    if (len < 0 || control_take(&msg, first, (size_t) len) < 0 ||
        control_put(second, sizeof second, &msg) != len || memcmp(first, second, (size_t) len) != 0)
        abort();
    return 0;
}
