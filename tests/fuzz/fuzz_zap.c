// fuzz_zap - a request for admission made of anything. Only a whole one, at a door of ours, is one.
//
// Input: parts, each a byte of length and so many bytes.

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "collector/zap_request.h"
#include "shared/net/curve.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
    struct zap_part parts[ZAP_PARTS_MOST] = { 0 }, answer[ZAP_ANSWER_MOST];
    struct zap_request request;
    uint8_t *copies[ZAP_PARTS_MOST];
    size_t n_parts = 0;

    for (size_t i = 0; i < n && n_parts < ZAP_PARTS_MOST; n_parts++) {
        size_t len = at[i++];

        len = len < n - i ? len : n - i;
        copies[n_parts] = malloc(len + 1);
        memcpy(copies[n_parts], at + i, len);
        parts[n_parts] = (struct zap_part){ copies[n_parts], len };
        i += len;
    }
    if (zap_request_take(&request, parts, n_parts) == 0) {
        const char *domain = curve_domain(request.door);

        if (n_parts != 8 || parts[3].len != strlen(domain) ||
            memcmp(parts[3].at, domain, parts[3].len) != 0 ||
            memcmp(parts[7].at, request.key, KEY_BYTES) != 0)
            abort();
    }
    zap_answer_put(answer, &request.id, n > 0 ? at[0] * 2 : 0, "user");
    if (memcmp(answer[3].at, "200", 3) == 0 && (n == 0 || at[0] != 100))
        abort();
    for (size_t i = 0; i < n_parts; i++)
        free(copies[i]);
    return 0;
}
