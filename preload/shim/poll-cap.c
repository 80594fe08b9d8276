/*
 * Library of its own, for BIRD only: BIRD 2.0.12 goes to sleep for up to three seconds with work queued (its event loop
 * runs events before timers), so poll() returns early. The first sleep after something happened is a millisecond, each
 * further one twice that, up to BTR_POLL_CAP_MS; an idle BIRD wakes up a few dozen times a second and finds nothing.
 */
#include "btr.h"

#include <poll.h>
#include <stdlib.h>

#define DEFAULT_CAP_MS 20

static int longest = DEFAULT_CAP_MS;
static int next = 1; /* BIRD polls in one thread only */

__attribute__((constructor)) static void start(void)
{
    const char *text = getenv("BTR_POLL_CAP_MS");
    int value = 0;
    for (; text != NULL && *text >= '0' && *text <= '9' && value < 10000; text++)
        value = value * 10 + (*text - '0');
    if (value > 0)
        longest = value;
}

BTR_EXPORT int poll(struct pollfd *fds, nfds_t count, int timeout)
{
    bool capped = timeout < 0 || timeout > next;
    int wait = capped ? next : timeout;
    struct timespec limit = {wait / 1000, (wait % 1000) * 1000000L};
    int ready = (int)RAW(ppoll, fds, count, &limit, NULL, 0);
    if (ready != 0)
        next = 1;
    else if (capped)
        next = next * 2 < longest ? next * 2 : longest;
    return ready;
}
