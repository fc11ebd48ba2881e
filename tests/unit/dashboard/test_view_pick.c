// view_pick - columns somebody asks for, and the selectors behind them.

#include "dashboard/view.h"
#include "shared/base/err.h"
#include "shared/model/matcher.h"
#include "tests/unit/dashboard/room.h"

#define MOST QUERY_SELECTORS_MAX

static size_t
selectors(const char *columns, struct buf *text, const char **ret)
{
    struct view_pick pick = { 0 };
    char error[VIEW_ERROR_SIZE];
    size_t n;

    if (columns == NULL)
        return view_selectors(NULL, text, ret, MOST);
    assert_int_equal(view_pick_parse(&pick, columns, error), 0);
    n = view_selectors(&pick, text, ret, MOST);
    view_pick_release(&pick);
    return n;
}

static bool
has(const char *const *all, size_t n, const char *one)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(all[i], one) == 0)
            return true;
    return false;
}

// The collector reads them, and some of them means this series.
static bool
mean(const char *const *all, size_t n, const struct label_set *series)
{
    char error[MATCHERS_ERROR_SIZE];
    bool match = false;

    for (size_t i = 0; i < n; i++) {
        matchers_t *m = NULL;

        if (matchers_parse(&m, all[i], error) != 0)
            fail_msg("%s: %s", all[i], error);
        match = matchers_match(m, series) || match;
        matchers_destroy(&m);
    }
    return match;
}

static void
only_picked_columns_are_made_and_only_their_series_asked(void **state)
{
    struct label_set user = room_cpu("0", "user"), idle = room_cpu("0", "idle"),
                     other = room_cpu("1", "user");
    struct view_pick pick;
    char error[VIEW_ERROR_SIZE];
    const char *all[MOST];
    struct buf text = { 0 };
    view_t *view;
    const struct view_column *columns;
    size_t n;

    (void) state;
    assert_int_equal(view_pick_parse(&pick, "core.0,load.1,load.1", error), 0);
    assert_int_equal(pick.n, 2);
    n = view_selectors(&pick, &text, all, MOST);
    assert_int_equal(n, 3);
    assert_true(has(all, n,
                    "node_cpu_seconds_total{job=\"node\",mode=~\"user|nice|system|"
                    "irq|softirq|steal\",cpu=\"0\"}"));
    assert_true(has(all, n, "node_load1{job=\"node\"}"));
    assert_true(mean(all, n, &user));
    assert_false(mean(all, n, &idle));
    assert_false(mean(all, n, &other));
    view = view_new(&pick, 1000);
    assert_true(view_add(view, &user));
    assert_false(view_add(view, &idle));
    view_seal(view);
    assert_int_equal(view_columns(view, &columns), 1);
    assert_string_equal(columns[0].id, "core.0");
    view_destroy(&view);
    view_pick_release(&pick);
    buf_release(&text);
    label_set_release(&user);
    label_set_release(&idle);
    label_set_release(&other);
}

static void
a_beginning_picks_all_ids_that_begin_so(void **state)
{
    static const struct {
        const char *pick;
        const char *id;
        bool has;
    } cases[] = {
        { "disk.*", "disk.read.sda", true },         { "disk.*", "disk.busy.sdb", true },
        { "disk.*", "net.rx.eth0", false },          { "disk.read.sd*", "disk.read.sda", true },
        { "disk.read.sd*", "disk.read.vda", false }, { "*", "cpu.user", true },
        { "fs.size./,cpu.*", "fs.size./", true },    { "fs.size./,cpu.*", "fs.size./var", false },
        { "fs.size./,cpu.*", "cpu.idle", true },     { "app.*", "app.other.app_m.red", true },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(cases); i++) {
        struct label_set sets[] = {
            room_labels("node_disk_read_bytes_total", "device", "sda", NULL, NULL),
            room_labels("node_disk_read_bytes_total", "device", "vda", NULL, NULL),
            room_labels("node_disk_io_time_seconds_total", "device", "sdb", NULL, NULL),
            room_labels("node_network_receive_bytes_total", "device", "eth0", NULL, NULL),
            room_labels("node_filesystem_size_bytes", "mountpoint", "/", NULL, NULL),
            room_labels("node_filesystem_size_bytes", "mountpoint", "/var", NULL, NULL),
            room_cpu("0", "user"),
            room_cpu("0", "idle"),
            room_app("app_m", "red", NULL),
        };
        const struct view_column *columns;
        struct view_pick pick;
        char error[VIEW_ERROR_SIZE];
        bool found = false;
        view_t *view;
        size_t n;

        assert_int_equal(view_pick_parse(&pick, cases[i].pick, error), 0);
        view = view_new(&pick, 1000);
        for (size_t k = 0; k < N_OF(sets); k++) {
            view_add(view, &sets[k]);
            label_set_release(&sets[k]);
        }
        view_seal(view);
        n = view_columns(view, &columns);
        for (size_t k = 0; k < n; k++)
            found = found || strcmp(columns[k].id, cases[i].id) == 0;
        if (found != cases[i].has)
            fail_msg("c=%s, %s", cases[i].pick, cases[i].id);
        view_destroy(&view);
        view_pick_release(&pick);
    }
}

// Whatever the table needs is asked for, in few selectors that the collector can read.
static void
all_columns_are_a_few_selectors(void **state)
{
    struct label_set used[] = {
        room_cpu("3", "user"),
        room_labels("node_disk_read_bytes_total", "device", "sda", NULL, NULL),
        room_labels("node_hwmon_sensor_label", "chip", "a", "sensor", "temp1"),
        room_labels("node_softnet_times_squeezed_total", "cpu", "0", NULL, NULL),
        room_labels("node_os_info", NULL, NULL, NULL, NULL),
        room_app("app_anything", "red", "red"),
    };
    struct label_set unused[] = {
        room_labels("node_entropy_available_bits", NULL, NULL, NULL, NULL),
        room_labels("node_load15x", NULL, NULL, NULL, NULL),
    };
    const char *all[MOST];
    struct buf text = { 0 };
    const size_t n = selectors(NULL, &text, all);

    (void) state;
    assert_in_range(n, 2, 4);
    for (size_t i = 0; i < N_OF(used); i++) {
        assert_true(mean(all, n, &used[i]));
        assert_true(view_uses(&used[i]));
        label_set_release(&used[i]);
    }
    for (size_t i = 0; i < N_OF(unused); i++) {
        assert_false(mean(all, n, &unused[i]));
        assert_false(view_uses(&unused[i]));
        label_set_release(&unused[i]);
    }
    buf_release(&text);
}

static void
a_name_of_any_text_is_asked_for_as_it_is(void **state)
{
    static const char *const names[] = { "/", "/a\"b\\c", "/tab\there", "/a,b%c", "gr\xc3\xbcn" };

    (void) state;
    for (size_t i = 0; i < N_OF(names); i++) {
        struct label_set node = room_labels("node_filesystem_size_bytes", "mountpoint", names[i],
                                            NULL, NULL);
        struct label_set app = room_app("app_value", names[i], NULL);
        view_t *view = view_new(NULL, 1000);
        const struct view_column *columns;
        size_t n;

        view_add(view, &node);
        view_add(view, &app);
        view_seal(view);
        n = view_columns(view, &columns);
        assert_int_equal(n, 2);
        for (size_t k = 0; k < n; k++) {
            const char *all[MOST];
            struct buf text = { 0 };
            const size_t asked = selectors(columns[k].id, &text, all);

            assert_true(mean(all, asked, k == 0 ? &node : &app));
            buf_release(&text);
        }
        view_destroy(&view);
        label_set_release(&node);
        label_set_release(&app);
    }
}

static void
more_columns_than_selectors_are_asked_by_name(void **state)
{
    struct label_set mean_this = room_labels("node_disk_written_bytes_total", "device", "d99", NULL,
                                             NULL);
    struct buf columns = { 0 }, text = { 0 };
    const char *all[MOST];
    size_t n;

    (void) state;
    for (unsigned i = 0; i < 100; i++)
        buf_printf(&columns, "%sdisk.write.d%u", i > 0 ? "," : "", i);
    n = selectors(buf_cstr(&columns), &text, all);
    assert_in_range(n, 1, 4);
    assert_true(mean(all, n, &mean_this));
    label_set_release(&mean_this);
    buf_release(&columns);
    buf_release(&text);
}

static void
the_hosts_ticks_are_asked_for_with_whatever_is_picked(void **state)
{
    struct label_set load = room_labels("node_load1", NULL, NULL, NULL, NULL);
    const char *all[MOST];
    struct buf text = { 0 };

    (void) state;
    assert_true(mean(all, selectors("fs.use./", &text, all), &load));
    assert_true(mean(all, selectors("app.*", &text, all), &load));
    label_set_release(&load);
    buf_release(&text);
}

static void
an_id_that_is_no_column_is_refused_with_the_nearest_one(void **state)
{
    static const struct {
        const char *text;
        const char *nearest;
    } bad[] = {
        { "cpu.usr", "\"cpu.user\"" }, { "load.1,mem.usd", "\"mem.used\"" },
        { "core.x", "\"core.0\"" },    { "core.01", "\"core.0\"" },
        { "core.", "\"core.0\"" },     { "disk.raed.sda", "\"disk.read.NAME\"" },
        { "dsk.*", "nearest" },        { "cpu.user,,load.1", "nearest" },
        { "fs.size.%2c", "nearest" },  { "app.other.jobs", "\"app.other.METRIC.NAME\"" },
    };
    struct view_pick pick;
    char error[VIEW_ERROR_SIZE];
    char longer[400];

    (void) state;
    for (size_t i = 0; i < N_OF(bad); i++) {
        assert_int_equal(view_pick_parse(&pick, bad[i].text, error), ERR_UNKNOWN);
        if (strstr(error, bad[i].nearest) == NULL)
            fail_msg("%s: %s", bad[i].text, error);
        assert_int_equal(pick.n, 0);
    }
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    memcpy(longer, "fs.size.", 8);
    assert_int_equal(view_pick_parse(&pick, longer, error), ERR_UNKNOWN);
    assert_int_equal(view_pick_parse(&pick, "", error), 0); // all of them
    assert_int_equal(pick.n, 0);
}

static void
not_more_than_512_are_picked(void **state)
{
    struct buf columns = { 0 };
    struct view_pick pick;
    char error[VIEW_ERROR_SIZE];

    (void) state;
    for (unsigned i = 0; i < 512; i++)
        buf_printf(&columns, "%score.%u", i > 0 ? "," : "", i);
    assert_int_equal(view_pick_parse(&pick, buf_cstr(&columns), error), 0);
    view_pick_release(&pick);
    buf_str(&columns, ",core.512");
    assert_int_equal(view_pick_parse(&pick, buf_cstr(&columns), error), ERR_LIMIT);
    assert_non_null(strstr(error, "512"));
    buf_release(&columns);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_picked_columns_are_made_and_only_their_series_asked),
        cmocka_unit_test(a_beginning_picks_all_ids_that_begin_so),
        cmocka_unit_test(all_columns_are_a_few_selectors),
        cmocka_unit_test(a_name_of_any_text_is_asked_for_as_it_is),
        cmocka_unit_test(more_columns_than_selectors_are_asked_by_name),
        cmocka_unit_test(the_hosts_ticks_are_asked_for_with_whatever_is_picked),
        cmocka_unit_test(an_id_that_is_no_column_is_refused_with_the_nearest_one),
        cmocka_unit_test(not_more_than_512_are_picked),
    };

    return cmocka_run_group_tests_name("view_pick", tests, NULL, NULL);
}
