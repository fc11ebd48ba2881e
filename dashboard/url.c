// url - the escapes of a path or a parameter.

#include "dashboard/url.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/str.h"
#include "shared/base/xalloc.h"

static int s_hex(char c);

char *
url_decode(const char *text)
{
    char *out = xmalloc(strlen(text) + 1);
    size_t n = 0;

    for (const char *at = text; *at != '\0'; at++) {
        int high, low;

        if (*at != '%') {
            out[n++] = *at;
            continue;
        }
        high = s_hex(at[1]);
        low = high >= 0 ? s_hex(at[2]) : -1;
        if (low < 0 || (high == 0 && low == 0)) {
            free(out);
            return NULL;
        }
        out[n++] = (char) (high * 16 + low);
        at += 2;
    }
    out[n] = '\0';
    if (!str_is_utf8(out, n)) {
        free(out);
        return NULL;
    }
    return out;
}

void
url_encode_path(struct buf *out, const char *path)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "-._~/";

    for (; *path != '\0'; path++) {
        if (strchr(plain, *path) != NULL)
            buf_byte(out, (uint8_t) *path);
        else
            buf_printf(out, "%%%02X", (unsigned) (unsigned char) *path);
    }
}

static int
s_hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}
