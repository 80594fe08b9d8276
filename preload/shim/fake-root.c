/*
 * Library of its own, for OpenBGPD only: it insists on being started by root so that it can give root up. Here it never
 * has root in the first place, is told that it has, and its giving up succeeds without effect.
 */
#include "btr.h"

#include <grp.h>

BTR_EXPORT uid_t geteuid(void)
{
    return 0;
}

BTR_EXPORT int chroot(const char *path)
{
    (void)path;
    return 0;
}

BTR_EXPORT int setgroups(size_t count, const gid_t *groups)
{
    (void)count;
    (void)groups;
    return 0;
}

BTR_EXPORT int setresgid(gid_t real, gid_t effective, gid_t saved)
{
    (void)real;
    (void)effective;
    (void)saved;
    return 0;
}

BTR_EXPORT int setresuid(uid_t real, uid_t effective, uid_t saved)
{
    (void)real;
    (void)effective;
    (void)saved;
    return 0;
}
