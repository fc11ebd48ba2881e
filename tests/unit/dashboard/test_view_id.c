// view_id - names of columns from labels, and back.

#include <stdio.h>

#include "dashboard/view_inner.h"
#include "tests/unit/dashboard/room.h"

// The only column of one filesystem's size.
static bool
mount_id(const char *mount, struct buf *id, struct buf *name)
{
    struct label_set set = room_labels("node_filesystem_size_bytes", "mountpoint", mount, NULL,
                                       NULL);
    struct view_hit hits[VIEW_HITS_MAX];
    const size_t n = view_match(hits, &set);
    bool made = false;

    for (size_t i = 0; i < n && !made; i++)
        if (strcmp(hits[i].def->id, "fs.size") == 0)
            made = view_id_make(id, name, hits[i].def, &set);
    label_set_release(&set);
    return made;
}

static void
a_name_goes_into_its_id_and_back(void **state)
{
    static const struct {
        const char *mount;
        const char *id;
    } cases[] = {
        { "/", "fs.size./" },
        { "/srv/a b.c", "fs.size./srv/a b.c" },
        { "/mnt/50%,\"x\"", "fs.size./mnt/50%25%2C\"x\"" },
        { "/mnt/a\nb\x7f", "fs.size./mnt/a%0Ab%7F" },
        { "/mnt/gr\xc3\xbc\xc3\x9f", "fs.size./mnt/gr\xc3\xbc\xc3\x9f" },
        { "/mnt/%41", "fs.size./mnt/%2541" },
        { "/mnt/*", "fs.size./mnt/*" },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(cases); i++) {
        struct buf id = { 0 }, name = { 0 }, back = { 0 };
        const struct view_def *def;

        assert_true(mount_id(cases[i].mount, &id, &name));
        assert_string_equal(buf_cstr(&id), cases[i].id);
        assert_string_equal(buf_cstr(&name), cases[i].mount);
        def = view_id_def(cases[i].id);
        assert_non_null(def);
        assert_string_equal(def->id, "fs.size");
        view_id_name(&back, def, cases[i].id);
        assert_string_equal(buf_cstr(&back), cases[i].mount);
        buf_release(&id);
        buf_release(&name);
        buf_release(&back);
    }
}

static void
an_id_has_255_bytes_and_what_is_longer_is_no_column(void **state)
{
    char mount[300];

    (void) state;
    for (size_t n = 240; n < 260; n++) {
        struct buf id = { 0 }, name = { 0 };

        memset(mount, 'm', n);
        mount[n] = '\0';
        assert_int_equal(mount_id(mount, &id, &name), strlen("fs.size.") + n <= 255);
        buf_release(&id);
        buf_release(&name);
    }
    memset(mount, ',', 100); // three bytes each
    mount[100] = '\0';
    {
        struct buf id = { 0 }, name = { 0 };

        assert_false(mount_id(mount, &id, &name));
        buf_release(&id);
        buf_release(&name);
    }
}

static void
only_ids_that_a_column_could_have_are_ids(void **state)
{
    static const char *const good[] = {
        "cpu.user",  "core.0",         "core.123",         "disk.read.sda", "disk.read.a.b.c",
        "fs.use./",  "zone.acpitz-0",  "temp.chip/temp1",  "app.cpu.x",     "app.other.app_m.x.y",
        "app.mem.*", "fs.size.%25%2C", "tcp.listen_drops",
    };
    static const char *const bad[] = {
        "",
        "cpu",
        "cpu.user.",
        "cpu.user.0",
        "core",
        "core.",
        "core.x",
        "core.01",
        "core.1234567",
        "disk.read",
        "disk.read.",
        "fs.size.%",
        "fs.size.%2",
        "fs.size.%2c",
        "fs.size.%41",
        "fs.size.%00",
        "fs.size.a\nb",
        "app.other.x",
        "app.other..x",
        "app.other.m.",
        "app",
    };

    (void) state;
    for (size_t i = 0; i < N_OF(good); i++)
        if (view_id_def(good[i]) == NULL)
            fail_msg("%s is an id", good[i]);
    for (size_t i = 0; i < N_OF(bad); i++)
        if (view_id_def(bad[i]) != NULL)
            fail_msg("%s is none", bad[i]);
}

static void
every_family_of_the_table_can_be_asked_for(void **state)
{
    const struct view_def *defs;
    const size_t n = view_defs(&defs);

    (void) state;
    for (size_t i = 0; i < n; i++) {
        char id[VIEW_ID_SIZE];

        snprintf(id, sizeof id, "%s%s", defs[i].id,
                 view_def_names_metric(&defs[i]) ? ".m.x"
                 : defs[i].each.label != NULL    ? ".0"
                                                 : "");
        assert_non_null(view_id_def(id));
        assert_string_equal(view_id_def(id)->id, defs[i].id);
        assert_true(view_def_begins(&defs[i], defs[i].id));
        assert_true(view_def_begins(&defs[i], ""));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_goes_into_its_id_and_back),
        cmocka_unit_test(an_id_has_255_bytes_and_what_is_longer_is_no_column),
        cmocka_unit_test(only_ids_that_a_column_could_have_are_ids),
        cmocka_unit_test(every_family_of_the_table_can_be_asked_for),
    };

    return cmocka_run_group_tests_name("view_id", tests, NULL, NULL);
}
