// page_files - the page's files: what is given, in which form, and what is never given.

#include "dashboard/page_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/file.h"
#include "tests/unit/dashboard/room.h"

static const uint8_t raw[] = "<!doctype html><html></html>";
static const uint8_t gz[] = "gz";

#define ASSET(path, type)                                                             \
    {                                                                                 \
        path, type, "\"plain\"", "\"packed\"", raw, sizeof raw - 1, gz, sizeof gz - 1 \
    }
static const struct page_asset assets[] = {
    ASSET("/index.html", "text/html; charset=utf-8"),
    ASSET("/assets/app.1f2e3d4c5b.js", "text/javascript; charset=utf-8"),
    ASSET("/assets/plain.js", "text/javascript; charset=utf-8"),
};

static int
get(const page_files_t *files, const char *path, const char *accept, const char *have,
    struct page_file *ret)
{
    const struct page_want want = { path, accept, have };

    return page_files_get(files, &want, ret);
}

static void
the_page_stands_at_the_root_and_at_every_host(void **state)
{
    static const char *const paths[] = { "/", "/index.html", "/h/web-1", "/h/a/b" };
    page_files_t *files;
    struct page_file f;

    (void) state;
    assert_int_equal(page_files_open(&files, assets, N_OF(assets), NULL), 0);
    for (size_t i = 0; i < N_OF(paths); i++) {
        assert_int_equal(get(files, paths[i], NULL, NULL, &f), 200);
        assert_ptr_equal(f.bytes, raw);
        assert_string_equal(f.type, "text/html; charset=utf-8");
        assert_true(f.ours);
        assert_false(f.immutable);
    }
    page_files_close(&files);
}

static void
a_path_that_is_no_file_is_404_and_never_the_page(void **state)
{
    static const char *const paths[] = { "/h", "/nope",       "/assets/",    "/assets",
                                         "",   "/INDEX.HTML", "/index.html/" };
    page_files_t *files;
    struct page_file f;

    (void) state;
    assert_int_equal(page_files_open(&files, assets, N_OF(assets), NULL), 0);
    for (size_t i = 0; i < N_OF(paths); i++)
        assert_int_equal(get(files, paths[i], NULL, NULL, &f), 404);
    page_files_close(&files);
}

static void
gzip_goes_to_those_who_accept_it(void **state)
{
    static const struct {
        const char *accept;
        bool gzip;
    } cases[] = {
        { NULL, false },
        { "", false },
        { "identity", false },
        { "gzip", true },
        { "GZIP", true },
        { "deflate, gzip;q=0.5, br", true },
        { "gzip;q=0", false },
        { "gzip; q=0.000", false },
        { "gzip ; Q = 0 , *", false },
        { "gzip;q=0.001", true },
        { "*", true },
        { "*;q=0", false },
        { "*;q=0, gzip", true },
        { "xgzip, gzipx", false },
        { ",,gzip", true },
    };
    page_files_t *files;
    struct page_file f;

    (void) state;
    assert_int_equal(page_files_open(&files, assets, N_OF(assets), NULL), 0);
    for (size_t i = 0; i < N_OF(cases); i++) {
        assert_int_equal(get(files, "/", cases[i].accept, NULL, &f), 200);
        if (f.gzip != cases[i].gzip)
            fail_msg("Accept-Encoding: %s", cases[i].accept);
        assert_ptr_equal(f.bytes, cases[i].gzip ? gz : raw);
        assert_string_equal(f.etag, cases[i].gzip ? "\"packed\"" : "\"plain\"");
        assert_true(f.vary);
    }
    page_files_close(&files);
}

static void
who_has_it_already_gets_304_of_that_form_only(void **state)
{
    static const struct {
        const char *have;
        int code;
    } cases[] = {
        { NULL, 200 },
        { "\"plain\"", 304 },
        { "\"other\", \"plain\"", 304 },
        { "W/\"plain\"", 304 },
        { "\"other\"", 200 },
        { "\"packed\"", 200 },
        { "*", 304 },
        { "plain", 200 },
        { "\"plai", 200 },
        { "", 200 },
        { " ,\t\"plain\"", 304 },
    };
    page_files_t *files;
    struct page_file f;

    (void) state;
    assert_int_equal(page_files_open(&files, assets, N_OF(assets), NULL), 0);
    for (size_t i = 0; i < N_OF(cases); i++)
        if (get(files, "/", NULL, cases[i].have, &f) != cases[i].code)
            fail_msg("If-None-Match: %s", cases[i].have);
    assert_int_equal(get(files, "/", "gzip", "\"packed\"", &f), 304);
    page_files_close(&files);
}

static void
only_a_name_with_a_hash_is_for_ever(void **state)
{
    page_files_t *files;
    struct page_file f;

    (void) state;
    assert_int_equal(page_files_open(&files, assets, N_OF(assets), NULL), 0);
    assert_int_equal(get(files, "/assets/app.1f2e3d4c5b.js", NULL, NULL, &f), 200);
    assert_true(f.immutable);
    assert_int_equal(get(files, "/assets/plain.js", NULL, NULL, &f), 200);
    assert_false(f.immutable);
    page_files_close(&files);
}

static void
put_file(const char *dir, const char *name, const char *text)
{
    char path[512];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    assert_int_equal(file_write_atomic(path, text, strlen(text), 0644), 0);
}

// DIR/secret, and DIR/root with files and every way out of it that a folder can have.
static void
make_root(const char *dir, const char *root)
{
    char path[128], target[128];

    snprintf(path, sizeof path, "%s/sub", root);
    assert_int_equal(file_make_dirs(path), 0);
    put_file(dir, "secret", "secret");
    put_file(root, "index.html", "mine");
    put_file(root, ".hidden", "hidden");
    put_file(root, "sub/a.CSS", "a");
    snprintf(target, sizeof target, "%s/secret", dir);
    snprintf(path, sizeof path, "%s/link", root);
    assert_int_equal(symlink(target, path), 0);
    snprintf(path, sizeof path, "%s/linkdir", root);
    assert_int_equal(symlink(dir, path), 0);
    snprintf(path, sizeof path, "%s/pipe", root);
    assert_int_equal(mkfifo(path, 0644), 0);
}

static void
remove_root(const char *dir, const char *root)
{
    static const char *const names[] = { "index.html", ".hidden", "sub/a.CSS",
                                         "link",       "linkdir", "pipe" };
    char path[128];

    for (size_t i = 0; i < N_OF(names); i++) {
        snprintf(path, sizeof path, "%s/%s", root, names[i]);
        assert_int_equal(unlink(path), 0);
    }
    snprintf(path, sizeof path, "%s/sub", root);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(root), 0);
    snprintf(path, sizeof path, "%s/secret", dir);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0);
}

// The file is there, and this is what it holds.
static void
expect_file(const page_files_t *files, const char *path, const char *type, const char *text)
{
    struct page_file f;
    char got[16] = "";

    assert_int_equal(get(files, path, "gzip", NULL, &f), 200);
    assert_string_equal(f.type, type);
    assert_false(f.ours);
    assert_false(f.gzip);
    assert_int_equal(f.len, strlen(text));
    assert_int_equal(read(f.fd, got, sizeof got), strlen(text));
    assert_string_equal(got, text);
    close(f.fd);
}

static void
operators_files_are_read_at_each_request_and_nothing_beside_them(void **state)
{
    static const char *const outside[] = {
        "/../secret",
        "/sub/../../secret",
        "/sub/../index.html",
        "/./index.html",
        "/link",
        "/linkdir/secret",
        "/sub",
        "/sub/",
        "//",
        "/.hidden",
        "/pipe",
        "/none",
        "/..",
        "/.",
    };
    char dir[] = "/tmp/zpulse-page-XXXXXX";
    char root[64];
    page_files_t *files;
    struct page_file f;

    (void) state;
    assert_non_null(mkdtemp(dir));
    snprintf(root, sizeof root, "%s/root", dir);
    make_root(dir, root);
    assert_int_equal(page_files_open(&files, assets, N_OF(assets), root), 0);
    for (size_t i = 0; i < N_OF(outside); i++)
        if (get(files, outside[i], NULL, NULL, &f) != 404)
            fail_msg("%s was given", outside[i]);
    expect_file(files, "/sub/a.CSS", "text/css; charset=utf-8", "a");
    expect_file(files, "/", "text/html; charset=utf-8", "mine");
    put_file(root, "index.html", "changed");
    expect_file(files, "/h/web-1", "text/html; charset=utf-8", "changed");
    page_files_close(&files);

    remove_root(dir, root);
    assert_int_equal(page_files_open(&files, assets, N_OF(assets), root), -ENOENT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_stands_at_the_root_and_at_every_host),
        cmocka_unit_test(a_path_that_is_no_file_is_404_and_never_the_page),
        cmocka_unit_test(gzip_goes_to_those_who_accept_it),
        cmocka_unit_test(who_has_it_already_gets_304_of_that_form_only),
        cmocka_unit_test(only_a_name_with_a_hash_is_for_ever),
        cmocka_unit_test(operators_files_are_read_at_each_request_and_nothing_beside_them),
    };

    return cmocka_run_group_tests_name("page_files", tests, NULL, NULL);
}
