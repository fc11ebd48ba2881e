// shell_word - see the header.

#include "shared/base/shell_word.h"

#include <string.h>

void
shell_word_put(struct buf *out, const char *text)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "_./+:@%=-";

    if (text[0] != '\0' && text[strspn(text, plain)] == '\0') {
        buf_str(out, text);
        return;
    }
    buf_byte(out, '\'');
    for (; *text != '\0'; text++)
        *text == '\'' ? buf_str(out, "'\\''") : buf_byte(out, (uint8_t) *text);
    buf_byte(out, '\'');
}
