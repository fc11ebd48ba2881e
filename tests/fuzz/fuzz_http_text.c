// fuzz_http_text - what a client says in headers and paths: cookies, Host, escapes.
//
// A path that is put in escapes is read back the same. Nobody comes in by a cookie without the
// token.

#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dashboard/access_token.h"
#include "dashboard/connection_book.h"
#include "dashboard/permit.h"
#include "dashboard/url.h"
#include "shared/base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t n);

#define TOKEN "0123456789abcdef"

static access_token_t *
s_token(void)
{
    static access_token_t *token;
    char path[64];
    struct buf why = { 0 };
    FILE *file;

    if (token != NULL)
        return token;
    snprintf(path, sizeof path, "/tmp/fuzz_http_text.%d", (int) getpid());
    file = fdopen(open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), "w");
    if (file == NULL || fputs(TOKEN, file) < 0 || fclose(file) != 0 ||
        access_token_load(&token, path, &why) < 0)
        abort();
    unlink(path);
    buf_release(&why);
    return token;
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
    static permit_t *permit;
    char *text = malloc(n + 1), *decoded;
    struct buf out = { 0 };

    memcpy(text, at, n);
    text[n] = '\0';
    if (permit == NULL)
        permit = permit_new("127.0.0.1:8088", NULL, 0);
    if (permit_host(permit, text) && strchr(text, '/') != NULL)
        abort();
    (void) connection_book_takes(text);
    if ((access_token_cookie(s_token(), text) || access_token_bearer(s_token(), text) ||
         access_token_is(s_token(), text)) &&
        strstr(text, TOKEN) == NULL)
        abort();
    decoded = url_decode(text);
    if (decoded != NULL) {
        char *again;

        url_encode_path(&out, decoded);
        again = url_decode(buf_cstr(&out));
        if (again == NULL || strcmp(again, decoded) != 0 ||
            strpbrk(buf_cstr(&out), "\r\n \\\"?#") != NULL)
            abort();
        free(again);
        free(decoded);
    }
    buf_release(&out);
    free(text);
    return 0;
}
