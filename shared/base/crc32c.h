// crc32c - Castagnoli's checksum: polynomial 0x1EDC6F41, reflected, as in RFC 3720 B.4.
//
// crc32c(0, "123456789", 9) is 0xE3069283. Calls chain: crc32c(crc32c(0, a, n), b, m) is
// that of a then b. SSE4.2 where the processor has it, a table elsewhere.

#ifndef SHARED_BASE_CRC32C_H
#define SHARED_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

uint32_t crc32c(uint32_t crc, const void *at, size_t n);

#endif
