// segment - one file of a segment log, as bytes: a header, then records, then what was there
// before.
//
// In:     payloads; or the bytes of a file that a crash, a disk or a stranger may have changed.
// Out:    bytes; or records, each proved by its checksum; and what a place without one means.
//
// A file is made at its full size ahead of its use, and used again when it is done with: behind the
// last record stand zeros or records of an earlier life. So a record belongs to the life of its
// file: the header's salt is new each time and part of every checksum, and so is the place.
//
//      header, 64 bytes       0 u32 magic "ZPSG"  4 u16 version  6 u16 header's length
//                             8 u64 owner  16 u64 number  24 u64 salt  32 i64 made, ms
//                             40..59 zero  60 u32 crc32c of bytes 0 to 59
//      record, 16 bytes + n   0 u32 marker: low half of the salt, lowest bit set
//                             4 u32 n, or SEGMENT_END: the file is closed here
//                             8 u32 synced: bytes of this file that were durable when it was
//                             written 12 u32 crc32c of salt, place, bytes 4 to 11 and the payload
//
// All integers are little endian. `synced` tells a torn tail from damage: what was not durable may
// be lost to a crash in any order, what was durable may not.
// Thread: pure.

#ifndef SHARED_BASE_SEGMENT_H
#define SHARED_BASE_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEGMENT_VERSION      1
#define SEGMENT_HEADER_BYTES 64u
#define SEGMENT_RECORD_BYTES 16u // ahead of each payload
#define SEGMENT_RECORD_MAX   (1024u * 1024u)
#define SEGMENT_BYTES_LEAST  4096u
#define SEGMENT_BYTES_MOST   (1024u * 1024u * 1024u)

struct segment_header {
    uint64_t owner;  // whose log: a stream, a collector
    uint64_t number; // of the segment in its log, rising by one
    uint64_t salt;   // random, of this life of the file
    int64_t made_ms; // when this life began, since the epoch
};

void segment_header_put(uint8_t out[SEGMENT_HEADER_BYTES], const struct segment_header *h);
// 0; ERR_FORMAT; or ERR_VERSION: sound, but of a newer kind.
int segment_header_take(struct segment_header *ret, const void *at, size_t n);

// The 16 bytes ahead of a payload that will stand at `place` (of the record, in the file). The
// payload comes as two pieces, the second may be empty.
struct segment_payload {
    const void *head;
    size_t head_len;
    const void *body;
    size_t body_len;
};
void segment_record_put(uint8_t out[SEGMENT_RECORD_BYTES], uint64_t salt, uint32_t place,
                        uint32_t synced, const struct segment_payload *payload);
// The mark that nothing more follows in this file.
void segment_end_put(uint8_t out[SEGMENT_RECORD_BYTES], uint64_t salt, uint32_t place,
                     uint32_t synced);

struct segment_record {
    const uint8_t *at; // the payload; borrowed from the file's bytes
    uint32_t len;
    uint32_t synced;
    uint32_t next; // place behind it
};

enum segment_found {
    SEGMENT_NONE,   // no record of this life stands there
    SEGMENT_RECORD, // *ret holds
    SEGMENT_ENDED,  // the file is closed here
    SEGMENT_SHORT,  // `size` ends within what may be a record: more bytes are needed
};
// What stands at `place` of a file: `at` are its bytes from there on, as far as they are known,
// `n`. `whole` says that the file ends with them.
enum segment_found segment_read(struct segment_record *ret, const uint8_t *at, size_t n, bool whole,
                                uint64_t salt, uint32_t place);

// The first record or end of this life at or behind `place`, in *place_ret; `at` and `n` as above,
// up to the end of the file. False if there is none.
bool segment_search(uint32_t *place_ret, const uint8_t *at, size_t n, uint64_t salt,
                    uint32_t place);

// What a whole file holds.
struct segment_scan {
    uint32_t end;    // place behind the last record that follows without a break from the first
    uint32_t synced; // largest that any record of this life says, wherever it stands
    uint64_t records;
    bool ended;      // closed at `end`
    bool damaged;    // what stands at `end` was durable once, and is not readable
    uint32_t resume; // if damaged: the next readable place, or the file's size
    uint32_t tail;   // place behind the last record of this life, wherever it stands; of the end
    uint32_t trace;  // place behind what looks like the last one, readable or not; `end` if none
};
void segment_scan(struct segment_scan *ret, const uint8_t *file, size_t size, uint64_t salt);

#endif
