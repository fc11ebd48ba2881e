// ctl_keys - see the header.

#include "collector/ctl/ctl_keys.h"

#include <stdio.h>

#include "shared/base/err.h"
#include "shared/net/enrol_client.h"
#include "shared/net/sock.h"

int
ctl_keys_load(struct client_keys *keys, const struct curve **curve, const char *command,
              const options_t *options)
{
    const char *collector = options_text(options, "collector");
    const bool insecure = options_flag(options, "insecure");
    char dir[CLIENT_KEYS_DIR_SIZE];
    struct buf why = { 0 };
    int rc = 0;

    *curve = NULL;
    if (insecure && collector != NULL && !sock_is_local(collector)) {
        fprintf(stderr,
                "zpulse %s: collector: %s: not an address of this machine; --insecure is for one "
                "of this machine only\n",
                command, collector);
        return ERR_RANGE;
    }
    if (insecure)
        return 0;
    client_keys_dir(dir, options_text(options, "keys"), false);
    rc = client_keys_load(keys, dir, ENROL_OPERATOR_NAME, &why);
    if (rc < 0)
        fprintf(stderr, "zpulse %s: %s\n", command, buf_cstr(&why));
    else
        *curve = &keys->curve;
    buf_release(&why);
    return rc;
}
