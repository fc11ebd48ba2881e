// test_db_golden - a store's files that were written once are read for ever.
//
// tests/data/store has a folder for each version of the databases: meta.db and a block file, packed
// with gzip since pages are mostly empty, and what they say in words. SQLite may come to lay pages
// out otherwise, so that bytes of today are not compared.
//
// Version 1 of meta.db had a row for each series, version 2 has runs of them. In db-1 and db-2
// block files are of version 1, whose marks have no totals.
//
// In db-merged the block file was merged.
//
// usage: test_db_golden [--write]
// With --write it adds the files that are missing; it replaces none.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "collector/store/block_files.h"
#include "collector/store/event_db.h"
#include "collector/store/meta_db.h"
#include "shared/base/file.h"
#include "tests/support/folder.h"
#include "tests/unit/collector/golden_tile.h"
#include "tests/unit/collector/merge_bed.h"

#define NEWEST    "tests/data/store/db-3"
#define MERGED    "tests/data/store/db-merged"
#define WORDS     "/says.txt"
#define FILE_MAX  (1u << 20)
#define EVENTS    "events.db"
#define NEXT_TILE 9
#define NEXT_ID   5

static const char *const s_folders[] = { "tests/data/store/db-1", "tests/data/store/db-2", NEWEST,
                                         MERGED };
static const char *const s_files[] = { "meta.db", "raw-0-20231114.db", EVENTS };

// The folder under test, unpacked.
struct bed {
    char dir[64];
};

static void
bed_path(const struct bed *bed, char ret[160], const char *name)
{
    (void) snprintf(ret, 160, "%s/%s", bed->dir, name);
}

static void
told(void *arg, const char *name, const char *reason)
{
    (void) arg;
    fail_msg("%s was set aside: %s", name, reason);
}

static int
set_up(void **state)
{
    struct bed *bed = calloc(1, sizeof *bed);

    snprintf(bed->dir, sizeof bed->dir, "/tmp/zpulse-golden-XXXXXX");
    assert_non_null(mkdtemp(bed->dir));
    *state = bed;
    return 0;
}

static int
tear_down(void **state)
{
    struct bed *bed = *state;
    const int rc = folder_remove(bed->dir);

    free(bed);
    return rc;
}

static void
unpack(const struct bed *bed, const char *folder)
{
    static uint8_t bytes[FILE_MAX];

    for (size_t i = 0; i < N_OF(s_files); i++) {
        char path[160];
        gzFile packed;
        int n;

        snprintf(path, sizeof path, "%s/%s.gz", folder, s_files[i]);
        packed = gzopen(path, "rb");
        if (packed == NULL && strcmp(s_files[i], EVENTS) == 0) // younger than the others
            continue;
        assert_non_null(packed);
        n = gzread(packed, bytes, sizeof bytes);
        assert_true(n > 0 && n < (int) sizeof bytes);
        assert_int_equal(gzclose(packed), Z_OK);
        bed_path(bed, path, s_files[i]);
        assert_int_equal(file_write_atomic(path, bytes, (size_t) n, 0600), 0);
    }
}

// --- what stands in it, in words

static int
tell_series(void *arg, const struct meta_series *s)
{
    struct buf *out = arg;

    buf_printf(out, "series %u host %016" PRIx64 " %s ", s->id, s->host, metric_kind_str(s->kind));
    label_set_text(out, s->labels);
    buf_byte(out, '\n');
    return 0;
}

static int
tell_mark(void *arg, const struct block_name *name, const struct block_mark *mark)
{
    char text[BLOCK_NAME_SIZE];

    block_name_text(text, name);
    buf_printf(arg, "%s mark %016" PRIx64 " %" PRIu64, text, mark->stream, mark->seq);
    if (mark->total > 0)
        buf_printf(arg, " total %" PRIu64, mark->total);
    buf_byte(arg, '\n');
    return 0;
}

static int
tell_block(void *arg, const struct block_tile *t)
{
    buf_printf(arg,
               "tile %" PRIu64 " host %016" PRIx64 " from %" PRId64 " to %" PRId64
               " rows %u series %u samples %" PRIu64 "\n",
               t->number, t->host, t->first_ms, t->last_ms, t->rows, t->series, t->samples);
    tell_tile(arg, t->bytes, t->len);
    return 0;
}

static void
tell_meta(struct buf *out, const struct bed *bed)
{
    char path[160], why[200];
    meta_db_t *meta = NULL;

    bed_path(bed, path, "meta.db");
    assert_int_equal(meta_db_open(&meta, path), 0);
    assert_int_equal(meta_db_check(meta, why, sizeof why), 0);
    for (enum meta_number which = 0; which < META_NUMBERS; which++) {
        uint64_t value;

        assert_int_equal(meta_db_number(meta, which, &value), 0);
        buf_printf(out, "number %u is %" PRIu64 "\n", which, value);
    }
    assert_int_equal(meta_db_series(meta, tell_series, out), 0);
    meta_db_close(&meta);
}

static int
tell_event(void *arg, const struct event_row *e)
{
    buf_printf(arg,
               "event of host %016" PRIx64 " stream %016" PRIx64 " seq %" PRIu64 " at %" PRId64
               ": %.*s\n",
               e->host, e->stream, e->seq, e->time_ms, (int) e->len, (const char *) e->body);
    return 0;
}

static void
tell_events(struct buf *out, const struct bed *bed)
{
    event_db_t *events = NULL;
    char path[160], why[200];

    bed_path(bed, path, EVENTS);
    if (access(path, F_OK) != 0)
        return;
    assert_int_equal(event_db_open(&events, path, &(struct event_limits){ 0 }), 0);
    assert_int_equal(event_db_check(events, why, sizeof why), 0);
    assert_int_equal(event_db_each(events, tell_event, out), 0);
    event_db_close(&events);
}

static void
tell_all(struct buf *out, const struct bed *bed)
{
    const struct block_files_config config = { .dir = bed->dir, .told_fn = told };
    block_files_t *files = NULL;
    block_reader_t *reader;

    tell_meta(out, bed);
    assert_int_equal(block_files_open(&files, &config), 0);
    reader = block_reader_new(files);
    assert_int_equal(block_reader_marks(reader, tell_mark, out), 0);
    assert_int_equal(block_reader_tiles(reader, 0, INT64_MIN, INT64_MAX, tell_block, out), 0);
    block_reader_destroy(&reader);
    block_files_close(&files);
    tell_events(out, bed);
}

// --- how it is made

static void
make_meta(const struct bed *bed)
{
    static const char *const names[] = { "cpu_ratio", "load1", "boots", "build_info" };
    static const enum metric_kind kinds[] = { METRIC_GAUGE, METRIC_UNTYPED, METRIC_COUNTER,
                                              METRIC_INFO };
    const struct meta_value value = { META_NEXT_TILE, NEXT_TILE };
    struct meta_series series[N_OF(names)];
    struct label_set sets[N_OF(names)];
    meta_db_t *meta = NULL;
    char path[160];

    for (size_t i = 0; i < N_OF(names); i++) {
        const struct label labels[] = { { LABEL_METRIC, names[i] },
                                        { "instance", "golden-1" },
                                        { "job", "node" } };

        assert_int_equal(label_set_init(&sets[i], labels, N_OF(labels)), 0);
        series[i] = (struct meta_series){
            .id = (series_id) i + 1, .host = GOLDEN_HOST, .kind = kinds[i], .labels = &sets[i]
        };
    }
    bed_path(bed, path, "meta.db");
    assert_int_equal(meta_db_open(&meta, path), 0);
    assert_int_equal(meta_db_write(meta, &(struct meta_batch){ series, N_OF(series), &value, 1 }),
                     0);
    assert_int_equal(meta_db_checkpoint(meta, true), 0);
    meta_db_close(&meta);
    for (size_t i = 0; i < N_OF(names); i++)
        label_set_release(&sets[i]);
}

// The rows of three series, and later a sparse one of the fourth.
static void
make_tile(struct buf *bytes, unsigned which, struct block_tile *ret)
{
    const int64_t times[] = { GOLDEN_T0 + which, GOLDEN_T0 + 1000, GOLDEN_T0 + 2000 };
    const int64_t moves[] = { 1250, 1275, 1250 }, rises[] = { 1, 1, 2 };
    const double load[] = { 0.1, 1e300, sample_from_bits(SAMPLE_STALE_BITS) };
    const uint32_t rows = which == 0 ? 3 : 1;
    const uint64_t all = (UINT64_C(1) << rows) - 1;
    tile_writer_t *w = tile_writer_new();
    const uint8_t *at;
    size_t len;

    tile_writer_begin(w, GOLDEN_HOST, 0, times, rows);
    if (which == 0) {
        tile_writer_add(w, &(struct tile_cells){ 1, { 2, 1 }, moves, NULL, NULL });
        tile_writer_add_doubles(w, 2, load, &all);
        tile_writer_add(w, &(struct tile_cells){ 3, { 0, 1 }, rises, NULL, NULL });
    } else {
        tile_writer_add(w, &(struct tile_cells){ 4, { 0, 1 }, rises, NULL, NULL });
    }
    at = tile_writer_finish(w, &len);
    buf_clear(bytes);
    buf_bytes(bytes, at, len);
    tile_writer_destroy(&w);
    *ret = (struct block_tile){ .number = which == 0 ? 5 : 7,
                                .host = GOLDEN_HOST,
                                .first_ms = times[0],
                                .last_ms = times[rows - 1],
                                .rows = rows,
                                .series = which == 0 ? 3 : 1,
                                .samples = which == 0 ? 9 : 1,
                                .bytes = bytes->at,
                                .len = bytes->len };
}

static void
make_blocks(const struct bed *bed, bool merged)
{
    const struct block_files_config config = { .dir = bed->dir, .told_fn = told };
    const struct block_mark marks[] = { { UINT64_C(0xfedcba9876543210), 1 << 20, 1 << 30 },
                                        { .stream = 42, .seq = 7 } };
    struct buf bytes[2] = { { 0 }, { 0 } };
    bool written[2] = { false, false };
    struct block_tile tiles[2];
    block_files_t *files = NULL;

    for (unsigned i = 0; i < 2; i++) {
        make_tile(&bytes[i], i, &tiles[i]);
        if (merged) // numbers as those of open tiles are
            tiles[i].number *= BLOCK_MERGED_BELOW;
    }
    assert_int_equal(block_files_open(&files, &config), 0);
    assert_int_equal(block_files_write(files, 0, tiles, 2, marks, 2, written), 0);
    if (merged)
        assert_int_equal(merge_all(files, MERGE_OLD_MS, UINT64_MAX).merged, 1);
    block_files_close(&files);
    for (unsigned i = 0; i < 2; i++)
        buf_release(&bytes[i]);
}

static void
make_events(const struct bed *bed)
{
    static const struct event_row rows[] = {
        { GOLDEN_HOST, 1, 7, INT64_C(1700000000500), "up", 2 },
        { UINT64_C(0xfedcba9876543210), UINT64_MAX, 0, -1, "\xc3\xa4lter", 6 },
        { GOLDEN_HOST, 1, 3, INT64_C(1700000001000), "down again", 10 },
    };
    event_db_t *events = NULL;
    char path[160];

    bed_path(bed, path, EVENTS);
    assert_int_equal(event_db_open(&events, path, &(struct event_limits){ 0 }), 0);
    assert_int_equal(event_db_put(events, rows, N_OF(rows)), 0);
    event_db_close(&events);
}

// --- claims

static void
the_golden_store_says_what_it_said(void **state)
{
    for (size_t i = 0; i < N_OF(s_folders); i++) {
        struct buf words = { 0 }, should_say = { 0 };
        char path[160];

        unpack(*state, s_folders[i]);
        (void) snprintf(path, sizeof path, "%s" WORDS, s_folders[i]);
        assert_true(file_read(&should_say, AT_FDCWD, path, FILE_MAX) > 0);
        tell_all(&words, *state);
        assert_string_equal(buf_cstr(&words), buf_cstr(&should_say));
        buf_release(&words);
        buf_release(&should_say);
    }
}

static void
what_is_made_today_says_the_same(void **state)
{
    struct buf words = { 0 }, should_say = { 0 };

    make_meta(*state);
    make_blocks(*state, false);
    make_events(*state);
    assert_true(file_read(&should_say, AT_FDCWD, NEWEST WORDS, FILE_MAX) > 0);
    tell_all(&words, *state);
    assert_string_equal(buf_cstr(&words), buf_cstr(&should_say));
    buf_release(&words);
    buf_release(&should_say);
}

// A tile, its mark, and a series.
static void
write_more(const struct bed *bed)
{
    const struct block_files_config config = { .dir = bed->dir, .told_fn = told };
    const struct label label = { LABEL_METRIC, "later" };
    const struct block_mark mark = { 42, 8, 20 };
    struct label_set labels;
    const struct meta_series series = { NEXT_ID, GOLDEN_HOST, METRIC_GAUGE, &labels };
    struct buf bytes = { 0 };
    block_files_t *files = NULL;
    meta_db_t *meta = NULL;
    struct block_tile tile;
    bool written = false;
    char path[160];

    bed_path(bed, path, "meta.db");
    assert_int_equal(label_set_init(&labels, &label, 1), 0);
    assert_int_equal(meta_db_open(&meta, path), 0);
    assert_int_equal(meta_db_write(meta, &(struct meta_batch){ .series = &series, .n_series = 1 }),
                     0);
    meta_db_close(&meta);
    label_set_release(&labels);
    make_tile(&bytes, 1, &tile);
    tile.number = NEXT_TILE * BLOCK_MERGED_BELOW;
    assert_int_equal(block_files_open(&files, &config), 0);
    assert_int_equal(block_files_write(files, 0, &tile, 1, &mark, 1, &written), 0);
    block_files_close(&files);
    buf_release(&bytes);
}

static void
the_golden_store_takes_more(void **state)
{
    for (size_t i = 0; i < N_OF(s_folders); i++) {
        struct buf words = { 0 };

        unpack(*state, s_folders[i]);
        write_more(*state);
        tell_all(&words, *state);
        assert_non_null(strstr(buf_cstr(&words), "mark 000000000000002a 8 total 20\n"));
        assert_non_null(
            strstr(buf_cstr(&words), strcmp(s_folders[i], MERGED) == 0 ? "tile 1 " : "tile 5 "));
        assert_non_null(strstr(buf_cstr(&words), "tile 9437184 "));
        assert_non_null(strstr(buf_cstr(&words), "series 4 "));
        assert_non_null(strstr(buf_cstr(&words), " gauge later\n"));
        buf_release(&words);
    }
}

// --- --write

static void
pack(const struct bed *bed, const char *folder, const char *name)
{
    struct buf bytes = { 0 };
    char from[160], to[160];
    gzFile packed;

    (void) snprintf(to, sizeof to, "%s/%s.gz", folder, name);
    if (access(to, F_OK) == 0)
        return;
    bed_path(bed, from, name);
    assert_true(file_read(&bytes, AT_FDCWD, from, FILE_MAX) > 0);
    packed = gzopen(to, "wb9");
    assert_non_null(packed);
    assert_int_equal(gzwrite(packed, bytes.at, (unsigned) bytes.len), (int) bytes.len);
    assert_int_equal(gzclose(packed), Z_OK);
    buf_release(&bytes);
    printf("%s\n", to);
}

static void
write_missing(void **state)
{
    const struct bed *bed = *state;

    for (unsigned merged = 0; merged < 2; merged++) {
        const char *folder = merged ? MERGED : NEWEST;
        struct buf words = { 0 };
        char path[160];

        make_meta(bed);
        make_blocks(bed, merged);
        make_events(bed);
        assert_int_equal(file_make_dirs(folder), 0);
        for (size_t i = 0; i < N_OF(s_files); i++)
            pack(bed, folder, s_files[i]);
        tell_all(&words, bed);
        (void) snprintf(path, sizeof path, "%s" WORDS, folder);
        if (access(path, F_OK) != 0)
            assert_int_equal(file_write_atomic(path, words.at, words.len, 0644), 0);
        buf_release(&words);
        assert_int_equal(folder_remove(bed->dir), 0);
        assert_int_equal(mkdir(bed->dir, 0700), 0);
    }
}

#define claim_test(claim) cmocka_unit_test_setup_teardown(claim, set_up, tear_down)

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        claim_test(the_golden_store_says_what_it_said),
        claim_test(what_is_made_today_says_the_same),
        claim_test(the_golden_store_takes_more),
    };
    const struct CMUnitTest writes[] = { claim_test(write_missing) };

    if (argc > 1 && strcmp(argv[1], "--write") == 0)
        return cmocka_run_group_tests_name("db_golden --write", writes, NULL, NULL);
    return cmocka_run_group_tests_name("db_golden", tests, NULL, NULL);
}
