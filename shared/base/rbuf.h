// rbuf - read bytes of a stranger, ask once at the end whether they were all there.
//
// The first failure sticks: later reads return 0 or NULL, and rbuf_rc reports
// ERR_FORMAT. No read passes the end. Integers are little endian. Varints are LEB128 of at
// most ten bytes whose value fits 64 bits; anything longer is ERR_FORMAT.

#ifndef SHARED_BASE_RBUF_H
#define SHARED_BASE_RBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rbuf {
    const uint8_t *at;  // next byte; borrowed
    const uint8_t *end; // one past the last
    int rc;             // 0, or ERR_FORMAT once something was not there
};

void rbuf_init(struct rbuf *r, const void *at, size_t n);
uint8_t rbuf_u8(struct rbuf *r);
uint16_t rbuf_u16(struct rbuf *r);
uint32_t rbuf_u32(struct rbuf *r);
uint64_t rbuf_u64(struct rbuf *r);
double rbuf_f64(struct rbuf *r);
uint64_t rbuf_varint(struct rbuf *r);
int64_t rbuf_svarint(struct rbuf *r);
// A varint that must be at most `most`; larger is ERR_FORMAT.
uint64_t rbuf_count(struct rbuf *r, uint64_t most);
// `n` bytes, borrowed from the input; NULL if they are not there.
const uint8_t *rbuf_bytes(struct rbuf *r, size_t n);
// A varint length of at most `most`, then the bytes: borrowed, not terminated. They are
// valid UTF-8 without NUL, or ERR_FORMAT. *len_ret is set in any case.
const char *rbuf_str(struct rbuf *r, size_t most, size_t *len_ret);
size_t rbuf_left(const struct rbuf *r);
void rbuf_fail(struct rbuf *r);
// 0, or ERR_FORMAT.
int rbuf_rc(const struct rbuf *r);
// 0 if every byte was read and nothing failed, else ERR_FORMAT.
int rbuf_finish(const struct rbuf *r);

#endif
