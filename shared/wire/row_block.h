// row_block - the head of a block of values, and its integers: what all readers of rows share.
// Inner to shared/wire.
// Source: shared/wire/FORMAT.md, "Values".

#ifndef SHARED_WIRE_ROW_BLOCK_H
#define SHARED_WIRE_ROW_BLOCK_H

#include "shared/base/err.h"
#include "shared/wire/row_codec.h"

// Small numbers without a sign as small ones of either. Sums are unsigned: a stranger's wrap.
static inline uint64_t
row_block_unzigzag(uint64_t z)
{
    return (z >> 1) ^ (0 - (z & 1));
}

// The next block's time and kind into *ret, and its flags. 1, 0 at the end of the body (blocks have
// no count), or ERR_FORMAT.
static inline int
row_block_begin(struct rbuf *r, struct row_block *ret, uint8_t *flags_ret)
{
    const uint8_t known = ROW_BLOCK_SPARSE | ROW_BLOCK_PRESENCE | ROW_BLOCK_RAW;

    if (rbuf_left(r) == 0)
        return rbuf_rc(r);
    ret->offset_ms = rbuf_svarint(r);
    *flags_ret = rbuf_u8(r);
    if (rbuf_rc(r) < 0 || (*flags_ret & ~known) != 0)
        return ERR_FORMAT;
    ret->sparse = (*flags_ret & ROW_BLOCK_SPARSE) != 0;
    return 1;
}

#endif
