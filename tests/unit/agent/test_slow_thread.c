// test_slow_thread - paths that answer, fail, hang, and answer again.
//
// A point "/hang..." does not answer before the gate is opened. Conditions are waited for with a
// deadline; nothing here depends on how long something takes.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent/proc/slow_thread.h"
#include "shared/base/buf.h"
#include "shared/base/clock.h"
#include "shared/base/log.h"

#define STUCK_MS    200
#define DEADLINE_MS 20000

// Whether those that hang may go on, and how many there are.
static struct gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool open;
    int inside;
    int asked; // ever, of those that may hang
} gate = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static int
ask(int root_fd, const char *point, union slow_value *ret)
{
    (void) root_fd;
    pthread_mutex_lock(&gate.lock);
    if (strncmp(point, "/hang", 5) == 0) {
        gate.asked++;
        gate.inside++;
        pthread_cond_broadcast(&gate.changed);
        while (!gate.open)
            pthread_cond_wait(&gate.changed, &gate.lock);
        gate.inside--;
        pthread_cond_broadcast(&gate.changed);
    }
    pthread_mutex_unlock(&gate.lock);
    ret->number = (int64_t) strlen(point);
    return strncmp(point, "/bad", 4) == 0 ? -EIO : 0;
}

static void
set_gate(bool open)
{
    pthread_mutex_lock(&gate.lock);
    gate.open = open;
    pthread_cond_broadcast(&gate.changed);
    pthread_mutex_unlock(&gate.lock);
}

// Until n hang in `ask`.
static void
wait_inside(int n)
{
    struct timespec until;
    int rc = 0;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += DEADLINE_MS / 1000;
    pthread_mutex_lock(&gate.lock);
    while (gate.inside != n && rc == 0)
        rc = pthread_cond_timedwait(&gate.changed, &gate.lock, &until);
    pthread_mutex_unlock(&gate.lock);
    assert_int_equal(rc, 0);
}

static int
setup(void **state)
{
    (void) state;
    log_init("test", LOG_LEVEL_ERROR);
    set_gate(false);
    gate.asked = 0;
    return 0;
}

static slow_thread_t *
start(int64_t stuck_ms)
{
    return slow_thread_new(&(const struct slow_options){
        .root_fd = AT_FDCWD, .ask = ask, .stuck_ms = stuck_ms, .every_ms = DEADLINE_MS });
}

#define ASK(thread, delay_ms, ...)                                                       \
    slow_thread_ask((thread), (const char *const[]){ __VA_ARGS__ },                      \
                    sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *), \
                    (delay_ms))

static enum slow_state
state_of(const slow_thread_t *thread, const char *point)
{
    return slow_thread_answer(thread, point).state;
}

// Collects until `point` is in this state.
static void
wait_state(slow_thread_t *thread, const char *point, enum slow_state wanted)
{
    const int64_t until = clock_mono_ms() + DEADLINE_MS;

    while (slow_thread_collect(thread), state_of(thread, point) != wanted) {
        if (clock_mono_ms() > until)
            fail_msg("%s is in state %d, not %d", point, state_of(thread, point), wanted);
        nanosleep(&(const struct timespec){ .tv_nsec = 1000000 }, NULL);
    }
}

static void
what_is_asked_is_answered(void **state)
{
    slow_thread_t *thread = start(DEADLINE_MS);

    (void) state;
    assert_int_equal(state_of(thread, "/a"), SLOW_UNKNOWN);
    ASK(thread, 0, "/a", "/bad", "/ccc");
    assert_true(slow_thread_wait(thread, DEADLINE_MS));
    assert_int_equal(state_of(thread, "/a"), SLOW_OK);
    assert_int_equal(slow_thread_answer(thread, "/ccc").value.number, 4);
    assert_int_equal(state_of(thread, "/bad"), SLOW_ERROR);
    assert_int_equal(slow_thread_answer(thread, "/bad").error, -EIO);
    assert_int_equal(state_of(thread, "/never"), SLOW_UNKNOWN);
    assert_false(slow_thread_hangs(thread));
    slow_thread_destroy(&thread);
    assert_null(thread);
}

static void
a_thread_that_was_never_asked_ends(void **state)
{
    slow_thread_t *thread = start(STUCK_MS);

    (void) state;
    assert_false(slow_thread_hangs(thread));
    slow_thread_destroy(&thread);
    slow_thread_destroy(&thread);
}

static void
a_round_waits_for_its_time_and_is_replaced_meanwhile(void **state)
{
    slow_thread_t *thread = start(DEADLINE_MS);

    (void) state;
    ASK(thread, 3600000, "/a");
    assert_false(slow_thread_wait(thread, 20));
    assert_int_equal(state_of(thread, "/a"), SLOW_UNKNOWN);
    ASK(thread, 5, "/b");
    assert_true(slow_thread_wait(thread, DEADLINE_MS));
    assert_int_equal(state_of(thread, "/a"), SLOW_UNKNOWN);
    assert_int_equal(state_of(thread, "/b"), SLOW_OK);
    // One that waits for an hour keeps nobody from ending.
    ASK(thread, 3600000, "/a");
    slow_thread_destroy(&thread);
}

static void
one_that_hangs_is_stuck_and_the_others_go_on(void **state)
{
    slow_thread_t *thread = start(STUCK_MS);

    (void) state;
    ASK(thread, 0, "/a", "/hang", "/b", "/c");
    wait_inside(1);
    wait_state(thread, "/hang", SLOW_STUCK);
    wait_state(thread, "/c", SLOW_OK);
    assert_int_equal(state_of(thread, "/a"), SLOW_OK);
    assert_int_equal(state_of(thread, "/b"), SLOW_OK);
    // It is not asked again while it hangs, the others are.
    for (int round = 0; round < 5; round++) {
        const int64_t before = slow_thread_answer(thread, "/c").at_ms;

        ASK(thread, 0, "/a", "/hang", "/b", "/c");
        assert_true(slow_thread_wait(thread, DEADLINE_MS));
        assert_true(slow_thread_answer(thread, "/c").at_ms >= before);
        assert_int_equal(state_of(thread, "/hang"), SLOW_STUCK);
    }
    assert_int_equal(gate.inside, 1);
    assert_int_equal(gate.asked, 1);
    assert_true(slow_thread_hangs(thread));
    set_gate(true);
    wait_inside(0);
    slow_thread_destroy(&thread);
}

static void
one_that_answers_again_comes_back(void **state)
{
    slow_thread_t *thread = start(STUCK_MS);

    (void) state;
    ASK(thread, 0, "/hang", "/b");
    wait_state(thread, "/hang", SLOW_STUCK);
    set_gate(true);
    wait_state(thread, "/hang", SLOW_OK);
    wait_state(thread, "/b", SLOW_OK);
    assert_false(slow_thread_hangs(thread));
    ASK(thread, 0, "/hang", "/b");
    assert_true(slow_thread_wait(thread, DEADLINE_MS));
    assert_int_equal(state_of(thread, "/hang"), SLOW_OK);
    assert_int_equal(gate.asked, 2);
    slow_thread_destroy(&thread);
}

static void
no_more_than_a_few_threads_are_left(void **state)
{
    slow_thread_t *thread = start(STUCK_MS);

    (void) state;
    ASK(thread, 0, "/hang1", "/hang2", "/hang3", "/hang4", "/hang5", "/hang6", "/last");
    for (int i = 1; i <= 1 + SLOW_LEFT_MAX; i++)
        wait_state(thread, (char[]){ '/', 'h', 'a', 'n', 'g', (char) ('0' + i), '\0' }, SLOW_STUCK);
    wait_inside(1 + SLOW_LEFT_MAX);
    for (int i = 0; i < 3; i++)
        ASK(thread, 0, "/hang1", "/hang2", "/hang3", "/hang4", "/hang5", "/hang6", "/last");
    assert_int_equal(gate.inside, 1 + SLOW_LEFT_MAX);
    assert_int_equal(state_of(thread, "/last"), SLOW_UNKNOWN);
    // As soon as they answer, all goes on.
    set_gate(true);
    for (int i = 1; i <= 6; i++)
        wait_state(thread, (char[]){ '/', 'h', 'a', 'n', 'g', (char) ('0' + i), '\0' }, SLOW_OK);
    wait_state(thread, "/last", SLOW_OK);
    assert_false(slow_thread_hangs(thread));
    slow_thread_destroy(&thread);
}

// What it points at is its own: it may come back when all else is gone.
static void
one_that_is_left_behind_may_come_back_when_all_is_gone(void **state)
{
    slow_thread_t *thread = start(STUCK_MS);

    (void) state;
    ASK(thread, 0, "/hang1", "/b", "/hang2", "/c");
    wait_state(thread, "/hang1", SLOW_STUCK);
    wait_inside(2);
    assert_true(slow_thread_hangs(thread));
    slow_thread_destroy(&thread);
    wait_inside(2);
    set_gate(true);
    wait_inside(0);
}

static void
answers_of_points_that_are_gone_do_not_pile_up(void **state)
{
    slow_thread_t *thread = start(DEADLINE_MS);
    char point[32];

    (void) state;
    for (int i = 0; i < 200; i++) {
        snprintf(point, sizeof point, "/%d", i);
        ASK(thread, 0, point);
        assert_true(slow_thread_wait(thread, DEADLINE_MS));
        assert_int_equal(state_of(thread, point), SLOW_OK);
    }
    assert_int_equal(state_of(thread, "/0"), SLOW_UNKNOWN);
    slow_thread_destroy(&thread);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_asked_is_answered, setup),
        cmocka_unit_test_setup(a_thread_that_was_never_asked_ends, setup),
        cmocka_unit_test_setup(a_round_waits_for_its_time_and_is_replaced_meanwhile, setup),
        cmocka_unit_test_setup(one_that_hangs_is_stuck_and_the_others_go_on, setup),
        cmocka_unit_test_setup(one_that_answers_again_comes_back, setup),
        cmocka_unit_test_setup(no_more_than_a_few_threads_are_left, setup),
        cmocka_unit_test_setup(one_that_is_left_behind_may_come_back_when_all_is_gone, setup),
        cmocka_unit_test_setup(answers_of_points_that_are_gone_do_not_pile_up, setup),
    };
    return cmocka_run_group_tests_name("slow_thread", tests, NULL, NULL);
}
