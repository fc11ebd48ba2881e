// descriptors - peers get what the process does not need for itself.

#include "shared/net/descriptors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/log.h"

static void
what_is_ours_and_a_share_are_kept_from_peers(void **state)
{
    (void) state;
    assert_int_equal(descriptors_for_peers(1024, 100), 1024 - 32 - 100);
    assert_int_equal(descriptors_for_peers(256, 100), 256 - 16 - 100);
    assert_int_equal(descriptors_for_peers(65536, 100), 65536 - 2048 - 100);
    assert_int_equal(descriptors_for_peers(100, 100), 1);
    assert_int_equal(descriptors_for_peers(0, 0), 1);
    assert_true(descriptors_for_peers(UINT64_MAX, 100) > UINT64_MAX / 2);
}

static void
the_wanted_limit_has_room_for_all_and_is_the_least_that_has(void **state)
{
    static const uint64_t peers[] = { 1, 2, 100, 500, 1000, 20000, 1000000 };

    (void) state;
    for (size_t i = 0; i < sizeof peers / sizeof peers[0]; i++) {
        const uint64_t limit = descriptors_wanted(peers[i], 64);

        assert_true(descriptors_for_peers(limit, 64) >= peers[i]);
        assert_true(peers[i] == 1 || descriptors_for_peers(limit - 1, 64) < peers[i]);
    }
}

// In a child: a limit once lowered does not come back.
static int
in_child(rlim_t soft, rlim_t hard, uint64_t want)
{
    const pid_t pid = fork();
    int status = -1;

    if (pid == 0) {
        const struct rlimit files = { soft, hard };
        struct rlimit after;

        if (setrlimit(RLIMIT_NOFILE, &files) == -1)
            _exit(100);
        log_init("test", LOG_LEVEL_ERROR);
        if (descriptors_raise(want) < soft || getrlimit(RLIMIT_NOFILE, &after) == -1)
            _exit(101);
        _exit(after.rlim_cur == 64 ? 1 : after.rlim_cur == 128 ? 2 : after.rlim_cur == 200 ? 3 : 4);
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void
the_soft_limit_becomes_the_hard_one(void **state)
{
    (void) state;
    assert_int_equal(in_child(64, 128, 100), 2);
    assert_int_equal(in_child(128, 128, 100), 2);
}

static void
the_hard_limit_is_raised_where_that_is_allowed(void **state)
{
    const int code = in_child(64, 128, 200);

    (void) state;
    // Root in a user namespace may not, either.
    assert_true(code == 3 || code == 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_ours_and_a_share_are_kept_from_peers),
        cmocka_unit_test(the_wanted_limit_has_room_for_all_and_is_the_least_that_has),
        cmocka_unit_test(the_soft_limit_becomes_the_hard_one),
        cmocka_unit_test(the_hard_limit_is_raised_where_that_is_allowed),
    };

    return cmocka_run_group_tests_name("descriptors", tests, NULL, NULL);
}
