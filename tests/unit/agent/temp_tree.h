// temp_tree - a root folder of a test's own, filled file by file, and taken away at its end.

#ifndef TESTS_UNIT_AGENT_TEMP_TREE_H
#define TESTS_UNIT_AGENT_TEMP_TREE_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/proc/proc_root.h"

#define TEMP_TREE_PATH 512

struct temp_tree {
    char folder[64];
    proc_root_t *root;
};

// The path of a file in the tree; the folders it lies in are made.
static inline const char *
temp_tree_path(const struct temp_tree *tree, char out[TEMP_TREE_PATH], const char *path)
{
    const int n = snprintf(out, TEMP_TREE_PATH, "%s/%s", tree->folder, path);

    assert_true(n > 0 && n < TEMP_TREE_PATH);
    for (char *slash = out + strlen(tree->folder) + 1; (slash = strchr(slash, '/')) != NULL;
         slash++) {
        *slash = '\0';
        (void) mkdir(out, 0700);
        *slash = '/';
    }
    return out;
}

// In one step, as the kernel changes a value: who reads meanwhile gets the old text or the new one.
static inline void
temp_tree_write(const struct temp_tree *tree, const char *path, const char *text)
{
    char full[TEMP_TREE_PATH], part[TEMP_TREE_PATH];
    FILE *f = fopen(temp_tree_path(tree, part, ".part"), "w");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(rename(part, temp_tree_path(tree, full, path)), 0);
}

static inline void
temp_tree_link(const struct temp_tree *tree, const char *path, const char *target)
{
    char full[TEMP_TREE_PATH];

    assert_int_equal(symlink(target, temp_tree_path(tree, full, path)), 0);
}

static inline int
temp_tree_unlink(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void) st;
    (void) kind;
    (void) ftw;
    return remove(path);
}

// The file, or the folder with all in it.
static inline void
temp_tree_remove(const struct temp_tree *tree, const char *path)
{
    char full[TEMP_TREE_PATH];

    assert_int_equal(
        nftw(temp_tree_path(tree, full, path), temp_tree_unlink, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static inline struct temp_tree
temp_tree(void)
{
    struct temp_tree tree = { .folder = "/tmp/zpulse-test-XXXXXX" };

    assert_non_null(mkdtemp(tree.folder));
    temp_tree_write(&tree, "proc/version", "Linux\n");
    assert_int_equal(proc_root_open(&tree.root, tree.folder), 0);
    return tree;
}

static inline void
temp_tree_end(struct temp_tree *tree)
{
    proc_root_close(&tree->root);
    assert_int_equal(nftw(tree->folder, temp_tree_unlink, 8, FTW_DEPTH | FTW_PHYS), 0);
}

#endif
