// boot_id - see the header.

#include "agent/proc/boot_id.h"

#include <stdbool.h>
#include <string.h>

#include "shared/base/err.h"

#define TEXT_LEN 36 // 32 digits and 4 dashes

// 0 to 15, or -1.
static int
s_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

int
boot_id_parse(uint8_t out[BOOT_ID_SIZE], const char *text, size_t len)
{
    size_t digits = 0;

    memset(out, 0, BOOT_ID_SIZE);
    if (len != TEXT_LEN && !(len == TEXT_LEN + 1 && text[TEXT_LEN] == '\n'))
        return ERR_FORMAT;
    for (size_t i = 0; i < TEXT_LEN; i++) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        const int digit = s_digit(text[i]);

        if (dash ? text[i] != '-' : digit < 0) {
            memset(out, 0, BOOT_ID_SIZE);
            return ERR_FORMAT;
        }
        if (dash)
            continue;
        out[digits / 2] = (uint8_t) (out[digits / 2] << 4 | digit);
        digits++;
    }
    return 0;
}
