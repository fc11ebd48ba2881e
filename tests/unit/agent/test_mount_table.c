// test_mount_table - lines of /proc/PID/mounts: escapes, odd names, whole, cut and wrong.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/proc/mount_table.h"
#include "shared/base/err.h"
#include "tests/unit/agent/fixture.h"

static int
parse(struct mount_table *table, const char *text)
{
    return mount_table_parse(table, text, strlen(text));
}

static void
a_line_is_device_point_type_and_options(void **state)
{
    struct mount_table table = { 0 };

    (void) state;
    assert_int_equal(parse(&table, "/dev/sda1 / ext4 rw,relatime,errors=remount-ro 0 0\n"
                                   "server:/export /srv nfs4 noatime,ro,vers=4.2 0 0\n"),
                     2);
    assert_string_equal(table.mounts[0].device, "/dev/sda1");
    assert_string_equal(table.mounts[0].point, "/");
    assert_string_equal(table.mounts[0].type, "ext4");
    assert_false(table.mounts[0].readonly);
    assert_string_equal(table.mounts[1].device, "server:/export");
    assert_string_equal(table.mounts[1].type, "nfs4");
    assert_true(table.mounts[1].readonly);
    mount_table_release(&table);
}

static void
escapes_come_back_as_the_bytes_they_stand_for(void **state)
{
    static const struct {
        const char *text;
        const char *point;
    } lines[] = {
        { "d /a\\040b ext4 rw 0 0\n", "/a b" },
        { "d /a\\011b\\012c ext4 rw 0 0\n", "/a\tb\nc" },
        { "d /a\\134040 ext4 rw 0 0\n", "/a\\040" }, // an escaped backslash, then digits
        { "d /\\377\\101 ext4 rw 0 0\n", "/\377A" },
        { "d /a\\04 ext4 rw 0 0\n", "/a\\04" },   // no escape: too short
        { "d /a\\400 ext4 rw 0 0\n", "/a\\400" }, // no byte
        { "d /a\\08 ext4 rw 0 0\n", "/a\\08" },
        { "d /a\\ ext4 rw 0 0\n", "/a\\" },
    };
    struct mount_table table = { 0 };

    (void) state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        assert_int_equal(parse(&table, lines[i].text), 1);
        assert_string_equal(table.mounts[0].point, lines[i].point);
    }
    assert_int_equal(parse(&table, "//nas/My\\040Files /mnt fuse.a\\040b rw 0 0\n"), 1);
    assert_string_equal(table.mounts[0].device, "//nas/My Files");
    assert_string_equal(table.mounts[0].type, "fuse.a b");
    mount_table_release(&table);
}

static void
a_device_may_be_empty(void **state)
{
    struct mount_table table = { 0 };

    (void) state;
    assert_int_equal(parse(&table, " /mnt tmpfs rw 0 0\n"), 1);
    assert_string_equal(table.mounts[0].device, "");
    assert_string_equal(table.mounts[0].point, "/mnt");
    mount_table_release(&table);
}

static void
of_two_mounts_at_one_point_the_later_can_be_seen(void **state)
{
    struct mount_table table = { 0 };

    (void) state;
    assert_int_equal(parse(&table, "rootfs / rootfs rw 0 0\n"
                                   "tmpfs /a tmpfs rw 0 0\n"
                                   "/dev/sda1 / ext4 rw 0 0\n"
                                   "tmpfs /a/ tmpfs rw 0 0\n"),
                     4);
    assert_true(table.mounts[0].hidden);
    assert_false(table.mounts[1].hidden);
    assert_false(table.mounts[2].hidden);
    assert_false(table.mounts[3].hidden);
    mount_table_release(&table);
}

static void
names_of_4_kib_and_tables_longer_than_any_buffer_are_read(void **state)
{
    struct mount_table table = { 0 };
    struct buf text = { 0 }, name = { 0 };

    (void) state;
    for (int i = 0; i < 4095; i++)
        buf_byte(&name, (uint8_t) ('a' + i % 26));
    for (int i = 0; i < 600; i++)
        buf_printf(&text, "%s /%s/%d ext4 rw 0 0\n", buf_cstr(&name), buf_cstr(&name), i);
    assert_true(text.len > 4u * 1024 * 1024);
    assert_int_equal(parse(&table, buf_cstr(&text)), 600);
    assert_string_equal(table.mounts[0].device, buf_cstr(&name));
    assert_string_equal(table.mounts[599].device, buf_cstr(&name));
    assert_int_equal(strlen(table.mounts[599].point), 1 + 4095 + 1 + 3);
    buf_release(&text);
    buf_release(&name);
    mount_table_release(&table);
}

static void
a_file_cut_at_any_byte_tells_nothing_wrong(void **state)
{
    struct buf text = fixture("laptop", "1/mounts");
    struct mount_table whole = { 0 }, cut = { 0 };

    (void) state;
    assert_true(mount_table_parse(&whole, (const char *) text.at, text.len) > 0);
    for (size_t n = 0; n < text.len; n++) {
        char *copy = exactly(text.at, n);
        const int rc = mount_table_parse(&cut, copy, n);

        assert_true(rc > 0 || rc == ERR_FORMAT);
        for (uint32_t i = 0; rc > 0 && i < cut.n; i++) {
            assert_string_equal(cut.mounts[i].device, whole.mounts[i].device);
            assert_string_equal(cut.mounts[i].point, whole.mounts[i].point);
            assert_string_equal(cut.mounts[i].type, whole.mounts[i].type);
        }
        free(copy);
    }
    mount_table_release(&whole);
    mount_table_release(&cut);
    buf_release(&text);
}

static void
what_is_no_mount_table_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "\n",
        "/dev/sda1 / ext4 rw 0 0", // no newline
        "/dev/sda1\n",
        "/dev/sda1 /\n",
        "/dev/sda1 / ext4\n",
        "/dev/sda1 / ext4 \n",
        "/dev/sda1  ext4 rw 0 0\n",
        "/dev/sda1 home ext4 rw 0 0\n",
        "/dev/sda1 /a\\000b ext4 rw 0 0\n",
        "/dev/sda1 / ext4 rw 0 0\ncpu 1 2\n",
        "MemTotal:       16384 kB\n",
    };
    struct mount_table table = { 0 };

    (void) state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (parse(&table, bad[i]) != ERR_FORMAT)
            fail_msg("taken: %s", bad[i]);
    assert_int_equal(mount_table_parse(&table, "a /\0 b rw\n", 10), ERR_FORMAT);
    mount_table_release(&table);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_device_point_type_and_options),
        cmocka_unit_test(escapes_come_back_as_the_bytes_they_stand_for),
        cmocka_unit_test(a_device_may_be_empty),
        cmocka_unit_test(of_two_mounts_at_one_point_the_later_can_be_seen),
        cmocka_unit_test(names_of_4_kib_and_tables_longer_than_any_buffer_are_read),
        cmocka_unit_test(a_file_cut_at_any_byte_tells_nothing_wrong),
        cmocka_unit_test(what_is_no_mount_table_is_refused),
    };
    return cmocka_run_group_tests_name("mount_table", tests, NULL, NULL);
}
