// client_keys - where keys are looked for, and what is said where they are not.

#include "shared/net/client_keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/folder.h"

// An empty folder to work in, which is $HOME as well.
struct place {
    char dir[64];
    char before[256]; // the working directory
    struct client_keys keys;
    struct buf why;
};

static int
set_up(void **state)
{
    struct place *p = calloc(1, sizeof *p);

    snprintf(p->dir, sizeof p->dir, "/tmp/test_client_keys.XXXXXX");
    *state = p;
    if (mkdtemp(p->dir) == NULL || getcwd(p->before, sizeof p->before) == NULL)
        return -1;
    return chdir(p->dir) == 0 && setenv("HOME", p->dir, 1) == 0 ? 0 : -1;
}

static int
tear_down(void **state)
{
    struct place *p = *state;
    const int rc = chdir(p->before);

    folder_remove(p->dir);
    client_keys_wipe(&p->keys);
    buf_release(&p->why);
    free(p);
    return rc;
}

static void
finds(const char *given, bool insecure, const char *dir)
{
    char found[CLIENT_KEYS_DIR_SIZE];

    client_keys_dir(found, given, insecure);
    assert_string_equal(found, dir);
}

static void
a_folder_that_is_given_is_the_one(void **state)
{
    (void) state;
    assert_int_equal(mkdir("run", 0700), 0);
    assert_int_equal(mkdir("run/keys", 0700), 0);
    finds("/nowhere", false, "/nowhere");
    finds(NULL, false, "./run/keys");
}

static void
without_keys_there_is_no_folder(void **state)
{
    (void) state;
    finds("/nowhere", true, "");
    finds(NULL, true, "");
}

// The host's own folder may be there on the machine that tests.
static void
where_none_is_enrolling_makes_one(void **state)
{
    const struct place *p = *state;
    char own[100];

    if (access("/etc/zpulse/keys", F_OK) == 0) {
        print_message("this machine has keys of its own in /etc/zpulse/keys\n");
        skip();
    }
    snprintf(own, sizeof own, "%s/.config/zpulse", p->dir);
    finds(NULL, false, geteuid() == 0 ? "/etc/zpulse/keys" : own);
    assert_int_equal(unsetenv("HOME"), 0);
    finds(NULL, false, "/etc/zpulse/keys");
}

static void
a_key_that_is_missing_is_named_with_what_gets_one(void **state)
{
    static const struct {
        const char *name, *says;
    } cases[] = {
        { "agent", "\"zpulse enrol --new\"" },
        { "dashboard", "\"zpulse enrol --new --role=dashboard\"" },
        { "operator", "\"zpulse enrol --new --role=operator\"" },
    };
    struct place *p = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char file[200];

        snprintf(file, sizeof file, "%s/%s.key", p->dir, cases[i].name);
        assert_int_equal(client_keys_load(&p->keys, p->dir, cases[i].name, &p->why), -ENOENT);
        assert_non_null(strstr(buf_cstr(&p->why), cases[i].says));
        assert_non_null(strstr(buf_cstr(&p->why), file));
    }
}

static void
what_it_is_called_is_kept_beside_it(void **state)
{
    struct place *p = *state;
    char name[ENROL_NAME_MAX + 1];

    assert_false(client_keys_name(name, p->dir, "agent"));
    assert_string_equal(name, "");
    assert_int_equal(client_keys_save_name(p->dir, "agent", "web-1", &p->why), 0);
    assert_true(client_keys_name(name, p->dir, "agent"));
    assert_string_equal(name, "web-1");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_folder_that_is_given_is_the_one),
        TEST(without_keys_there_is_no_folder),
        TEST(where_none_is_enrolling_makes_one),
        TEST(a_key_that_is_missing_is_named_with_what_gets_one),
        TEST(what_it_is_called_is_kept_beside_it),
    };

    return cmocka_run_group_tests_name("client_keys", tests, NULL, NULL);
}
