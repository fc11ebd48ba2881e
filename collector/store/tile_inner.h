// tile_inner - where the fields of a tile stand, for tile_write, tile_read and their tests.
//
//   0  4 bytes  magic "ZPTL"
//   4  u32      crc32c of the head's bytes from 8 on
//   8  u32      crc32c of the body
//  12  u8       version: major << 4 | minor
//  13  u8       class
//  14  u16      rows, 1 to 1,024
//  16  u16      columns
//  18  u16      ranges
//  20  u16      bitmaps
//  22  u16      0, not looked at
//  24  u64      host
//  32  i64      time of the first row
//  40  i64      time of the last row
//  48  u32      bytes of the head, these included
//  52  u32      bytes of the body, which follows the head
//  56  ranges   each u16 first row, u16 rows
//      bitmaps  each a bit a row, lowest first
//      times    varint length, a column of integers: times less that of the first row
//      series   varint length, runs: varint 2 * gap, or 2 * gap + 1 and varint rows in it - 2
//      lengths  varint length, a varint a column
//      presences  varint length, runs: varint number, varint columns - 1; columns behind them
//               have all rows
// A presence is 0 for all rows, then come the ranges, then the bitmaps.

#ifndef COLLECTOR_STORE_TILE_INNER_H
#define COLLECTOR_STORE_TILE_INNER_H

#include "collector/store/tile.h"

#define TILE_MAGIC         "ZPTL"
#define TILE_MAGIC_BYTES   4u
#define TILE_VERSION       0x10u
#define TILE_VERSION_MAJOR 4u // shift
#define TILE_HEAD_CRC_AT   4u
#define TILE_BODY_CRC_AT   8u
#define TILE_CHECKED_AT    8u // the head's checksum is of the bytes from here on
#define TILE_RANGE_BYTES   4u

#define TILE_ALL_ROWS      0u // a presence

#endif
