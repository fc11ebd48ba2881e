// flow_command_lines - what stands on the command line of a process leaves no host: people put
// passwords there.
//
// Order of a test: processes with a secret in their words run, an agent with all its families and
// an application of its own samples beside them, everything is asked for, and the secret is in no
// file of any program.

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/buf.h"
#include "shared/base/file.h"
#include "tests/support/books.h"

#define DEMO      "../tests/support/demo_app"
#define SECRET    "hunter2-f3a1c07e"
#define WORD      "--password=" SECRET
#define COLOR     "chartreuse" // on a command line as well, and said by the application itself
#define SAMPLES   2000         // several of each family

#define FILE_MOST ((size_t) 256 * 1024 * 1024)

// What is looked for, and the files that have it. nftw has no argument for these.
static const char *s_sought;
static struct buf s_found;
static unsigned s_files;

// In name or content. One that is gone meanwhile is passed over.
static int
s_look(const char *path, const struct stat *st, int kind, struct FTW *walk)
{
    struct buf bytes = { 0 };
    bool has = strstr(path, s_sought) != NULL;

    (void) walk;
    if (kind == FTW_F && S_ISREG(st->st_mode) &&
        file_read(&bytes, AT_FDCWD, path, FILE_MOST) >= 0) {
        has = has ||
              (bytes.len > 0 && memmem(bytes.at, bytes.len, s_sought, strlen(s_sought)) != NULL);
        s_files++;
    } else if (kind == FTW_F && S_ISREG(st->st_mode) && access(path, F_OK) == 0) {
        return -1;
    }
    buf_release(&bytes);
    if (has)
        buf_printf(&s_found, " %s", path);
    return 0;
}

// The files below it that have these words, "" for none.
static const char *
s_who_has(stage_t *s, const char *dir, const char *words)
{
    s_sought = words;
    s_files = 0;
    buf_clear(&s_found);
    claim(s, nftw(dir, s_look, 16, FTW_PHYS) == 0 && s_files > 0);
    return buf_cstr(&s_found);
}

static bool
s_is_on_its_command_line(process_t *p)
{
    struct buf line = { 0 };
    char path[64];
    bool is;

    snprintf(path, sizeof path, "/proc/%d/cmdline", (int) process_pid(p));
    is = file_read(&line, AT_FDCWD, path, 4096) > 0 &&
         memmem(line.at, line.len, WORD, strlen(WORD)) != NULL;
    buf_release(&line);
    return is;
}

// `zpulse COMMAND...`, ended well; what it printed is in a file of the stage.
static process_t *
s_ask(stage_t *s, const char *command, const char *a, const char *b)
{
    process_t *run = stage_run(s, "zpulse", command, "--collector", stage_endpoint(s),
                               "--log-level=debug", a, b, NULL);

    claim(s, process_ended(run, stage_ms(STAGE_PATIENCE_MS)) && process_code(run) == 0);
    return run;
}

static bool
s_has_the_application(stage_t *s, void *arg)
{
    process_t *run = s_ask(s, "export", "{job=\"app\"}", NULL);
    const bool has = strstr(process_out(run), COLOR) != NULL;

    (void) arg;
    stage_drop(s, &run);
    return has;
}

static void
a_secret_on_a_command_line_is_in_nothing_that_leaves_the_host(void **state)
{
    const char *const words[] = {
        "/bin/sh", "-c", "while :; do sleep 1; done", "backup", WORD, NULL
    };
    struct books_acked acked = { "web-1", SAMPLES };
    struct stage_host up = { "web-1", "up" };
    stage_t *s = *state;
    char pull[64], bind[80], dir[300];
    process_t *other, *app, *run;

    snprintf(pull, sizeof pull, "tcp://127.0.0.1:%u", stage_spare_port(s, 0));
    snprintf(bind, sizeof bind, "--app-pull=@%s", pull);
    other = process_start(stage_dir(s), "other", words);
    app = stage_run(s, DEMO, "--push", "--color", COLOR, "--interval", "0.2", "--endpoint", pull,
                    "--", WORD, NULL);
    stage_collector(s, "--log-level=debug", NULL);
    stage_dashboard(s, "--log-level=debug", NULL);
    stage_agent(s, "web-1", "--family=all=1s", bind, "--log-level=debug", NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_host_is, &up));
    claim(s, stage_until(s, 2 * STAGE_PATIENCE_MS, s_has_the_application, NULL));
    claim(s, stage_until(s, 2 * STAGE_PATIENCE_MS, books_are_acked, &acked));
    claim(s, s_is_on_its_command_line(other) && s_is_on_its_command_line(app));

    // What can be asked for; the family that counts processes has seen both.
    run = s_ask(s, "export", NULL, NULL);
    claim(s, strstr(process_out(run), "node_processes_pids{") != NULL);
    (void) s_ask(s, "hosts", "-ojson", NULL);
    (void) s_ask(s, "ledger", "web-1", "-ojson");
    // All that was said, and all that is stored. What should be found there is.
    snprintf(dir, sizeof dir, "%s/collector", stage_dir(s));
    claim(s, s_who_has(s, dir, COLOR)[0] != '\0');
    claim(s, s_who_has(s, stage_dir(s), "level=debug")[0] != '\0');
    if (s_who_has(s, stage_dir(s), SECRET)[0] != '\0')
        fail_msg("the secret is in%s", buf_cstr(&s_found));
    buf_release(&s_found);
    process_destroy(&other);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(a_secret_on_a_command_line_is_in_nothing_that_leaves_the_host),
    };

    return cmocka_run_group_tests_name("flow_command_lines", tests, NULL, NULL);
}
