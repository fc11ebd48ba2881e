// wirebytes - bytes and time of a sample on the wire, for a fleet host.
//
// usage: wirebytes [SECONDS]   (600)
// The workload is fleet.h's. One row a second, a KEY each 128 rows, prefix and record
// header counted. Every row is decoded again and compared.

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/base/xalloc.h"
#include "shared/wire/frame.h"
#include "shared/wire/row_codec.h"
#include "tests/bench/fleet.h"

#define T0_MS  INT64_C(1700000000000)
#define PASSES 40 // of the whole run: the times are the best pass's

struct result {
    uint64_t bytes, samples;
    int64_t encode_ns, decode_ns;
};

static void
s_fail(const char *what)
{
    fprintf(stderr, "wirebytes: %s\n", what);
    exit(1);
}

static void
s_decode(row_decoder_t *decoder, const uint8_t *frame, size_t len, const struct cell *row,
         struct result *result)
{
    int64_t begin = clock_mono_ns();
    struct frame_prefix prefix;
    struct row_block block;
    struct record record;
    struct rbuf r;

    if (frame_take(&prefix, &record, frame, len) < 0)
        s_fail("a frame was refused");
    rbuf_init(&r, record.body, record.body_len);
    if (record.type == RECORD_KEY) {
        row_state_reset(row_decoder_state(decoder));
        rbuf_varint(&r); // the width, which does not change here
    }
    if (row_decoder_next(decoder, &r, &block) != 1)
        s_fail("a row was refused");
    result->decode_ns += clock_mono_ns() - begin;
    for (uint32_t i = 0; i < block.n; i++) {
        if (block.cells[i].m != row[i].m)
            s_fail("a row came back wrong");
    }
}

static void
s_second(struct fleet_host *h, uint64_t seq, struct row_state *state, row_decoder_t *decoder,
         struct result *result)
{
    static uint8_t frame[FRAME_MAX];
    uint8_t *body = frame + FRAME_PREFIX_SIZE + FRAME_RECORD_HEADER;
    struct record record = { .type = seq % KEY_EACH == 0 ? RECORD_KEY : RECORD_DELTA,
                             .stream = 1,
                             .seq = seq,
                             .total = seq * h->n,
                             .t0_ms = T0_MS + (int64_t) seq * 1000,
                             .body = body };
    struct cell row[SERIES] = { 0 };
    int64_t begin;
    ptrdiff_t len;
    struct wbuf w;

    for (uint32_t i = 0; i < h->n; i++)
        row[i] = (struct cell){ .state = CELL_INTEGER, .m = h->m[fleet_pick(h, i)] };
    begin = clock_mono_ns();
    wbuf_init(&w, body, FRAME_BODY_MAX);
    if (record.type == RECORD_KEY)
        row_put_key(state, &w);
    record.count = row_put(state, &w, 0, row);
    record.body_len = (uint32_t) w.len;
    frame_put_prefix(frame, &(struct frame_prefix){ .base = seq });
    len = frame_put_record(frame + FRAME_PREFIX_SIZE, FRAME_MAX - FRAME_PREFIX_SIZE, &record);
    result->encode_ns += clock_mono_ns() - begin;
    if (wbuf_finish(&w) < 0 || len < 0)
        s_fail("a frame did not fit");
    result->bytes += FRAME_PREFIX_SIZE + (size_t) len;
    result->samples += record.count;
    s_decode(decoder, frame, FRAME_PREFIX_SIZE + (size_t) len, row, result);
}

static struct result
s_pass(uint32_t series, uint64_t seconds)
{
    row_decoder_t *decoder = row_decoder_new(NULL);
    struct row_state state = { 0 };
    struct result result = { 0 };
    struct fleet_host host;

    fleet_begin(&host, series);
    row_state_grow(&state, series);
    row_state_grow(row_decoder_state(decoder), series);
    for (uint64_t seq = 0; seq < seconds; seq++) {
        fleet_step(&host);
        s_second(&host, seq, &state, decoder, &result);
    }
    row_state_release(&state);
    row_decoder_destroy(&decoder);
    return result;
}

static void
s_run(uint32_t series, uint64_t seconds)
{
    struct result best = s_pass(series, seconds);

    for (int i = 1; i < PASSES; i++) {
        struct result again = s_pass(series, seconds);

        best.encode_ns = again.encode_ns < best.encode_ns ? again.encode_ns : best.encode_ns;
        best.decode_ns = again.decode_ns < best.decode_ns ? again.decode_ns : best.decode_ns;
    }
    printf("wire, %u series, %" PRIu64 " s: %.3f bytes a sample, encode %.1f ns, decode %.1f ns\n",
           series, seconds, (double) best.bytes / (double) best.samples,
           (double) best.encode_ns / (double) best.samples,
           (double) best.decode_ns / (double) best.samples);
}

int
main(int argc, char **argv)
{
    uint64_t seconds = argc > 1 ? strtoull(argv[1], NULL, 10) : 600;

    if (seconds == 0)
        s_fail("usage: wirebytes [SECONDS]");
    s_run(SERIES, seconds);
    s_run(SERIES / 5, seconds);
    return 0;
}
