// test_option - what people type, and what they are told when it is wrong.
//
// More than 500 lines, since one table of options and one way to load it serve all claims.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/err.h"
#include "shared/net/option.h"

static const struct option table[] = {
    { .name = "data", .type = OPTION_TEXT, .least = 1, .meta = "DIR", .help = "folder" },
    { .name = "interval",
      .type = OPTION_DURATION,
      .fallback = "1s",
      .least = 100,
      .most = 3600000,
      .meta = "TIME",
      .help = "between samples" },
    { .name = "port-base",
      .type = OPTION_UINT,
      .fallback = "5560",
      .least = 1,
      .most = 65531,
      .help = "first port" },
    { .name = "head-bytes", .type = OPTION_BYTES, .fallback = "256MiB", .help = "memory" },
    { .name = "collector",
      .type = OPTION_ENDPOINT,
      .list = true,
      .least = 1,
      .fallback = "tcp://127.0.0.1:5560",
      .help = "where to push" },
    { .name = "app-sub",
      .type = OPTION_ENDPOINT,
      .list = true,
      .fallback = "@tcp://127.0.0.1:5555",
      .help = "input" },
    { .name = "listen",
      .type = OPTION_ADDRESS,
      .least = 1,
      .fallback = "127.0.0.1:8088",
      .help = "HTTP" },
    { .name = "output",
      .type = OPTION_CHOICE,
      .choices = "table|json",
      .fallback = "table",
      .letter = 'o',
      .help = "form" },
    { .name = "once", .type = OPTION_FLAG, .help = "one sample" },
    { .name = "keys",
      .type = OPTION_TEXT,
      .later = "identity is not there",
      .help = "folder of keys" },
    { .name = "title", .type = OPTION_TEXT, .least = 2, .most = 5, .help = "a short text" },
    { .name = "pass", .type = OPTION_TEXT, .most = 5, .secret = true, .help = "known to few" },
    { .name = NULL },
};

static const struct option_program program = {
    .name = "zpulse-test",
    .summary = "Tests options.",
    .usage = "zpulse-test [OPTION]...",
    .options = table,
};

static const struct option_program with_words = {
    .name = "zpulse-test", .summary = "", .usage = "", .options = table, .arguments = true
};

// One load: its result, what it printed, and the file it may be given.
static struct load {
    options_t *options;
    int rc;
    int exit;
    char out[8192];
    char err[8192];
    char path[64];
    char *words[32]; // options_arguments borrows them
    int n_words;
} run;

static void
slurp(char *into, size_t size, FILE *from)
{
    size_t n;

    rewind(from);
    n = fread(into, 1, size - 1, from);
    into[n] = '\0';
    fclose(from);
}

static void
clear(void)
{
    options_destroy(&run.options);
    for (int i = 0; i < run.n_words; i++)
        free(run.words[i]);
    run.n_words = 0;
}

static void
load_as(const struct option_program *p, int argc, const char *const *argv)
{
    FILE *out = tmpfile(), *err = tmpfile();

    assert_true(argc < 32);
    clear();
    for (int i = 0; i < argc; i++)
        run.words[i] = strdup(argv[i]);
    run.n_words = argc;
    run.exit = -1;
    run.rc = options_load(&run.options, &run.exit, p, argc, run.words, out, err);
    slurp(run.out, sizeof run.out, out);
    slurp(run.err, sizeof run.err, err);
}
#define load(...)                                                                            \
    load_as(&program, (int) (sizeof((const char *[]){ "x", __VA_ARGS__ }) / sizeof(char *)), \
            (const char *[]){ "x", __VA_ARGS__ })

static void
file_says_bytes(const char *text, size_t len)
{
    FILE *f;
    int fd;

    strcpy(run.path, "/tmp/zpulse-test-option-XXXXXX");
    fd = mkstemp(run.path);
    assert_int_not_equal(fd, -1);
    f = fdopen(fd, "w");
    assert_int_equal(fwrite(text, 1, len, f), len);
    fclose(f);
}

static void
file_says(const char *text)
{
    file_says_bytes(text, strlen(text));
}

static void
load_file(const char *text)
{
    file_says(text);
    load("--config", run.path);
    unlink(run.path);
}

// The error without the random path: "zpulse-test: FILE" is what comes before.
static const char *
after_path(void)
{
    const char *at = strstr(run.err, run.path);

    assert_non_null(at);
    return at + strlen(run.path);
}

static int
teardown(void **state)
{
    (void) state;
    clear();
    return 0;
}

static void
defaults_stand_where_nothing_is_said(void **state)
{
    const char *const *list;

    (void) state;
    load("--data", "d");
    assert_int_equal(run.rc, 0);
    assert_string_equal(run.err, "");
    assert_int_equal(options_ms(run.options, "interval"), 1000);
    assert_int_equal(options_uint(run.options, "port-base"), 5560);
    assert_int_equal(options_uint(run.options, "head-bytes"), 256 << 20);
    assert_int_equal(options_list(run.options, "collector", &list), 1);
    assert_string_equal(list[0], "tcp://127.0.0.1:5560");
    assert_string_equal(options_text(run.options, "log-level"), "info");
    assert_null(options_text(run.options, "keys"));
    assert_false(options_flag(run.options, "once"));
    assert_false(options_given(run.options, "interval"));
    assert_true(options_given(run.options, "data"));
}

static void
flags_take_a_value_after_a_space_or_an_equals_sign(void **state)
{
    (void) state;
    load("--interval=250ms", "--port-base", "7000", "--once", "-o", "json", "--data=a=b");
    assert_int_equal(run.rc, 0);
    assert_int_equal(options_ms(run.options, "interval"), 250);
    assert_int_equal(options_uint(run.options, "port-base"), 7000);
    assert_true(options_flag(run.options, "once"));
    assert_string_equal(options_text(run.options, "output"), "json");
    assert_string_equal(options_text(run.options, "data"), "a=b");
    load("-ojson", "--once=false", "--interval", "2s", "--interval", "3s");
    assert_string_equal(options_text(run.options, "output"), "json");
    assert_false(options_flag(run.options, "once"));
    assert_int_equal(options_ms(run.options, "interval"), 3000);
}

static void
a_flag_beats_the_environment_and_that_the_file(void **state)
{
    (void) state;
    setenv("ZPULSE_INTERVAL", "2s", 1);
    setenv("ZPULSE_PORT_BASE", "6000", 1);
    file_says("interval = 3s\nport-base = 6001\nhead-bytes = 1MiB\n");
    load("--config", run.path, "--interval", "4s");
    unlink(run.path);
    unsetenv("ZPULSE_INTERVAL");
    unsetenv("ZPULSE_PORT_BASE");
    assert_string_equal(run.err, "");
    assert_int_equal(options_ms(run.options, "interval"), 4000);
    assert_int_equal(options_uint(run.options, "port-base"), 6000);
    assert_int_equal(options_uint(run.options, "head-bytes"), 1 << 20);
}

static void
a_list_is_taken_whole_from_its_highest_source(void **state)
{
    const char *const *list;

    (void) state;
    setenv("ZPULSE_COLLECTOR", "tcp://127.0.0.1:1,tcp://127.0.0.1:2", 1);
    load("--data", "d");
    assert_int_equal(options_list(run.options, "collector", &list), 2);
    assert_string_equal(list[1], "tcp://127.0.0.1:2");
    load("--collector", "tcp://127.0.0.1:3", "--collector", "tcp://127.0.0.1:4");
    assert_int_equal(options_list(run.options, "collector", &list), 2);
    assert_string_equal(list[0], "tcp://127.0.0.1:3");
    unsetenv("ZPULSE_COLLECTOR");
    load_file("collector = tcp://127.0.0.1:5\ncollector = tcp://127.0.0.1:6\n");
    assert_int_equal(options_list(run.options, "collector", &list), 2);
    assert_string_equal(list[1], "tcp://127.0.0.1:6");
}

static void
an_empty_endpoint_turns_an_input_off_where_that_is_allowed(void **state)
{
    const char *const *list;

    (void) state;
    load("--app-sub", "");
    assert_int_equal(run.rc, 0);
    assert_int_equal(options_list(run.options, "app-sub", &list), 0);
    assert_true(options_given(run.options, "app-sub"));
    load_file("app-sub = \"\"\n");
    assert_int_equal(options_list(run.options, "app-sub", &list), 0);
    load("--collector", "");
    assert_int_equal(run.exit, OPTION_EXIT_USAGE);
    load("--data", "");
    assert_int_equal(run.exit, OPTION_EXIT_USAGE);
}

static void
a_refusal_names_the_flag_the_value_and_the_rule(void **state)
{
    (void) state;
    load("--interval", "1x");
    assert_int_equal(run.exit, OPTION_EXIT_USAGE);
    assert_string_equal(run.err, "zpulse-test: --interval: \"1x\": a duration such as 250ms, 1s or "
                                 "5m, from 100ms to 1h\n");
    load("--port-base=70000");
    assert_string_equal(run.err,
                        "zpulse-test: --port-base: \"70000\": a whole number, from 1 to 65531\n");
    load("--output", "xml");
    assert_string_equal(run.err, "zpulse-test: --output: \"xml\": one of table, json\n");
    load("--pass=sesame");
    assert_string_equal(
        run.err,
        "zpulse-test: --pass: 6 bytes: text without control characters, at most 5 bytes\n");
    load("--interval");
    assert_string_equal(run.err, "zpulse-test: --interval: needs a value\n");
    load("word");
    assert_int_equal(run.exit, OPTION_EXIT_USAGE);
}

static void
an_unknown_flag_comes_with_the_nearest(void **state)
{
    (void) state;
    load("--intervall", "1s");
    assert_int_equal(run.exit, OPTION_EXIT_USAGE);
    assert_string_equal(run.err,
                        "zpulse-test: --intervall: no such option (did you mean --interval?)\n");
    load("--coll=x");
    assert_string_equal(run.err,
                        "zpulse-test: --coll: no such option (did you mean --collector?)\n");
    load("--zzzzzz");
    assert_string_equal(run.err, "zpulse-test: --zzzzzz: no such option (see --help)\n");
    load("-x");
    assert_int_equal(run.exit, OPTION_EXIT_USAGE);
    load("--");
    assert_int_equal(run.rc, 0);
}

static void
a_refusal_stays_one_line(void **state)
{
    (void) state;
    load("--interval", "1s\n\x1b[2Jzpulse-test: all is well");
    assert_int_equal(run.exit, OPTION_EXIT_USAGE);
    assert_ptr_equal(strchr(run.err, '\n'), run.err + strlen(run.err) - 1);
    assert_null(strchr(run.err, '\x1b'));
    load("--data", "a\tb");
    assert_int_equal(run.exit, OPTION_EXIT_USAGE);
    load("--data", "\xff\xfe");
    assert_int_equal(run.exit, OPTION_EXIT_USAGE);
}

static void
endpoints_and_addresses_are_checked(void **state)
{
    static const char *const good[] = { "tcp://127.0.0.1:5560", "@tcp://h:1", ">tcp://[::1]:65535",
                                        "ipc:///run/x",         "inproc://a", "tcp://*:5" };
    static const char *const bad[] = { "tcp://127.0.0.1",
                                       "tcp://:1",
                                       "tcp://h:0",
                                       "tcp://h:65536",
                                       "tcp://h:1x",
                                       "udp://h:1",
                                       "ipc://",
                                       "h:1",
                                       "@@tcp://h:1",
                                       "tcp://::1:5",
                                       "tcp://[]:5",
                                       "tcp://a b:1",
                                       "tcp://h:99999999999999999999" };
    static const char *const bad_address[] = {
        "8088", ":8088", "h:", "h:0", "h:-1", "h:+1", "[::1]"
    };

    (void) state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        load("--collector", good[i]);
        assert_string_equal(run.err, "");
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        load("--collector", bad[i]);
        if (run.rc == 0)
            fail_msg("%s was taken", bad[i]);
    }
    for (size_t i = 0; i < sizeof bad_address / sizeof bad_address[0]; i++) {
        load("--listen", bad_address[i]);
        if (run.rc == 0)
            fail_msg("%s was taken", bad_address[i]);
    }
    load("--listen", "[::1]:80");
    assert_int_equal(run.rc, 0);
}

static void
an_unknown_key_names_file_key_and_the_nearest(void **state)
{
    (void) state;
    load_file("intervall = 1s\n");
    assert_int_equal(run.exit, OPTION_EXIT_CONFIG);
    assert_string_equal(after_path(), ": intervall: no such setting (did you mean interval?)\n");
    load_file("help = true\n");
    assert_int_equal(run.exit, OPTION_EXIT_CONFIG);
    load_file("config = x\n");
    assert_int_equal(run.exit, OPTION_EXIT_CONFIG);
    load_file("child/with = 4\n");
    assert_int_equal(run.exit, OPTION_EXIT_CONFIG);
}

static void
a_key_given_twice_is_an_error_unless_it_is_a_list(void **state)
{
    (void) state;
    load_file("interval = 1s\ninterval = 2s\n");
    assert_int_equal(run.exit, OPTION_EXIT_CONFIG);
    assert_string_equal(after_path(), ": interval: given twice\n");
}

static void
every_fault_of_a_file_is_told_at_once(void **state)
{
    (void) state;
    load_file("intervall = 1s\ninterval = 1x\nport-base = 0\n");
    assert_non_null(strstr(run.err, ": intervall: no such"));
    assert_non_null(strstr(run.err, ": interval: \"1x\": a duration"));
    assert_non_null(strstr(run.err, ": port-base: \"0\": a whole number"));
}

static void
zpl_is_read_with_its_comments_and_quotes(void **state)
{
    (void) state;
    load_file("# a comment\r\n\n   \ninterval = 2s   # why\r\ndata = \"/a#b\" # c\nonce = true");
    assert_string_equal(run.err, "");
    assert_int_equal(options_ms(run.options, "interval"), 2000);
    assert_string_equal(options_text(run.options, "data"), "/a#b");
    assert_true(options_flag(run.options, "once"));
    load_file("");
    assert_int_equal(run.rc, 0);
}

static void
what_is_not_zpl_is_refused_by_line(void **state)
{
    static const char *const bad[] = {
        "\n  interval = 1s\n",  "\n\tinterval = 1s\n", "\ndata = \"x\n",
        "\ndata = \"x\" y\n",   "\ninterval 1s\n",     "\n= 4\n",
        "\ninterval\n",         "\n/data = x\n",       "\ndata/ = x\n",
        "\ndata = # nothing\n", "\n[section]\n",       "\n    # indented\n",
        "\ndata = 'x\n",
    };

    (void) state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        load_file(bad[i]);
        if (run.exit != OPTION_EXIT_CONFIG || strncmp(after_path(), ":2: ", 4) != 0)
            fail_msg("%s: %d %s", bad[i], run.exit, run.err);
    }
    file_says_bytes("interval = 1s\0\n", 15);
    load("--config", run.path);
    unlink(run.path);
    assert_int_equal(run.exit, OPTION_EXIT_CONFIG);
}

static void
a_line_that_is_too_long_is_refused(void **state)
{
    char text[3000];

    (void) state;
    memset(text, 'a', sizeof text);
    memcpy(text, "data = ", 7);
    text[sizeof text - 1] = '\0';
    load_file(text);
    assert_int_equal(run.exit, OPTION_EXIT_CONFIG);
    text[7 + 901] = '\0';
    load_file(text);
    assert_int_equal(run.exit, OPTION_EXIT_CONFIG);
    text[7 + 900] = '\0';
    load_file(text);
    assert_int_equal(run.rc, 0);
}

static void
a_text_has_as_many_bytes_as_its_option_says(void **state)
{
    static const struct {
        const char *text;
        int exit; // 0: it is taken
    } cases[] = {
        { "a", OPTION_EXIT_USAGE }, { "ab", 0 }, { "abcde", 0 }, { "abcdef", OPTION_EXIT_USAGE }
    };

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        load("--title", cases[i].text);
        if (cases[i].exit == 0) {
            assert_int_equal(run.rc, 0);
            assert_string_equal(options_text(run.options, "title"), cases[i].text);
        } else {
            assert_int_equal(run.exit, cases[i].exit);
            assert_non_null(strstr(run.err, cases[i].text));
            assert_non_null(strstr(run.err, "at least 2 and at most 5 bytes"));
        }
    }
}

static void
every_cut_of_a_file_is_survived(void **state)
{
    static const char whole[] = "# c\ninterval = 2s # x\ndata = \"/a b\"\ncollector = '"
                                "tcp://127.0.0.1:5'\nonce = true\n";

    (void) state;
    for (size_t n = 0; n < sizeof whole; n++) {
        file_says_bytes(whole, n);
        load("--config", run.path);
        unlink(run.path);
        assert_true(run.rc == 0 || run.exit == OPTION_EXIT_CONFIG);
    }
}

static void
a_file_that_is_not_there_is_named(void **state)
{
    (void) state;
    load("--config", "/nonexistent/a.conf");
    assert_int_equal(run.exit, OPTION_EXIT_CONFIG);
    assert_non_null(strstr(run.err, "zpulse-test: /nonexistent/a.conf: "));
    load("--config", "/tmp");
    assert_int_equal(run.exit, OPTION_EXIT_CONFIG);
}

static void
a_bad_variable_is_named(void **state)
{
    (void) state;
    setenv("ZPULSE_HEAD_BYTES", "lots", 1);
    load("--data", "d");
    unsetenv("ZPULSE_HEAD_BYTES");
    assert_int_equal(run.exit, OPTION_EXIT_CONFIG);
    assert_non_null(strstr(run.err, "zpulse-test: ZPULSE_HEAD_BYTES: \"lots\": a size"));
}

static void
check_config_says_ok_or_why_not(void **state)
{
    char want[128];

    (void) state;
    file_says("interval = 2s\n");
    load("--config", run.path, "--check-config");
    unlink(run.path);
    snprintf(want, sizeof want, "%s: ok\n", run.path);
    assert_int_equal(run.rc, 1);
    assert_int_equal(run.exit, 0);
    assert_string_equal(run.out, want);
    load("--check-config");
    assert_string_equal(run.out, "configuration: ok\n");
    file_says("interval = 2x\n");
    load("--check-config", "--config", run.path);
    unlink(run.path);
    assert_int_equal(run.exit, OPTION_EXIT_CONFIG);
    assert_string_equal(run.out, "");
}

static void
the_printed_configuration_reads_back_the_same(void **state)
{
    const char *const *list;
    char printed[8192];

    (void) state;
    load("--print-config", "--data", "it's # \"", "--interval", "2s", "--once", "--app-sub", "",
         "--collector", "tcp://127.0.0.1:1", "--collector", "tcp://127.0.0.1:2");
    assert_int_equal(run.rc, 1);
    assert_non_null(strstr(run.out, "# data cannot be written here"));
    load("--print-config", "--data", "say \"hi\" # x", "--interval", "2s", "--once", "--app-sub",
         "", "--collector", "tcp://127.0.0.1:1", "--collector", "tcp://127.0.0.1:2");
    assert_non_null(strstr(run.out, "interval = \"2s\" # flag\n"));
    assert_non_null(strstr(run.out, "port-base = \"5560\" # default\n"));
    strcpy(printed, run.out);
    load_file(printed);
    assert_string_equal(run.err, "");
    assert_string_equal(options_text(run.options, "data"), "say \"hi\" # x");
    assert_int_equal(options_ms(run.options, "interval"), 2000);
    assert_true(options_flag(run.options, "once"));
    assert_int_equal(options_list(run.options, "app-sub", &list), 0);
    assert_int_equal(options_list(run.options, "collector", &list), 2);
}

// A file that is made so is shown around; who needs the secret gives it by flag or environment.
static void
a_secret_is_in_no_printed_configuration(void **state)
{
    static const char *const secrets[] = { "sesam", "a\"b'c", "#" };
    char printed[8192];

    (void) state;
    load("--print-config");
    assert_non_null(strstr(run.out, "# pass is not set\n"));
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++) {
        load("--print-config", "--pass", secrets[i], "--title", "short");
        assert_null(strstr(run.out, "sesam"));
        assert_null(strstr(run.out, "b'c"));
        assert_non_null(
            strstr(run.out, "# pass is set, and a secret: it is not written here; flag\n"));
        strcpy(printed, run.out);
        load_file(printed);
        assert_string_equal(run.err, "");
        assert_null(options_text(run.options, "pass"));
        assert_string_equal(options_text(run.options, "title"), "short");
    }
}

static void
help_and_version_are_answered(void **state)
{
    (void) state;
    load("--help");
    assert_int_equal(run.rc, 1);
    assert_int_equal(run.exit, 0);
    assert_non_null(strstr(run.out, "usage: zpulse-test [OPTION]...\n"));
    assert_non_null(
        strstr(run.out, "  --interval TIME             between samples (default 1s)\n"));
    assert_non_null(strstr(run.out, "  -h, --help "));
    load("-V");
    assert_string_equal(run.out, "zpulse-test 0.1.0\n");
    load("-h", "--nonsense");
    assert_int_equal(run.exit, 0);
}

static void
words_are_arguments_where_they_are_allowed(void **state)
{
    const char *const argv[] = { "x", "a", "--once", "--", "--b", "-" };
    const char *const *words;

    (void) state;
    load_as(&with_words, 6, argv);
    assert_int_equal(options_arguments(run.options, &words), 3);
    assert_string_equal(words[0], "a");
    assert_string_equal(words[1], "--b");
    assert_string_equal(words[2], "-");
    assert_true(options_flag(run.options, "once"));
}

static int
not_once(const options_t *options, FILE *err)
{
    if (!options_flag(options, "once"))
        return 0;
    fprintf(err, "zpulse-test: once: not today\n");
    return ERR_RANGE;
}

static void
a_rule_of_the_program_holds_for_check_config_too_and_not_for_help(void **state)
{
    const struct option_program ruled = {
        .name = "zpulse-test", .summary = "", .usage = "", .options = table, .check = not_once
    };

    (void) state;
    load_as(&ruled, 1, (const char *[]){ "x" });
    assert_int_equal(run.rc, 0);
    load_as(&ruled, 2, (const char *[]){ "x", "--once" });
    assert_int_equal(run.rc, ERR_RANGE);
    assert_int_equal(run.exit, OPTION_EXIT_CONFIG);
    assert_string_equal(run.err, "zpulse-test: once: not today\n");
    load_as(&ruled, 3, (const char *[]){ "x", "--once", "--check-config" });
    assert_int_equal(run.rc, ERR_RANGE);
    assert_string_equal(run.out, "");
    load_as(&ruled, 3, (const char *[]){ "x", "--once", "--help" });
    assert_int_equal(run.exit, OPTION_EXIT_OK);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_stand_where_nothing_is_said),
        cmocka_unit_test(flags_take_a_value_after_a_space_or_an_equals_sign),
        cmocka_unit_test(a_flag_beats_the_environment_and_that_the_file),
        cmocka_unit_test(a_list_is_taken_whole_from_its_highest_source),
        cmocka_unit_test(an_empty_endpoint_turns_an_input_off_where_that_is_allowed),
        cmocka_unit_test(a_refusal_names_the_flag_the_value_and_the_rule),
        cmocka_unit_test(an_unknown_flag_comes_with_the_nearest),
        cmocka_unit_test(a_refusal_stays_one_line),
        cmocka_unit_test(endpoints_and_addresses_are_checked),
        cmocka_unit_test(an_unknown_key_names_file_key_and_the_nearest),
        cmocka_unit_test(a_key_given_twice_is_an_error_unless_it_is_a_list),
        cmocka_unit_test(every_fault_of_a_file_is_told_at_once),
        cmocka_unit_test(zpl_is_read_with_its_comments_and_quotes),
        cmocka_unit_test(what_is_not_zpl_is_refused_by_line),
        cmocka_unit_test(a_line_that_is_too_long_is_refused),
        cmocka_unit_test(a_text_has_as_many_bytes_as_its_option_says),
        cmocka_unit_test(every_cut_of_a_file_is_survived),
        cmocka_unit_test(a_file_that_is_not_there_is_named),
        cmocka_unit_test(a_bad_variable_is_named),
        cmocka_unit_test(check_config_says_ok_or_why_not),
        cmocka_unit_test(the_printed_configuration_reads_back_the_same),
        cmocka_unit_test(a_secret_is_in_no_printed_configuration),
        cmocka_unit_test(help_and_version_are_answered),
        cmocka_unit_test(words_are_arguments_where_they_are_allowed),
        cmocka_unit_test(a_rule_of_the_program_holds_for_check_config_too_and_not_for_help),
    };
    return cmocka_run_group_tests_name("option", tests, NULL, teardown);
}
