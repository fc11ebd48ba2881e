// test_local_events - events that the store was given are on its disk within some seconds, once,
// and until then the journal is needed.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector/store/local_store.h"
#include "shared/base/buf.h"
#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "tests/support/folder.h"
#include "tests/support/small_disk.h"
#include "tests/support/store_names.h"

#define HOST        7u
#define STREAM      9u
#define HEAD        (1u << 20)
#define DAY_MS      INT64_C(86400000)
#define DEADLINE_MS 60000
#define DISK_BYTES  (4u << 20)
#define PAGE_BYTES  4096

static char dir[64];
static local_store_t *local;
static struct local_store_config config;
static char seen[1024]; // by the last start: "1 2 3"

static int
see(void *arg, const struct event_row *event)
{
    struct buf *words = arg;

    buf_printf(words, "%s%d", words->len > 0 ? " " : "", (int) event->seq);
    return event->host == HOST && event->stream == STREAM && event->len == 5 &&
                   memcmp(event->body, "words", 5) == 0
               ? 0
               : -EINVAL;
}

static bool
no_stream(void *arg, uint64_t stream)
{
    (void) arg;
    (void) stream;
    return false;
}

static int
open_store(void)
{
    struct buf words = { 0 };
    int rc = local_store_open(&local, &config);

    if (rc == 0)
        rc = local_store_events(local, see, &words);
    snprintf(seen, sizeof seen, "%s", buf_cstr(&words));
    buf_release(&words);
    return rc == 0 ? local_store_load(local, no_stream, NULL) : rc;
}

static int
start_again(void)
{
    local_store_destroy(&local);
    return open_store();
}

static int
setup(void **state)
{
    (void) state;
    strcpy(dir, "/tmp/zpulse-events-XXXXXX");
    assert_non_null(mkdtemp(dir));
    config = (struct local_store_config){ .most_bytes = HEAD,
                                          .dir = dir,
                                          .events = { .host_rows = 100 } };
    assert_int_equal(open_store(), 0);
    return 0;
}

static int
teardown(void **state)
{
    (void) state;
    local_store_destroy(&local);
    store_names_check(dir);
    return folder_remove(dir);
}

static void
give_at(uint64_t seq, int64_t time_ms, uint64_t segment)
{
    local_store_event(local,
                      &(struct event_row){ .host = HOST,
                                           .stream = STREAM,
                                           .seq = seq,
                                           .time_ms = time_ms,
                                           .body = "words",
                                           .len = 5 },
                      segment);
}

static void
give(uint64_t seq, uint64_t segment)
{
    give_at(seq, clock_real_ms(), segment);
}

// The journal is needed for nothing, at last.
static bool
is_written(void)
{
    const int64_t until_ms = clock_mono_ms() + DEADLINE_MS;

    while (local_store_needs(local, 0) != UINT64_MAX) {
        if (clock_mono_ms() > until_ms)
            return false;
        usleep(10000);
    }
    return true;
}

static void
what_was_given_is_there_after_a_start_in_its_order(void **state)
{
    (void) state;
    assert_string_equal(seen, "");
    give(5, 1);
    give(3, 1);
    local_store_seal(local);
    give(4, 2);
    local_store_seal(local);
    assert_int_equal(start_again(), 0);
    assert_string_equal(seen, "5 3 4");
    give(3, 1); // the journal says it again
    give(6, 2);
    assert_int_equal(start_again(), 0);
    assert_string_equal(seen, "5 3 4 6");
}

static void
the_journal_is_needed_until_an_event_is_written(void **state)
{
    (void) state;
    assert_true(local_store_needs(local, 0) == UINT64_MAX);
    for (uint64_t seq = 1; seq <= 50; seq++) {
        give(seq, 8);
        give(seq + 100, 7);
        // Written or not: no other answer.
        assert_true(local_store_needs(local, 0) >= 7);
    }
    // No tile is, and nobody asks for it.
    assert_true(is_written());
    give(300, 0); // in no segment
    assert_true(local_store_needs(local, 0) == UINT64_MAX);
}

static void
an_event_needs_its_segment_while_its_file_can_not_take_it(void **state)
{
    (void) state;
    local_store_destroy(&local);
    // Until all of before is loaded nothing is written.
    assert_int_equal(local_store_open(&local, &config), 0);
    give(1, 7);
    give(2, 8);
    assert_int_equal(local_store_needs(local, 0), 7);
    local_store_seal(local);
    assert_int_equal(local_store_needs(local, 0), 7);
    assert_int_equal(local_store_load(local, no_stream, NULL), 0);
    assert_true(is_written());
    assert_int_equal(start_again(), 0);
    assert_string_equal(seen, "1 2");
}

static void
an_end_puts_what_waits_on_the_disk(void **state)
{
    (void) state;
    give(1, 1);
    assert_int_equal(start_again(), 0);
    assert_string_equal(seen, "1");
}

static void
events_are_kept_as_long_as_samples(void **state)
{
    const int64_t now_ms = clock_real_ms();

    (void) state;
    give_at(1, now_ms - 3 * DAY_MS, 1);
    give_at(2, now_ms - DAY_MS, 1);
    give_at(3, now_ms, 1);
    assert_int_equal(start_again(), 0);
    assert_string_equal(seen, "1 2 3");
    config.keep_ms = 2 * DAY_MS;
    assert_int_equal(start_again(), 0);
    assert_string_equal(seen, "2 3");
    config.keep_ms = 0; // it is not there any more
    assert_int_equal(start_again(), 0);
    assert_string_equal(seen, "2 3");
}

static void
the_newest_of_a_host_are_kept(void **state)
{
    (void) state;
    config.events.host_rows = 2;
    assert_int_equal(start_again(), 0);
    for (uint64_t seq = 1; seq <= 4; seq++)
        give(seq, 1);
    assert_int_equal(start_again(), 0);
    assert_string_equal(seen, "3 4");
}

static void
harm(const char *path, long at, const char *text)
{
    const int fd = open(path, O_WRONLY | O_CLOEXEC);

    assert_true(fd != -1);
    assert_int_equal(pwrite(fd, text, strlen(text), at), strlen(text));
    close(fd);
}

static void
a_file_that_is_no_database_is_set_aside_and_another_begun(void **state)
{
    struct buf path = { 0 };

    (void) state;
    give(1, 1);
    local_store_destroy(&local);
    buf_printf(&path, "%s/events.db", dir);
    harm(buf_cstr(&path), 0, "no database at all");
    assert_int_equal(open_store(), 0);
    assert_string_equal(seen, "");
    assert_int_equal(store_names_check(dir), 1);
    give(2, 1);
    assert_int_equal(start_again(), 0);
    assert_string_equal(seen, "2");
    assert_int_equal(store_names_check(dir), 1);
    buf_release(&path);
}

// The body of an event in the file, of which it is the only copy.
static long
place_of(const char *path, const char *word, unsigned nth)
{
    static char bytes[1u << 17];
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    const ssize_t n = read(fd, bytes, sizeof bytes);

    close(fd);
    assert_true(n > 0);
    for (char *at = bytes; (at = memmem(at, (size_t) (bytes + n - at), word, strlen(word))) != NULL;
         at++)
        if (nth-- == 0)
            return at - bytes;
    fail_msg("%s has no %s", path, word);
    return 0;
}

static void
what_a_damaged_file_still_has_is_kept(void **state)
{
    struct buf path = { 0 };

    (void) state;
    for (uint64_t seq = 1; seq <= 3; seq++)
        give(seq, 1);
    local_store_destroy(&local);
    buf_printf(&path, "%s/events.db", dir);
    // Rows lie in a page from its end on: the second is the second from there, too.
    harm(buf_cstr(&path), place_of(buf_cstr(&path), "words", 1), "sword");
    assert_int_equal(open_store(), 0);
    assert_string_equal(seen, "1 3");
    assert_int_equal(store_names_check(dir), 1);
    assert_int_equal(start_again(), 0);
    assert_string_equal(seen, "1 3");
    assert_int_equal(store_names_check(dir), 1);
    buf_release(&path);
}

static void
a_file_of_a_newer_version_is_left_and_refused(void **state)
{
    struct buf path = { 0 };

    (void) state;
    local_store_destroy(&local);
    buf_printf(&path, "%s/events.db", dir);
    harm(buf_cstr(&path), 63, "\x07"); // the low byte of the user version
    assert_int_equal(local_store_open(&local, &config), ERR_VERSION);
    assert_null(local);
    assert_int_equal(store_names_check(dir), 0);
    buf_release(&path);
}

#define NOT_HERE 99 // there can be no small file system

// 0, or where it went wrong.
static int
fill_disk(void)
{
    if (!small_disk_enter(dir, DISK_BYTES)) {
        return NOT_HERE;
    }
    if (open_store() < 0)
        return 1;
    give(1, 4);
    local_store_seal(local);
    if (local_store_needs(local, 0) != UINT64_MAX)
        return 2;
    small_disk_fill(dir, false, 0);
    // Room that a file has already is soon used up.
    for (uint64_t seq = 2; seq < 5000 && local_store_needs(local, 0) == UINT64_MAX; seq++) {
        give(seq, 5);
        local_store_seal(local);
    }
    if (local_store_needs(local, 0) != 5)
        return 3;
    give(5000, 6);
    if (local_store_needs(local, 0) != 5 || local_store_health(local) != 0)
        return 4;
    small_disk_free(dir);
    if (!is_written())
        return 5;
    if (start_again() < 0 || strstr(seen, "5000") == NULL)
        return 6;
    local_store_destroy(&local);
    return 0;
}

// Of what fills the disk.
static bool
let_go_of_a_page(void)
{
    char path[256];
    struct stat st;

    snprintf(path, sizeof path, "%s" SMALL_DISK_FILLER, dir);
    return stat(path, &st) == 0 && st.st_size >= PAGE_BYTES &&
           truncate(path, st.st_size - PAGE_BYTES) == 0;
}

// A store that was closed, and its disk filled since: 0, or where it went wrong.
static int
fill_before_start(void)
{
    struct buf words = { 0 };
    int rc;

    if (!small_disk_enter(dir, DISK_BYTES)) {
        return NOT_HERE;
    }
    if (open_store() < 0)
        return 1;
    for (uint64_t seq = 1; seq < 4; seq++)
        give(seq, 4);
    local_store_destroy(&local);
    small_disk_fill(dir, false, 0);
    // Room for the log's index of meta.db, and then for none more.
    while ((rc = local_store_open(&local, &config)) == -ENOSPC)
        if (!let_go_of_a_page())
            return 2;
    if (rc < 0)
        return 3;
    for (unsigned times = 0; times < 3; times++)
        if (local_store_events(local, see, &words) != -ENOSPC)
            return 4;
    small_disk_free(dir);
    if (local_store_events(local, see, &words) != 0 || strcmp(buf_cstr(&words), "1 2 3") != 0)
        return 5;
    if (local_store_load(local, no_stream, NULL) < 0)
        return 6;
    give(4, 5);
    if (start_again() < 0 || strcmp(seen, "1 2 3 4") != 0)
        return 7;
    local_store_destroy(&local);
    buf_release(&words);
    return 0;
}

// In a process of its own, whose disk it fills.
static void
in_a_child(int (*run)(void))
{
    int status = 0;
    pid_t child;

    local_store_destroy(&local);
    child = fork();
    if (child == 0)
        _exit(run());
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == NOT_HERE) {
        print_message("no small file system can be had here\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void
on_a_full_disk_events_wait_and_the_journal_has_them(void **state)
{
    (void) state;
    in_a_child(fill_disk);
}

static void
events_are_loaded_once_the_disk_has_room(void **state)
{
    (void) state;
    in_a_child(fill_before_start);
}

static void
without_a_disk_an_event_is_nothing(void **state)
{
    (void) state;
    local_store_destroy(&local);
    assert_int_equal(local_store_new(&local, HEAD), 0);
    give(1, 7);
    assert_true(local_store_needs(local, 0) == UINT64_MAX);
    local_store_seal(local);
}

int
main(void)
{
#define events_test(claim) cmocka_unit_test_setup_teardown(claim, setup, teardown)
    const struct CMUnitTest tests[] = {
        events_test(what_was_given_is_there_after_a_start_in_its_order),
        events_test(the_journal_is_needed_until_an_event_is_written),
        events_test(an_event_needs_its_segment_while_its_file_can_not_take_it),
        events_test(an_end_puts_what_waits_on_the_disk),
        events_test(events_are_kept_as_long_as_samples),
        events_test(the_newest_of_a_host_are_kept),
        events_test(a_file_that_is_no_database_is_set_aside_and_another_begun),
        events_test(what_a_damaged_file_still_has_is_kept),
        events_test(a_file_of_a_newer_version_is_left_and_refused),
        events_test(on_a_full_disk_events_wait_and_the_journal_has_them),
        events_test(events_are_loaded_once_the_disk_has_room),
        events_test(without_a_disk_an_event_is_nothing),
    };
    return cmocka_run_group_tests_name("local_events", tests, NULL, NULL);
}
