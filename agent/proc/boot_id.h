// boot_id - which boot of the kernel this is: /proc/sys/kernel/random/boot_id.
//
// Source: random(4). A UUID in its usual text, "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", and a
//         newline.

#ifndef AGENT_PROC_BOOT_ID_H
#define AGENT_PROC_BOOT_ID_H

#include <stddef.h>
#include <stdint.h>

#define BOOT_ID_SIZE 16

// 0, or ERR_FORMAT and all zeros.
int boot_id_parse(uint8_t out[BOOT_ID_SIZE], const char *text, size_t len);

#endif
