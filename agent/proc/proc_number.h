// proc_number - a number as the kernel prints it: "-1", and what is beyond INT64_MAX, among them.
//
// Most files of the kernel print unsigned 64-bit counters, some a signed long. A sum over
// processors that is read while they count may be below zero for a moment, and is then printed as
// one or the other. None of these is a malformed file.

#ifndef AGENT_PROC_PROC_NUMBER_H
#define AGENT_PROC_PROC_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/proc/proc_text.h"
#include "agent/series_table.h"

// Zero is the number 0.
struct proc_number {
    uint64_t magnitude; // at most 2^63 where `negative`
    bool negative;
};

// The next word as a number from INT64_MIN to UINT64_MAX, decimal. 1, 0 at the end of the line, or
// ERR_FORMAT.
int proc_number_take(struct proc_text *line, struct proc_number *ret);
// The next word as at most 64 bits of hexadecimal digits, without "0x"; results as above.
int proc_number_take_hex(struct proc_text *line, struct proc_number *ret);
// Into the table, as series_table_set. What is beyond INT64_MAX is set as the nearest double, so
// the slot's form must be {0, 1} where the kernel may say such a number.
void proc_number_set(series_table_t *table, uint32_t slot, struct proc_number number);

#endif
