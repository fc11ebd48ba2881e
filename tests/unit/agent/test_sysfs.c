// test_sysfs - numbers, texts, folders and links of a tree like sys/.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "agent/proc/sysfs.h"
#include "shared/base/err.h"
#include "tests/unit/agent/fixture.h"
#include "tests/unit/agent/temp_tree.h"

static int
number(int64_t *ret, const char *text)
{
    char *copy = exactly(text, strlen(text));
    const int rc = sysfs_number(ret, copy, strlen(text));

    free(copy);
    return rc;
}

static void
a_number_may_be_negative_and_end_with_a_newline(void **state)
{
    static const struct {
        const char *text;
        int64_t number;
    } texts[] = {
        { "0\n", 0 },   { "42000\n", 42000 },   { "-1500\n", -1500 },
        { "42", 42 },   { "-273150", -273150 }, { "9223372036854775807\n", INT64_MAX },
        { "007\n", 7 }, { "-0\n", 0 },
    };
    int64_t got;

    (void) state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(number(&got, texts[i].text), 0);
        assert_true(got == texts[i].number);
    }
}

static void
what_is_no_number_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "\n",
        "-",
        "-\n",
        "N/A\n",
        "12.5\n",
        " 12\n",
        "12 \n",
        "12\n\n",
        "1 2\n",
        "0x10\n",
        "+5\n",
        "--5\n",
        "1e3\n",
        "<unknown>\n",
        "- 5\n",
        "9223372036854775808\n",
        "-99999999999999999999999\n",
    };
    int64_t got;

    (void) state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (number(&got, bad[i]) != ERR_FORMAT)
            fail_msg("taken: %s", bad[i]);
    assert_int_equal(sysfs_number(&got, "1\0002\n", 4), ERR_FORMAT);
}

// Only a file cut at the end of its number could be taken for another one, and the kernel gives a
// value whole.
static void
a_text_cut_at_any_byte_is_a_beginning_of_it_or_refused(void **state)
{
    static const char text[] = "-1234567\n";
    int64_t got, part = 0;

    (void) state;
    for (size_t n = 0; n < strlen(text); n++) {
        char *copy = exactly(text, n);
        const int rc = sysfs_number(&got, copy, n);

        part = n > 1 && n <= 8 ? part * 10 - (text[n - 1] - '0') : part;
        assert_true(n > 1 ? rc == 0 && got == part : rc == ERR_FORMAT);
        free(copy);
    }
}

static void
files_are_read_below_the_root(void **state)
{
    struct temp_tree tree = temp_tree();
    char text[SYSFS_TEXT_SIZE];
    union slow_value value;
    struct buf page = { 0 };
    const int fd = proc_root_fd(tree.root);

    (void) state;
    temp_tree_write(&tree, "sys/a/temp1_input", "42000\n");
    temp_tree_write(&tree, "sys/a/label", "Package id 0\n\n");
    temp_tree_write(&tree, "sys/a/empty", "");
    for (int i = 0; i < 5000; i++)
        buf_byte(&page, 'x');
    temp_tree_write(&tree, "sys/a/page", buf_cstr(&page));
    assert_int_equal(sysfs_ask(fd, "sys/a/temp1_input", &value), 0);
    assert_int_equal(value.number, 42000);
    assert_int_equal(sysfs_ask(fd, "sys/a/label", &value), ERR_FORMAT);
    assert_int_equal(sysfs_ask(fd, "sys/a/page", &value), ERR_FORMAT);
    assert_int_equal(sysfs_ask(fd, "sys/a/none", &value), -ENOENT);
    assert_int_equal(sysfs_ask(fd, "sys/a", &value), -EISDIR);
    assert_int_equal(sysfs_text(text, fd, "sys/a/label"), 12);
    assert_string_equal(text, "Package id 0");
    assert_int_equal(sysfs_text(text, fd, "sys/a/empty"), 0);
    assert_int_equal(sysfs_text(text, fd, "sys/a/page"), 4096);
    assert_int_equal(sysfs_text(text, fd, "sys/a/none"), -ENOENT);
    assert_true(sysfs_is_readable(fd, "sys/a/label"));
    assert_false(sysfs_is_readable(fd, "sys/a/none"));
    buf_release(&page);
    temp_tree_end(&tree);
}

static void
a_folder_lists_files_or_what_leads_to_folders(void **state)
{
    struct temp_tree tree = temp_tree();
    struct sysfs_names names;
    char path[TEMP_TREE_PATH];
    const int fd = proc_root_fd(tree.root);

    (void) state;
    temp_tree_write(&tree, "sys/a/b", "1\n");
    temp_tree_write(&tree, "sys/a/a", "1\n");
    temp_tree_write(&tree, "sys/a/.hidden", "1\n");
    temp_tree_write(&tree, "sys/a/folder/x", "1\n");
    temp_tree_write(&tree, "sys/a/only_written", "1\n");
    assert_int_equal(chmod(temp_tree_path(&tree, path, "sys/a/only_written"), 0200), 0);
    temp_tree_link(&tree, "sys/a/device", "folder");
    sysfs_list(&names, fd, "sys/a", SYSFS_FILES);
    assert_int_equal(names.n, 2);
    assert_string_equal(names.at[0], "a");
    assert_string_equal(names.at[1], "b");
    sysfs_names_release(&names);
    sysfs_list(&names, fd, "sys/a", SYSFS_FOLDERS);
    assert_int_equal(names.n, 2);
    assert_string_equal(names.at[0], "device");
    assert_string_equal(names.at[1], "folder");
    sysfs_names_release(&names);
    sysfs_list(&names, fd, "sys/none", SYSFS_FILES);
    assert_int_equal(names.n, 0);
    sysfs_names_release(&names);
    temp_tree_end(&tree);
}

static void
a_link_is_followed_to_its_end(void **state)
{
    struct temp_tree tree = temp_tree();
    struct buf target = { 0 };
    char wanted[TEMP_TREE_PATH];

    (void) state;
    temp_tree_write(&tree, "sys/devices/platform/coretemp.0/hwmon/hwmon0/name", "coretemp\n");
    temp_tree_link(&tree, "sys/devices/platform/coretemp.0/hwmon/hwmon0/device",
                   "../../../coretemp.0");
    temp_tree_link(&tree, "sys/class/hwmon/hwmon0",
                   "../../devices/platform/coretemp.0/hwmon/hwmon0");
    assert_int_equal(
        sysfs_target(&target, proc_root_fd(tree.root), "sys/class/hwmon/hwmon0/device"), 0);
    assert_string_equal(buf_cstr(&target),
                        temp_tree_path(&tree, wanted, "sys/devices/platform/coretemp.0"));
    assert_int_equal(sysfs_target(&target, proc_root_fd(tree.root), "sys/class/hwmon/hwmon1"),
                     -ENOENT);
    buf_release(&target);
    temp_tree_end(&tree);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_may_be_negative_and_end_with_a_newline),
        cmocka_unit_test(what_is_no_number_is_refused),
        cmocka_unit_test(a_text_cut_at_any_byte_is_a_beginning_of_it_or_refused),
        cmocka_unit_test(files_are_read_below_the_root),
        cmocka_unit_test(a_folder_lists_files_or_what_leads_to_folders),
        cmocka_unit_test(a_link_is_followed_to_its_end),
    };
    return cmocka_run_group_tests_name("sysfs", tests, NULL, NULL);
}
