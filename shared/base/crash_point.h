// crash_point - moments at which a fault test ends the program, to see what it leaves behind.
//
// Only programs that were built with -DZPULSE_CRASH_POINTS have them: elsewhere a point is no
// instruction, and no name of one is in the program.
// In:     ZPULSE_CRASH_AT=NAME:N: SIGKILL to itself as it comes by NAME for the N-th time.
// Out:    ZPULSE_CRASH_SEEN=FILE: a u64 for each point, in order, of how often it was come by is
//         added to there; what stands there outlives the program.
// Thread: any.

#ifndef SHARED_BASE_CRASH_POINT_H
#define SHARED_BASE_CRASH_POINT_H

// Each is used in the code, and the faults of the store come by each: tests look after both.
// What a name says has not happened yet, but for the ones that end in -ED.
#define CRASH_POINTS(POINT)                                                               \
    POINT(SEGMENT_NAME)  /* of the journal: a spare one is one's own, but for its name */ \
    POINT(SEGMENT_NAMED) /* the folder is not on the disk yet */                          \
    POINT(SEGMENT_DROP)  /* nobody needs it any more */                                   \
    POINT(SEGMENT_DROPPED)                                                                \
    POINT(TILE_SEALED)  /* of an open tile: in memory, nobody knows it yet */             \
    POINT(ROOM_MADE)    /* tables, id and version of a new database are committed */      \
    POINT(ROOM_CLOSE)   /* the last connection goes, and with it the log */               \
    POINT(CHECKPOINT)   /* of a log into its file */                                      \
    POINT(CHECKPOINTED) /* likewise */                                                    \
    POINT(META_COMMIT)  /* of series, hosts and numbers */                                \
    POINT(META_COMMITTED)                                                                 \
    POINT(BLOCK_NAME)   /* a new file is whole, under another name */                     \
    POINT(BLOCK_NAMED)  /* it has its own; the folder is not on the disk yet */           \
    POINT(TILE_INSERT)  /* the transaction is begun */                                    \
    POINT(MARK_INSERT)  /* the tiles are in it */                                         \
    POINT(BLOCK_COMMIT) /* the marks are in it */                                         \
    POINT(BLOCK_COMMITTED)                                                                \
    POINT(ASIDE_RENAME)   /* of a damaged file, or of what is beside it */                \
    POINT(ASIDE_RENAMED)  /* all of them; the folder is not on the disk yet */            \
    POINT(BLOCK_UNLINK)   /* of a file, or of what is beside it */                        \
    POINT(BLOCK_UNLINKED) /* of a file that was too old, and of what is beside it */      \
    POINT(MERGE_MADE)     /* a merged file, on the disk; the old one has its name */      \
    POINT(MERGE_RENAME)   /* likewise, and the old one has nothing beside it */           \
    POINT(MERGE_RENAMED)  /* it has the name; the folder is not on the disk yet */

enum crash_point {
#define CRASH_POINT_OF(name) CRASH_##name,
    CRASH_POINTS(CRASH_POINT_OF)
#undef CRASH_POINT_OF
        CRASH_POINT_COUNT
};

#ifdef ZPULSE_CRASH_POINTS
// Counts, and ends the program where it is told to.
void crash_point_pass(enum crash_point point);
#define CRASH_POINT(name) crash_point_pass(CRASH_##name)
#else
#define CRASH_POINT(name) ((void) CRASH_##name)
#endif

#endif
