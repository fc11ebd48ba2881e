// crc32c - Castagnoli's checksum, by the processor or by a table.
//
// The table is for eight bytes a step ("slicing by 8"): table[k][b] is what byte b does to the
// checksum k bytes later.

#include "shared/base/crc32c.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "shared/base/crc32c_impl.h"

#define POLYNOMIAL UINT32_C(0x82f63b78) // 0x1EDC6F41, lowest bit first
#define SLICES     8

static pthread_once_t table_once = PTHREAD_ONCE_INIT;
static uint32_t table[SLICES][256]; // written once, then constant

static void s_make_table(void);

uint32_t
crc32c(uint32_t crc, const void *at, size_t n)
{
    return crc32c_has_instruction() ? crc32c_by_instruction(crc, at, n)
                                    : crc32c_by_table(crc, at, n);
}

uint32_t
crc32c_by_table(uint32_t crc, const void *at, size_t n)
{
    const uint8_t *byte = at;

    pthread_once(&table_once, s_make_table);
    crc = ~crc;
    for (; n >= SLICES; n -= SLICES, byte += SLICES) {
        uint32_t low = crc ^ ((uint32_t) byte[0] | (uint32_t) byte[1] << 8 |
                              (uint32_t) byte[2] << 16 | (uint32_t) byte[3] << 24);

        crc = table[7][low & 0xff] ^ table[6][low >> 8 & 0xff] ^ table[5][low >> 16 & 0xff] ^
              table[4][low >> 24] ^ table[3][byte[4]] ^ table[2][byte[5]] ^ table[1][byte[6]] ^
              table[0][byte[7]];
    }
    for (; n > 0; n--, byte++)
        crc = crc >> 8 ^ table[0][(crc ^ *byte) & 0xff];
    return ~crc;
}

#if defined(__x86_64__)

#include <nmmintrin.h>

bool
crc32c_has_instruction(void)
{
    return __builtin_cpu_supports("sse4.2");
}

__attribute__((target("sse4.2"))) uint32_t
crc32c_by_instruction(uint32_t crc, const void *at, size_t n)
{
    const uint8_t *byte = at;
    uint64_t state = ~crc;

    for (; n >= sizeof(uint64_t); n -= sizeof(uint64_t), byte += sizeof(uint64_t)) {
        uint64_t word;

        memcpy(&word, byte, sizeof word);
        state = _mm_crc32_u64(state, word);
    }
    crc = (uint32_t) state;
    for (; n > 0; n--, byte++)
        crc = _mm_crc32_u8(crc, *byte);
    return ~crc;
}

#else

bool
crc32c_has_instruction(void)
{
    return false;
}

uint32_t
crc32c_by_instruction(uint32_t crc, const void *at, size_t n)
{
    return crc32c_by_table(crc, at, n);
}

#endif

static void
s_make_table(void)
{
    for (uint32_t b = 0; b < 256; b++) {
        uint32_t crc = b;

        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
        table[0][b] = crc;
    }
    for (uint32_t b = 0; b < 256; b++)
        for (int k = 1; k < SLICES; k++)
            table[k][b] = table[k - 1][b] >> 8 ^ table[0][table[k - 1][b] & 0xff];
}
