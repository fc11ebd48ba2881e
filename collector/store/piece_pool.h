// piece_pool - memory for open tiles, in pieces of one size.
//
// An open tile grows a little each second and lives for minutes. Grown by realloc, a million
// series took 250 bytes each and more; in pieces they take what they hold and half a piece.
// Thread: any; a lock is held for a pointer or two.
// Loss:   none. A pool has no bound of its own: who appends asks piece_pool_bytes.

#ifndef COLLECTOR_STORE_PIECE_POOL_H
#define COLLECTOR_STORE_PIECE_POOL_H

#include <stddef.h>
#include <stdint.h>

// Half a piece is what a host wastes, which counts where it has 100 series; a row of 500 is some
// 500 bytes, and one that goes on in the next piece is joined before it is read.
#define PIECE_BYTES 2048u

struct piece {
    struct piece *next; // of the same tile, or of the pool's free ones
    uint8_t at[PIECE_BYTES - sizeof(struct piece *)];
};

typedef struct piece_pool piece_pool_t;

piece_pool_t *piece_pool_new(void);
// All pieces are back.
void piece_pool_destroy(piece_pool_t **self_p);

// The caller's, until it is given back; what is in it is not set.
struct piece *piece_pool_take(piece_pool_t *self);
// A chain of them, linked by `next`; NULL is fine.
void piece_pool_give(piece_pool_t *self, struct piece *chain);
// Of pieces that are out.
uint64_t piece_pool_bytes(piece_pool_t *self);

#endif
