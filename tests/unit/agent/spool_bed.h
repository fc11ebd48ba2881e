// spool_bed - records to be spooled, what comes back of them, and a folder to put them in.

#ifndef TESTS_UNIT_AGENT_SPOOL_BED_H
#define TESTS_UNIT_AGENT_SPOOL_BED_H

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/wire/body.h"
#include "shared/wire/frame.h"

#define BED_KEY_EVERY 16u // records
#define BED_T0_MS     INT64_C(1700000000000)

// Record `seq` of a stream, each with 1 + seq % 3 samples, but IDENT and DEFs. The body is its
// number, and noise that follows from it.
static inline uint64_t
bed_total(uint64_t seq)
{
    uint64_t total = 0;

    for (uint64_t i = 2; i < seq; i++)
        total += 1 + i % 3;
    return total;
}

static inline struct record
bed_record(uint64_t stream, uint64_t seq, size_t len)
{
    static uint8_t body[FRAME_BODY_MAX];
    static uint64_t last_seq, last_total; // bed_total is slow
    struct record r = { .stream = stream, .seq = seq, .t0_ms = BED_T0_MS + (int64_t) seq * 1000 };

    for (size_t i = 0; i < len; i++)
        body[i] = (uint8_t) (stream * 31 + seq * 7 + i);
    if (len >= sizeof seq)
        memcpy(body, &seq, sizeof seq);
    r.body = body;
    r.body_len = (uint32_t) len;
    if (seq == last_seq + 1 && last_seq >= 2)
        last_total += 1 + last_seq % 3;
    else
        last_total = bed_total(seq);
    last_seq = seq;
    r.total = last_total;
    r.type = seq == 0 ? RECORD_IDENT : seq == 1 ? RECORD_DEF : RECORD_DELTA;
    if (seq == 2 || (seq > 2 && seq % BED_KEY_EVERY == 0))
        r.type = RECORD_KEY;
    r.count = seq < 2 ? 0 : (uint32_t) (1 + seq % 3);
    return r;
}

// What a TABLE ahead of record `seq` looks like.
static inline struct record
bed_table(uint64_t stream, uint64_t seq, uint8_t type)
{
    struct record r = bed_record(stream, seq, 100);

    r.type = type;
    r.count = 0;
    return r;
}

static inline void
bed_clear(const char *dir)
{
    DIR *d = opendir(dir);

    if (d == NULL)
        return;
    for (const struct dirent *e; (e = readdir(d)) != NULL;) {
        char path[512];

        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            unlink(path);
    }
    closedir(d);
    rmdir(dir);
}

#endif
