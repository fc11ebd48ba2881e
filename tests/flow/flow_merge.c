// flow_merge - days that are merged are exported as they were.

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/buf.h"
#include "tests/support/importing.h"

#define SERIES 12
#define ROWS   200
#define T0     INT64_C(1600000000000) // 2020-09-13T12:26:40
#define DAY_MS INT64_C(86400000)
#define FILE_0 "raw-0-20200913.db"
#define TRIES  20 // of a start and a stop, until all is in files

static bool
s_has_file(const stage_t *s)
{
    char path[600];

    snprintf(path, sizeof path, "%s/one/store/" FILE_0, stage_dir(s));
    return access(path, F_OK) == 0;
}

static void
s_end(stage_t *s, process_t *p)
{
    process_signal(p, SIGTERM);
    claim(s, process_ended(p, stage_ms(STAGE_PATIENCE_MS)) && process_code(p) == 0);
    stage_drop(s, &p);
}

static process_t *
s_start(stage_t *s, const char *merge)
{
    char dir[512];

    snprintf(dir, sizeof dir, "%s/one", stage_dir(s));
    return stage_collector(s, "--data", dir, "--keep", "0", "--merge", merge, NULL);
}

// Series after series, of two days: so each tile of theirs is narrow.
static char *
s_old_days(stage_t *s)
{
    struct buf text = { 0 };
    char *path;

    buf_str(&text, "time_ms,series,value\n");
    for (int day = 0; day < 2; day++)
        for (int n = 0; n < SERIES; n++)
            for (int i = 0; i < ROWS; i++)
                buf_printf(&text, "%lld,\"a{instance=\"\"web-7\"\",n=\"\"%d\"\"}\",%d.%d\n",
                           (long long) (T0 + day * DAY_MS + i * 10000), n, i % 7, n);
    path = stage_file(s, "days.csv", buf_cstr(&text));
    buf_release(&text);
    return path;
}

static void
a_merged_day_is_exported_as_it_was(void **state)
{
    stage_t *s = *state;
    char *path = s_old_days(s), *was, *is, *said;
    char data[512];
    process_t *p = s_start(s, "0");

    snprintf(data, sizeof data, "%s/one", stage_dir(s));
    importing_imported(s, path, "0 refused, 0 conflicts");
    was = importing_export(s, "csv", OURS);
    s_end(s, p);
    // At an end the rest may stay in the journal, where the machine is busy.
    for (int i = 0; i < TRIES && !s_has_file(s); i++)
        s_end(s, s_start(s, "0"));
    claim(s, s_has_file(s));
    p = s_start(s, "1s");
    claim(s, stage_until(s, 4 * STAGE_PATIENCE_MS, stage_has_said,
                         &(struct stage_said){ p, "a day of the store was merged" }));
    is = importing_export(s, "csv", OURS);
    importing_claim_same(s, is, was);
    free(is);
    s_end(s, p);
    said = importing_said(s, 0, stage_run(s, "zpulse", "doctor", "--data", data, NULL));
    claim(s, strstr(said, "sound, merged") != NULL);
    free(said);
    p = s_start(s, "0");
    is = importing_export(s, "csv", OURS);
    importing_claim_same(s, is, was);
    free(is);
    free(was);
    free(path);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(a_merged_day_is_exported_as_it_was),
    };
    return cmocka_run_group_tests_name("flow_merge", tests, NULL, NULL);
}
