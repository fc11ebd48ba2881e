// fuzz_roster - the file of who belongs, as a disk may have harmed it; and tokens as people say
// them.
//
// A record that is taken is put again as it was. Whatever stands there, nothing crashes.

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "collector/roster_record.h"
#include "collector/token_table.h"
#include "shared/base/crc32c.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t n);

// The crc that the bytes should have, so that the mutator gets behind it.
static void
s_mend(uint8_t *bytes, size_t n)
{
    uint32_t len, crc;

    if (n < ROSTER_RECORD_HEAD)
        return;
    len = bytes[0] | (uint32_t) bytes[1] << 8 | (uint32_t) bytes[2] << 16 |
          (uint32_t) bytes[3] << 24;
    if (len > n - ROSTER_RECORD_HEAD)
        return;
    crc = crc32c(crc32c(0, bytes, 4), bytes + ROSTER_RECORD_HEAD, len);
    for (int i = 0; i < 4; i++)
        bytes[4 + i] = (uint8_t) (crc >> (8 * i));
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
    uint8_t *bytes = malloc(n + 1), again[ROSTER_RECORD_MOST], third[ROSTER_RECORD_MOST];
    uint8_t image[ENROL_KEY_BYTES];
    struct roster_record record, same;
    ptrdiff_t len;

    memcpy(bytes, at, n);
    s_mend(bytes, n);
    len = roster_record_take(&record, bytes, n);
    if (len > (ptrdiff_t) n)
        abort();
    if (len > 0) {
        const size_t put = roster_record_put(again, &record);

        if (roster_record_take(&same, again, put) != (ptrdiff_t) put ||
            roster_record_put(third, &same) != put || memcmp(third, again, put) != 0)
            abort();
    }
    (void) token_image(image, (const char *) at, n);
    free(bytes);
    return 0;
}
