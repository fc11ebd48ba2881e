// column - bytes and time of a sample in sealed tiles: a fleet host's, and this host's own.
//
// usage: column [SECONDS [FILE]]   (60)
// The fleet is fleet.h's, eight hosts of 500 series, in tiles of 128 and of 600 rows. This host's
// numbers are recorded for SECONDS, once a second, by the agent's own sampler; with FILE a
// recording that stands there is taken, and one that is made is put there. Every tile is read
// again and compared. Times are the best pass's.

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/own_series.h"
#include "agent/sampler.h"
#include "collector/store/tile.h"
#include "shared/base/clock.h"
#include "shared/base/xalloc.h"
#include "tests/bench/fleet.h"

#define T0_MS    INT64_C(1700000000000)
#define HOSTS    8
#define PASSES   15
#define AGAIN    4
#define COLUMNS  4096 // of a recording, at most
#define ROWS_MAX TILE_ROWS_MAX
#define NS_PER_S INT64_C(1000000000)

// Cells of one host: as the wire brings them.
struct recording {
    uint32_t rows;
    uint32_t columns;
    int64_t times[ROWS_MAX];
    struct metric_form forms[COLUMNS];
    struct {
        int64_t cells[ROWS_MAX];
        uint64_t raw[COLUMN_WORDS(ROWS_MAX)];
        uint64_t present[COLUMN_WORDS(ROWS_MAX)];
    } at[COLUMNS];
};

struct result {
    uint64_t bytes, samples;
    uint64_t busy_samples; // of columns that change
    int64_t write_ns;      // columns into tiles
    int64_t open_ns;
    int64_t read_ns, busy_read_ns; // columns to doubles
};

static void
s_fail(const char *what)
{
    fprintf(stderr, "column: %s\n", what);
    exit(1);
}

static inline bool
s_has(const uint64_t *map, uint32_t i)
{
    return (map[i / 64] >> i % 64 & 1) != 0;
}

static void
s_compare(const struct recording *rec, const struct tile *t, uint32_t first, uint32_t rows)
{
    struct sample samples[ROWS_MAX];
    int64_t times[ROWS_MAX];
    struct tile_column column;

    if (tile_times(t, times) < 0 || memcmp(times, rec->times + first, rows * sizeof *times) != 0)
        s_fail("times came back wrong");
    for (uint32_t c = 0; c < rec->columns; c++) {
        uint32_t n = 0;
        const int found = tile_find(t, c, &column);
        const int got = found == 1 ? tile_samples(t, &column, times, 0, rows, samples) : 0;

        for (uint32_t i = 0; i < rows; i++) {
            const uint32_t row = first + i;
            double want;

            if (!s_has(rec->at[c].present, row))
                continue;
            want = s_has(rec->at[c].raw, row) ? sample_from_bits((uint64_t) rec->at[c].cells[row])
                                              : metric_value(rec->forms[c], rec->at[c].cells[row]);
            if ((int) n >= got || sample_bits(samples[n].value) != sample_bits(want) ||
                samples[n].time_ms != times[i])
                s_fail("a sample came back wrong");
            n++;
        }
        if ((int) n != got)
            s_fail("samples came back that were not written");
    }
}

// What a column has from row `first` on, as bitmaps of its own.
struct part {
    uint64_t raw[COLUMN_WORDS(ROWS_MAX)];
    uint64_t present[COLUMN_WORDS(ROWS_MAX)];
};

static struct part *
s_parts(const struct recording *rec, uint32_t first, uint32_t rows, uint64_t *samples)
{
    struct part *parts = xcalloc(rec->columns + 1, sizeof *parts);

    for (uint32_t c = 0; c < rec->columns; c++)
        for (uint32_t i = 0; i < rows; i++) {
            const bool present = s_has(rec->at[c].present, first + i);

            parts[c].raw[i / 64] |= (uint64_t) s_has(rec->at[c].raw, first + i) << i % 64;
            parts[c].present[i / 64] |= (uint64_t) present << i % 64;
            *samples += present;
        }
    return parts;
}

static const uint8_t *
s_write(tile_writer_t *w, const struct recording *rec, const struct part *parts, uint32_t first,
        uint32_t rows, size_t *len)
{
    tile_writer_begin(w, 1, 0, rec->times + first, rows);
    for (uint32_t c = 0; c < rec->columns; c++)
        (void) tile_writer_add(w, &(struct tile_cells){
                                      .series = c,
                                      .form = rec->forms[c],
                                      .cells = rec->at[c].cells + first,
                                      .raw = parts[c].raw,
                                      .present = parts[c].present,
                                  });
    return tile_writer_finish(w, len);
}

static int64_t
s_least(int64_t least, int64_t ns)
{
    return least == 0 || ns < least ? ns : least;
}

static void
s_time_reading(struct result *r, const uint8_t *bytes, size_t len)
{
    int64_t open_ns = 0, read_ns = 0, busy_ns = 0;
    uint64_t busy = 0;

    for (int pass = 0; pass < PASSES; pass++) {
        const int64_t opens = clock_mono_ns();
        int64_t slow = 0, quick = 0;
        double values[ROWS_MAX];
        struct tile_column column;
        struct tile_cursor cursor;
        struct tile tile;

        if (tile_open(&tile, bytes, len) < 0)
            s_fail("a tile was refused");
        open_ns = s_least(open_ns, clock_mono_ns() - opens);
        busy = 0;
        tile_cursor_init(&cursor, &tile);
        while (tile_cursor_next(&cursor, &column) == 1) {
            // What hardly changes has little more than a head and a byte or two a block.
            const bool changes = column.len > 16 + column.n / 16;
            const int64_t begin = clock_mono_ns();

            // Several times, so that looking at the clock costs little.
            for (int again = 0; again < AGAIN; again++)
                if (column_take(values, column.at, column.len, column.n, 0, column.n) < 0)
                    s_fail("a column was refused");
            *(changes ? &slow : &quick) += (clock_mono_ns() - begin) / AGAIN;
            busy += changes ? column.n : 0;
        }
        read_ns = s_least(read_ns, slow + quick);
        busy_ns = s_least(busy_ns, slow);
    }
    r->open_ns += open_ns;
    r->read_ns += read_ns;
    r->busy_read_ns += busy_ns;
    r->busy_samples += busy;
}

// All rows of a recording in tiles of `rows`; what is left over is left out.
static void
s_measure(struct result *r, const struct recording *rec, uint32_t rows)
{
    tile_writer_t *w = tile_writer_new();

    for (uint32_t first = 0; first + rows <= rec->rows; first += rows) {
        struct part *parts = s_parts(rec, first, rows, &r->samples);
        const uint8_t *bytes = NULL;
        int64_t write_ns = 0;
        struct tile t;
        size_t len = 0;

        for (int pass = 0; pass < PASSES; pass++) {
            const int64_t begin = clock_mono_ns();

            bytes = s_write(w, rec, parts, first, rows, &len);
            write_ns = s_least(write_ns, clock_mono_ns() - begin);
        }
        if (tile_open(&t, bytes, len) < 0)
            s_fail("a tile was refused");
        s_compare(rec, &t, first, rows);
        r->bytes += len;
        r->write_ns += write_ns;
        s_time_reading(r, bytes, len);
        free(parts);
    }
    tile_writer_destroy(&w);
}

static void
s_say(const char *what, uint32_t rows, const struct result *r)
{
    const double n = (double) r->samples, busy = (double) r->busy_samples;

    printf("%s, %u rows, bytes a sample: %.3f\n", what, rows, (double) r->bytes / n);
    printf("%s, %u rows, written, ns a sample: %.1f\n", what, rows, (double) r->write_ns / n);
    printf("%s, %u rows, opened, read, ns a sample: %.2f, %.2f\n", what, rows,
           (double) r->open_ns / n, (double) r->read_ns / n);
    printf("%s, %u rows, busy columns read, M a second: %.0f\n", what, rows,
           busy > 0 ? busy * 1e3 / (double) r->busy_read_ns : 0);
}

static void
s_fleet(uint32_t rows, uint32_t seconds)
{
    struct recording *rec = xcalloc(1, sizeof *rec);
    struct result result = { 0 };

    for (uint64_t host = 0; host < HOSTS; host++) {
        struct fleet_host h;

        memset(rec, 0, sizeof *rec);
        rec->rows = seconds;
        rec->columns = SERIES;
        fleet_begin(&h, SERIES);
        h.seed += host * UINT64_C(7919);
        for (uint32_t i = 0; i < seconds; i++) {
            fleet_step(&h);
            rec->times[i] = T0_MS + i * INT64_C(1000);
            for (uint32_t c = 0; c < SERIES; c++) {
                rec->at[c].cells[i] = h.m[c];
                rec->at[c].present[i / 64] |= UINT64_C(1) << i % 64;
            }
        }
        for (uint32_t c = 0; c < SERIES; c++)
            rec->forms[c] = (struct metric_form){
                .exponent = fleet_family(c / GROUP) == PERCENT ? 2 : 0,
                .unit = fleet_family(c / GROUP) == PAGES ? 4096 : 1,
            };
        s_measure(&result, rec, rows);
    }
    s_say("fleet", rows, &result);
    free(rec);
}

static void
s_tick(struct recording *rec, sampler_t *sampler, own_series_t *own, series_table_t *table)
{
    const uint32_t row = rec->rows++;
    const struct cell *cells;

    rec->times[row] = clock_real_ms();
    series_table_begin(table);
    sampler_sample(sampler, table);
    own_series_sample(own, table);
    series_table_end(table);
    cells = series_table_cells(table);
    rec->columns = series_table_count(table) < COLUMNS ? series_table_count(table) : COLUMNS;
    for (uint32_t c = 0; c < rec->columns; c++) {
        rec->forms[c] = series_table_def(table, c)->form;
        if (cells[c].state == CELL_ABSENT)
            continue;
        rec->at[c].cells[row] = cells[c].m;
        rec->at[c].present[row / 64] |= UINT64_C(1) << row % 64;
        if (cells[c].state == CELL_RAW)
            rec->at[c].raw[row / 64] |= UINT64_C(1) << row % 64;
    }
}

static void
s_record(struct recording *rec, uint32_t seconds)
{
    const struct family_wishes wishes = { 0 };
    series_table_t *table = series_table_new();
    own_series_t *own;
    struct timespec next;
    sampler_t *sampler;

    own_series_init();
    own = own_series_new();
    if (sampler_open(&sampler, "/", NS_PER_S / 1000000, &wishes) < 0)
        s_fail("/proc can not be opened");
    clock_gettime(CLOCK_MONOTONIC, &next);
    for (uint32_t i = 0; i < seconds; i++) {
        s_tick(rec, sampler, own, table);
        next.tv_sec++;
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
    }
    own_series_destroy(&own);
    series_table_destroy(&table);
    (void) sampler_close(&sampler);
}

static void
s_this_host(uint32_t seconds, const char *path)
{
    struct recording *rec = xcalloc(1, sizeof *rec);
    FILE *f = path != NULL ? fopen(path, "rb") : NULL;

    if (f == NULL || fread(rec, sizeof *rec, 1, f) != 1) {
        s_record(rec, seconds);
        if (f != NULL)
            fclose(f);
        f = path != NULL ? fopen(path, "wb") : NULL;
        if (f != NULL)
            fwrite(rec, sizeof *rec, 1, f);
    }
    if (f != NULL)
        fclose(f);
    for (uint32_t rows = rec->rows; rows > 0; rows = rows > 128 ? 128 : 0) {
        struct result result = { 0 };

        s_measure(&result, rec, rows);
        s_say("this host", rows, &result);
    }
    free(rec);
}

int
main(int argc, char **argv)
{
    const uint32_t seconds = argc > 1 ? (uint32_t) strtoul(argv[1], NULL, 10) : 60;

    if (seconds == 0 || seconds > ROWS_MAX)
        s_fail("usage: column [SECONDS [FILE]], at most 1024 s");
    s_fleet(128, 640);
    s_fleet(600, 600);
    s_this_host(seconds, argc > 2 ? argv[2] : NULL);
    return 0;
}
