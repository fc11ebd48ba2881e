// admit_list - who is written beside the collector's key, by its master alone, is let in.

#include "shared/net/admit_list.h"

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
#include <unistd.h>

#include "shared/base/err.h"
#include "shared/base/file.h"
#include "tests/support/folder.h"

// Of RFC 32: 40 characters that stand for 32 bytes.
#define KEY_A "HelloWorldHelloWorldHelloWorldHelloWorld"
#define KEY_B "WorldHelloWorldHelloWorldHelloWorldHello"

struct place {
    char dir[64];
    char path[80];
    struct buf why;
    struct admit_list list;
};

static int
set_up(void **state)
{
    struct place *p = calloc(1, sizeof *p);

    snprintf(p->dir, sizeof p->dir, "/tmp/test_admit_list.XXXXXX");
    *state = p;
    if (mkdtemp(p->dir) == NULL)
        return -1;
    snprintf(p->path, sizeof p->path, "%s/" ADMIT_LIST_FILE, p->dir);
    return 0;
}

static int
tear_down(void **state)
{
    struct place *p = *state;

    folder_remove(p->dir);
    admit_list_release(&p->list);
    buf_release(&p->why);
    free(p);
    return 0;
}

static void
written(struct place *p, const char *text)
{
    assert_int_equal(file_write_atomic(p->path, text, strlen(text), 0600), 0);
}

static struct admit_entry
entry(enum key_role role, const char *name, const char *key)
{
    struct admit_entry ret = { .role = role };

    snprintf(ret.name, sizeof ret.name, "%s", name);
    assert_int_equal(key_from_text(ret.key, key, strlen(key)), 0);
    return ret;
}

static void
holds(struct place *p, const char *text)
{
    struct buf is = { 0 };

    assert_true(file_read(&is, AT_FDCWD, p->path, 65536) >= 0);
    assert_string_equal(buf_cstr(&is), text);
    buf_release(&is);
}

static void
lines_are_entries_in_their_order(void **state)
{
    struct place *p = *state;

    written(p, "# people\n\nagent web-1 " KEY_A "\noperator you " KEY_B);
    assert_int_equal(admit_list_load(&p->list, p->dir, &p->why), 0);
    assert_int_equal(p->list.n, 2);
    assert_int_equal(p->list.at[0].role, ROLE_AGENT);
    assert_string_equal(p->list.at[0].name, "web-1");
    assert_int_equal(p->list.at[1].role, ROLE_OPERATOR);
    assert_string_equal(p->list.at[1].name, "you");
    assert_memory_not_equal(p->list.at[0].key, p->list.at[1].key, KEY_BYTES);
}

static void
no_file_is_nobody(void **state)
{
    struct place *p = *state;

    assert_int_equal(admit_list_load(&p->list, p->dir, &p->why), 0);
    assert_int_equal(p->list.n, 0);
}

static void
a_line_that_is_none_lets_nobody_in_and_is_named(void **state)
{
    static const char *const wrong[] = {
        "agent web-1",         "agent web-1 ",
        "agent web-1 short",   "agent  " KEY_A,
        "agent web 1 " KEY_A,  "agent web-1 " KEY_A " ",
        "root web-1 " KEY_A,   "agentagentagentagent web-1 " KEY_A,
        " agent web-1 " KEY_A,
    };
    struct place *p = *state;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char text[200];

        snprintf(text, sizeof text, "agent first " KEY_A "\n%s\nagent last " KEY_B "\n", wrong[i]);
        written(p, text);
        assert_int_equal(admit_list_load(&p->list, p->dir, &p->why), ERR_FORMAT);
        assert_int_equal(p->list.n, 0);
        if (strstr(buf_cstr(&p->why), "line 2") == NULL ||
            strstr(buf_cstr(&p->why), p->path) == NULL)
            fail_msg("\"%s\": it says: %s", wrong[i], buf_cstr(&p->why));
    }
}

static void
what_others_may_write_is_refused(void **state)
{
    struct place *p = *state;
    char beside[100];

    written(p, "agent web-1 " KEY_A "\n");
    assert_int_equal(chmod(p->path, 0660), 0);
    assert_int_equal(admit_list_load(&p->list, p->dir, &p->why), -EPERM);
    assert_non_null(strstr(buf_cstr(&p->why), "0660"));
    assert_int_equal(chmod(p->path, 0600), 0);
    snprintf(beside, sizeof beside, "%s/beside", p->dir);
    assert_int_equal(rename(p->path, beside), 0);
    assert_int_equal(symlink(beside, p->path), 0);
    assert_int_equal(admit_list_load(&p->list, p->dir, &p->why), -ELOOP);
    assert_int_equal(p->list.n, 0);
}

static void
a_line_takes_the_place_of_another_of_its_name_and_no_other(void **state)
{
    const struct admit_entry first[] = { entry(ROLE_AGENT, "web-1", KEY_A),
                                         entry(ROLE_DASHBOARD, "board", KEY_A) };
    const struct admit_entry then = entry(ROLE_AGENT, "web-1", KEY_B);
    struct place *p = *state;
    struct stat before, after;

    written(p, "# mine\nagent web-10 " KEY_B "\n");
    assert_int_equal(admit_list_set(p->dir, first, 2, &p->why), 0);
    holds(p, "# mine\nagent web-10 " KEY_B "\nagent web-1 " KEY_A "\ndashboard board " KEY_A "\n");
    assert_int_equal(admit_list_set(p->dir, &then, 1, &p->why), 0);
    holds(p, "# mine\nagent web-10 " KEY_B "\ndashboard board " KEY_A "\nagent web-1 " KEY_B "\n");
    // And again is nothing: the file is not touched.
    assert_int_equal(stat(p->path, &before), 0);
    assert_int_equal(admit_list_set(p->dir, &then, 1, &p->why), 0);
    assert_int_equal(stat(p->path, &after), 0);
    assert_true(before.st_ino == after.st_ino);
    assert_int_equal(after.st_mode & 07777, 0600);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines_are_entries_in_their_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_file_is_nobody, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_line_that_is_none_lets_nobody_in_and_is_named, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_others_may_write_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_line_takes_the_place_of_another_of_its_name_and_no_other,
                                        set_up, tear_down),
    };

    return cmocka_run_group_tests_name("admit_list", tests, NULL, NULL);
}
