// flow_import_killed - a large import whose ends are killed on the way is whole in the end.

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/support/importing.h"

// `minutes` of four series of each of three instances, minute by minute, as an export has values.
static char *
s_make(stage_t *s, const char *name, unsigned minutes)
{
    char *path = stage_file(s, name, "");
    FILE *f = fopen(path, "w");

    claim(s, f != NULL);
    fputs("time_ms,series,value\n", f);
    for (unsigned t = 0; t < minutes; t++)
        for (unsigned k = 0; k < 12; k++)
            fprintf(f, "%" PRId64 ",\"m_total{instance=\"\"web-%u\"\",k=\"\"%u\"\"}\",%u\n",
                    INT64_C(1400000000000) + t * INT64_C(60000), k % 3, k, t * (k + 1));
    claim(s, fclose(f) == 0);
    return path;
}

static void
s_claim_all_there(stage_t *s, const char *path)
{
    char *want = importing_content(s, path), *got = importing_export(s, "csv", OURS);
    size_t n, m;
    char **a = importing_lines(want, &n), **b = importing_lines(got, &m);

    if (n != m)
        fprintf(stderr, "%zu lines of %zu\n", m, n);
    claim(s, n == m);
    for (size_t i = 0; i < n; i++)
        if (strcmp(a[i], b[i]) != 0)
            importing_claim_same(s, b[i], a[i]);
    free(a);
    free(b);
    free(want);
    free(got);
}

static void
killed_wherever_it_stands_it_goes_on_and_doubles_nothing(void **state)
{
    stage_t *s = *state;
    char *path = s_make(s, "much.csv", 20000);
    process_t *importer;

    importing_collector(s, "one");
    for (unsigned i = 1; i <= 6; i++) {
        importer = importing_import(s, path);
        usleep(i * 30000);
        process_signal(importer, SIGKILL);
        claim(s, process_ended(importer, stage_ms(STAGE_PATIENCE_MS)));
        stage_drop(s, &importer);
    }
    importing_imported(s, path,
                       "240000 samples of 3 instances: 240000 stored, 0 refused, 0 conflicts");
    s_claim_all_there(s, path);
    importing_imported(s, path, "240000 of them were here already");
    free(path);
}

static void
a_collector_that_is_killed_gets_what_it_lacks_when_it_is_back(void **state)
{
    stage_t *s = *state;
    char *path = s_make(s, "much.csv", 20000);
    process_t *collector = importing_collector(s, "one"), *importer = importing_import(s, path);
    char *said;

    for (unsigned i = 1; i <= 4; i++) {
        usleep(i * 40000);
        process_signal(collector, SIGKILL);
        claim(s, process_ended(collector, stage_ms(STAGE_PATIENCE_MS)));
        stage_drop(s, &collector);
        collector = importing_collector(s, "one");
    }
    said = importing_said(s, 0, importer);
    claim(s, strstr(said, ": 240000 stored, 0 refused") != NULL);
    free(said);
    s_claim_all_there(s, path);
    free(path);
}

// Longer than a collector keeps what it needs to read on.
static void
an_importer_that_was_stopped_goes_on(void **state)
{
    stage_t *s = *state;
    char *path = s_make(s, "much.csv", 20000), *said;
    process_t *importer;

    importing_collector(s, "one");
    importer = importing_import(s, path);
    usleep(100000);
    process_signal(importer, SIGSTOP);
    usleep(4500000);
    process_signal(importer, SIGCONT);
    said = importing_said(s, 0, importer);
    claim(s, strstr(said, ": 240000 stored, 0 refused") != NULL);
    free(said);
    s_claim_all_there(s, path);
    free(path);
}

static void
a_large_file_takes_no_more_memory(void **state)
{
    stage_t *s = *state;
    char *path = s_make(s, "large.csv", 84000);
    struct rusage used;

    importing_collector(s, "one");
    importing_imported(s, path, "1008000 stored, 0 refused, 0 conflicts");
    claim(s, getrusage(RUSAGE_CHILDREN, &used) == 0);
#ifndef __SANITIZE_ADDRESS__              // which holds on to what was freed
    claim(s, used.ru_maxrss < 48 * 1024); // KiB; the collector has not ended yet
#endif
    free(path);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        // The first: it looks at the most that any program took that has ended.
        stage_test(a_large_file_takes_no_more_memory),
        stage_test(killed_wherever_it_stands_it_goes_on_and_doubles_nothing),
        stage_test(a_collector_that_is_killed_gets_what_it_lacks_when_it_is_back),
        stage_test(an_importer_that_was_stopped_goes_on),
    };

    return cmocka_run_group_tests_name("flow_import_killed", tests, NULL, NULL);
}
