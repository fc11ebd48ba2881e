// key_file - a secret key is its owner's alone, whole, and never made twice.

#include "shared/net/key_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/err.h"
#include "shared/base/file.h"
#include "tests/support/folder.h"

struct place {
    char top[64];
    char dir[80];   // of keys, not made yet
    char name[128]; // of the last in()
    struct buf why;
};

static const char *
in(struct place *p, const char *name)
{
    snprintf(p->name, sizeof p->name, "%s/%s", p->dir, name);
    return p->name;
}

static int
set_up(void **state)
{
    struct place *p = calloc(1, sizeof *p);

    snprintf(p->top, sizeof p->top, "/tmp/test_key_file.XXXXXX");
    *state = p;
    if (mkdtemp(p->top) == NULL)
        return -1;
    snprintf(p->dir, sizeof p->dir, "%s/a/keys", p->top);
    return 0;
}

static int
tear_down(void **state)
{
    struct place *p = *state;

    folder_remove(p->top);
    buf_release(&p->why);
    free(p);
    return 0;
}

static struct key_pair
made(struct place *p)
{
    struct key_pair pair;
    bool fresh;
    int rc = key_file_load_or_make(&pair, &fresh, p->dir, "agent", &p->why);

    if (rc != 0)
        fail_msg("%s", buf_cstr(&p->why));
    assert_true(fresh);
    return pair;
}

static unsigned
mode_of(const char *path)
{
    struct stat st;

    assert_int_equal(lstat(path, &st), 0);
    return (unsigned) st.st_mode & 07777;
}

static void
refused(struct place *p, int rc, const char *rule)
{
    struct key_pair pair;
    bool fresh;

    assert_int_equal(key_file_load(&pair, p->dir, "agent", &p->why), rc);
    if (strstr(buf_cstr(&p->why), rule) == NULL || strstr(buf_cstr(&p->why), p->dir) == NULL)
        fail_msg("it says: %s", buf_cstr(&p->why));
    // And is not made anew over it.
    assert_int_equal(key_file_load_or_make(&pair, &fresh, p->dir, "agent", &p->why), rc);
    assert_false(fresh);
}

static void
a_pair_is_made_once_and_is_for_its_owner_alone(void **state)
{
    struct place *p = *state;
    struct key_pair first = made(p), again;
    char half[KEY_TEXT_SIZE];
    struct dirent *entry;
    unsigned files = 0;
    bool fresh;
    DIR *dir;

    assert_int_equal(key_file_load_or_make(&again, &fresh, p->dir, "agent", &p->why), 0);
    assert_false(fresh);
    assert_memory_equal(&first, &again, sizeof first);
    assert_int_equal(mode_of(in(p, "agent.key")), 0600);
    assert_int_equal(mode_of(in(p, "agent.pub")), 0644);
    assert_int_equal(mode_of(p->dir), 0700);
    assert_int_equal(key_file_load_public(half, p->dir, "agent", &p->why), 0);
    assert_string_equal(half, first.public_text);
    dir = opendir(p->dir);
    while ((entry = readdir(dir)) != NULL)
        files += entry->d_name[0] != '.' || strlen(entry->d_name) > 2;
    closedir(dir);
    assert_int_equal(files, 2);
}

static void
a_key_that_others_may_read_is_refused(void **state)
{
    static const unsigned modes[] = { 0644, 0640, 0604, 0660, 0620, 0601, 0610, 0700, 04600 };
    struct place *p = *state;
    char text[32];

    made(p);
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        assert_int_equal(chmod(in(p, "agent.key"), modes[i]), 0);
        snprintf(text, sizeof text, "agent.key: has mode %04o", modes[i]);
        refused(p, -EPERM, text);
        refused(p, -EPERM, "0600");
        assert_int_equal(mode_of(in(p, "agent.key")), modes[i]);
    }
}

static void
a_key_that_only_its_owner_may_read_is_taken(void **state)
{
    struct place *p = *state;
    struct key_pair pair;

    made(p);
    assert_int_equal(chmod(in(p, "agent.key"), 0400), 0);
    assert_int_equal(key_file_load(&pair, p->dir, "agent", &p->why), 0);
}

static void
a_folder_that_others_may_write_is_refused(void **state)
{
    struct place *p = *state;

    made(p);
    assert_int_equal(chmod(p->dir, 0770), 0);
    refused(p, -EPERM, "has mode 0770");
    assert_int_equal(chmod(p->dir, 01777), 0);
    refused(p, -EPERM, "has mode 1777");
    assert_int_equal(chmod(p->dir, 0755), 0);
    assert_int_equal(key_file_load(&(struct key_pair){ 0 }, p->dir, "agent", &p->why), 0);
}

static void
a_link_or_fifo_is_no_key(void **state)
{
    struct place *p = *state;
    char real[128];

    made(p);
    snprintf(real, sizeof real, "%s/real", p->top);
    assert_int_equal(rename(in(p, "agent.key"), real), 0);
    assert_int_equal(symlink(real, in(p, "agent.key")), 0);
    refused(p, -ELOOP, "symbolic link");
    unlink(in(p, "agent.key"));
    assert_int_equal(mkfifo(in(p, "agent.key"), 0600), 0);
    refused(p, -EPERM, "no plain file");
}

static void
another_users_key_is_refused(void **state)
{
    struct place *p = *state;

    if (geteuid() != 0)
        skip(); // only root can give a file away
    made(p);
    assert_int_equal(chown(in(p, "agent.key"), 1, 0), 0);
    refused(p, -EPERM, "belongs to user 1");
    assert_int_equal(chown(in(p, "agent.key"), 0, 0), 0);
    assert_int_equal(chown(p->dir, 1, 0), 0);
    refused(p, -EPERM, "belongs to user 1");
}

static void
put(struct place *p, const char *text)
{
    assert_int_equal(file_write_atomic(in(p, "agent.key"), text, strlen(text), 0600), 0);
}

static void
what_is_no_pair_is_refused_and_left_alone(void **state)
{
    struct place *p = *state;
    const struct key_pair one = made(p);
    struct key_pair other;
    char text[2000], long_text[1100];

    assert_int_equal(key_pair_make(&other), 0);
    put(p, "");
    refused(p, ERR_FORMAT, "agent.key");
    snprintf(text, sizeof text, "public %s\n", one.public_text);
    put(p, text);
    refused(p, ERR_FORMAT, "secret KEY");
    snprintf(text, sizeof text, "public %s\nsecret %s\n", one.public_text, other.secret_text);
    put(p, text);
    refused(p, ERR_FORMAT, "belong together");
    snprintf(text, sizeof text, "public %s\nsecret %s\nsecret %s\n", one.public_text,
             one.secret_text, one.secret_text);
    put(p, text);
    refused(p, ERR_FORMAT, "agent.key");
    snprintf(text, sizeof text, "public %s\nsecret %s \n", one.public_text, one.secret_text);
    put(p, text);
    refused(p, ERR_FORMAT, "agent.key");
    memset(long_text, '#', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    put(p, long_text);
    refused(p, ERR_FORMAT, "1024 bytes");
}

static void
a_file_cut_at_any_byte_is_no_key(void **state)
{
    struct key_pair pair, taken;
    char text[200], *copy;
    int n;

    (void) state;
    assert_int_equal(key_pair_make(&pair), 0);
    n = snprintf(text, sizeof text, "# c\npublic %s\nsecret %s", pair.public_text,
                 pair.secret_text);
    assert_int_equal(key_file_parse(&taken, true, text, (size_t) n), 0);
    for (int cut = 0; cut < n; cut++) {
        copy = malloc((size_t) cut + 1); // its size shows a read past the end
        memcpy(copy, text, (size_t) cut);
        assert_int_equal(key_file_parse(&taken, true, copy, (size_t) cut), ERR_FORMAT);
        assert_int_equal(taken.secret_text[0], 0);
        free(copy);
    }
}

static void
text_and_bytes_of_a_key_are_one(void **state)
{
    static const uint8_t hello[4] = { 0x86, 0x4f, 0xd2, 0x6f }; // RFC 32's example: "Hello"
    uint8_t key[KEY_BYTES], back[KEY_BYTES];
    char text[KEY_TEXT_SIZE];

    (void) state;
    for (size_t i = 0; i < KEY_BYTES; i++)
        key[i] = hello[i % 4];
    key_to_text(text, key);
    assert_string_equal(text, "HelloHelloHelloHelloHelloHelloHelloHello");
    assert_int_equal(key_from_text(back, text, KEY_TEXT_LEN), 0);
    assert_memory_equal(back, key, KEY_BYTES);
    memset(key, 0xff, sizeof key);
    key_to_text(text, key);
    assert_int_equal(key_from_text(back, text, KEY_TEXT_LEN), 0);
    assert_memory_equal(back, key, KEY_BYTES);
    // More than 32 bits, a character that is none, a NUL, and other lengths.
    assert_false(key_is_text("#####HelloHelloHelloHelloHelloHelloHello", 40));
    assert_false(key_is_text("Hell~HelloHelloHelloHelloHelloHelloHello", 40));
    assert_false(key_is_text("Hell\0HelloHelloHelloHelloHelloHelloHello", 40));
    assert_false(key_is_text(text, 39));
    assert_false(key_is_text("", 0));
}

static void *
start(void *arg)
{
    struct place *p = arg;
    struct key_pair *pair = calloc(1, sizeof *pair);
    struct buf why = { 0 };
    bool fresh;

    if (key_file_load_or_make(pair, &fresh, p->dir, "agent", &why) != 0)
        fprintf(stderr, "%s\n", buf_cstr(&why));
    buf_release(&why);
    return pair;
}

static void
of_many_that_start_at_once_one_makes_the_key(void **state)
{
    struct place *p = *state;
    pthread_t threads[8];
    void *pairs[8];

    for (size_t i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, start, p), 0);
    for (size_t i = 0; i < 8; i++)
        pthread_join(threads[i], &pairs[i]);
    for (size_t i = 0; i < 8; i++) {
        assert_int_not_equal(((struct key_pair *) pairs[i])->secret_text[0], 0);
        assert_memory_equal(pairs[i], pairs[0], sizeof(struct key_pair));
    }
    for (size_t i = 0; i < 8; i++)
        free(pairs[i]);
}

static void
a_replaced_pair_is_another_with_the_same_rules(void **state)
{
    struct place *p = *state;
    const struct key_pair old = made(p);
    struct key_pair fresh, loaded;

    assert_int_equal(key_pair_make(&fresh), 0);
    assert_int_equal(key_file_replace(&fresh, p->dir, "agent", &p->why), 0);
    assert_int_equal(key_file_load(&loaded, p->dir, "agent", &p->why), 0);
    assert_memory_equal(&loaded, &fresh, sizeof fresh);
    assert_memory_not_equal(&loaded, &old, sizeof old);
    assert_int_equal(mode_of(in(p, "agent.key")), 0600);
    key_pair_wipe(&loaded);
    assert_int_equal(loaded.secret_text[0], 0);
}

static void
anothers_public_key_is_kept_under_its_name(void **state)
{
    struct place *p = *state;
    const struct key_pair pair = made(p);
    char half[KEY_TEXT_SIZE];

    assert_int_equal(key_file_load_public(half, p->dir, "collector", &p->why), -ENOENT);
    assert_int_equal(key_file_save_public(p->dir, "collector", pair.public_text, &p->why), 0);
    assert_int_equal(key_file_load_public(half, p->dir, "collector", &p->why), 0);
    assert_string_equal(half, pair.public_text);
    assert_int_equal(key_file_load(&(struct key_pair){ 0 }, p->dir, "../keys/agent", &p->why),
                     -ENAMETOOLONG);
}

static void
the_folder_of_keys_is_the_given_one_or_the_first_that_is_there(void **state)
{
    struct place *p = *state;
    struct buf dir = { 0 };
    char here[256], path[128];

    assert_true(key_dir_find(&dir, "/nowhere", p->top));
    assert_string_equal(buf_cstr(&dir), "/nowhere");
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir(p->top), 0);
    snprintf(path, sizeof path, "%s/.config/zpulse", p->top);
    assert_int_equal(file_make_dirs(path), 0);
    assert_true(key_dir_find(&dir, NULL, p->top));
    assert_string_equal(buf_cstr(&dir), path);
    assert_int_equal(file_make_dirs("run/keys"), 0);
    assert_true(key_dir_find(&dir, NULL, p->top));
    assert_string_equal(buf_cstr(&dir), "./run/keys");
    assert_int_equal(chdir(here), 0);
    buf_release(&dir);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_pair_is_made_once_and_is_for_its_owner_alone),
        TEST(a_key_that_others_may_read_is_refused),
        TEST(a_key_that_only_its_owner_may_read_is_taken),
        TEST(a_folder_that_others_may_write_is_refused),
        TEST(a_link_or_fifo_is_no_key),
        TEST(another_users_key_is_refused),
        TEST(what_is_no_pair_is_refused_and_left_alone),
        TEST(a_file_cut_at_any_byte_is_no_key),
        TEST(text_and_bytes_of_a_key_are_one),
        TEST(of_many_that_start_at_once_one_makes_the_key),
        TEST(a_replaced_pair_is_another_with_the_same_rules),
        TEST(anothers_public_key_is_kept_under_its_name),
        TEST(the_folder_of_keys_is_the_given_one_or_the_first_that_is_there),
    };

    return cmocka_run_group_tests_name("key_file", tests, NULL, NULL);
}
