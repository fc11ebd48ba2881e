// crc32c_impl - the two ways to the same checksum, for crc32c.c and its test.

#ifndef SHARED_BASE_CRC32C_IMPL_H
#define SHARED_BASE_CRC32C_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The processor has SSE4.2.
bool crc32c_has_instruction(void);
// Only where crc32c_has_instruction.
uint32_t crc32c_by_instruction(uint32_t crc, const void *at, size_t n);
uint32_t crc32c_by_table(uint32_t crc, const void *at, size_t n);

#endif
