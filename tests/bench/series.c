// series - the index of labels at a million series: what a new one costs, and how they are found.
//
// usage: series [HOSTS [EACH]]   (10,000 hosts, 100 series each)
// Labels as the fleet's: __name__ of ten, n, instance. Each question is asked some times; the
// middle one is told.
// Out:    lines of "name: value".

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "collector/store/label_index.h"
#include "shared/base/clock.h"
#include "tests/bench/parts/fleet_stream.h"

#define NAMES     10u
#define TIMES     9
#define INDEX_MAX (UINT64_C(8) << 30)
#define FIRST     1000u // of the hosts

static void
s_add(label_index_t *index, unsigned host, unsigned i)
{
    char name[32], n[32], instance[32];
    struct label labels[] = { { LABEL_METRIC, name }, { "n", n }, { "instance", instance } };
    struct label_set set;
    series_id id;

    (void) snprintf(name, sizeof name, "fleet_%u", i % NAMES);
    (void) snprintf(n, sizeof n, "%u", i / NAMES);
    (void) snprintf(instance, sizeof instance, "fleet-%u", host);
    if (label_set_init(&set, labels, 3) < 0 ||
        label_index_add(index, FIRST + host, &set, METRIC_GAUGE, &id) < 0)
        bench_fail("a series can not be made");
    label_set_release(&set);
}

static double
s_fill(label_index_t *index, unsigned hosts, unsigned each)
{
    const int64_t begin = clock_mono_ns();

    for (unsigned host = 0; host < hosts; host++)
        for (unsigned i = 0; i < each; i++)
            s_add(index, host, i);
    return (double) (clock_mono_ns() - begin) / ((double) hosts * each);
}

static int
s_by_value(const void *a, const void *b)
{
    const double x = *(const double *) a, y = *(const double *) b;

    return (x > y) - (x < y);
}

static void
s_select(label_index_t *index, const char *what, const char *selector)
{
    char error[MATCHERS_ERROR_SIZE];
    double ms[TIMES];
    uint32_t n = 0;

    for (int i = 0; i < TIMES; i++) {
        const int64_t begin = clock_mono_ns();
        matchers_t *matchers;
        series_id *ids;

        if (matchers_parse(&matchers, selector, error) < 0)
            bench_fail(error);
        n = label_index_select(index, 0, &matchers, 1, &ids);
        ms[i] = (double) (clock_mono_ns() - begin) / 1e6;
        free(ids);
        matchers_destroy(&matchers);
    }
    qsort(ms, TIMES, sizeof *ms, s_by_value);
    printf("%s, %" PRIu32 " found, ms: %.3f\n", what, n, ms[TIMES / 2]);
}

int
main(int argc, char **argv)
{
    const unsigned hosts = argc > 1 ? (unsigned) strtoul(argv[1], NULL, 10) : 10000;
    const unsigned each = argc > 2 ? (unsigned) strtoul(argv[2], NULL, 10) : 100;
    label_index_t *index = label_index_new(INDEX_MAX);
    const uint64_t resident = bench_memory(getpid(), "VmRSS");
    const double n = (double) hosts * each;

    printf("a new one of %.0f, ns: %.0f\n", n, s_fill(index, hosts, each));
    printf("resident bytes a series: %.0f\n",
           (double) (bench_memory(getpid(), "VmRSS") - resident) / n);
    printf("bytes a series, as it counts itself: %.0f\n",
           (double) label_index_stat(index).bytes / n);
    printf("one that is there, ns: %.0f\n", s_fill(index, hosts, each));
    s_select(index, "a name and an instance", "fleet_3{instance=\"fleet-77\"}");
    s_select(index, "all labels", "fleet_3{n=\"5\",instance=\"fleet-77\"}");
    s_select(index, "a name and a label, all hosts", "fleet_3{n=\"5\"}");
    s_select(index, "a regular expression of instances",
             "fleet_3{n=\"5\",instance=~\"fleet-7.*\"}");
    s_select(index, "one of two labels", "fleet_3{n=~\"1|5\"}");
    s_select(index, "all but, a regular expression", "fleet_3{n=\"5\",instance!~\".*7\"}");
    label_index_destroy(&index);
    return 0;
}
