// fuzz_key_file - the text of a key file. What is taken is a pair, and reads back the same.

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "shared/net/key_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
    struct key_pair pair;
    uint8_t key[KEY_BYTES];
    char text[KEY_TEXT_SIZE];

    if (n > 0 && key_file_parse(&pair, (at[0] & 1) != 0, (const char *) at + 1, n - 1) == 0) {
        if (!key_is_text(pair.public_text, KEY_TEXT_LEN) ||
            ((at[0] & 1) != 0) != (pair.secret_text[0] != '\0'))
            abort();
        key_pair_wipe(&pair);
    }
    if (key_from_text(key, (const char *) at, n) == 0) {
        key_to_text(text, key);
        if (memcmp(text, at, KEY_TEXT_LEN) != 0)
            abort();
    }
    return 0;
}
