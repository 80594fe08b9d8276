/*
 * Library of its own, for zebra only: started by root or not, it changes to the user it was built for and takes hold of
 * capabilities, and gives up when it may not. Here it is an ordinary user from the start and needs no capability, because
 * its kernel is the hypervisor: asking succeeds without effect.
 */
#include "btr.h"

#include <grp.h>

BTR_EXPORT int cap_set_proc(void *capabilities)
{
    (void)capabilities;
    return 0;
}

BTR_EXPORT int setgroups(size_t count, const gid_t *groups)
{
    (void)count;
    (void)groups;
    return 0;
}

BTR_EXPORT int setreuid(uid_t real, uid_t effective)
{
    (void)real;
    (void)effective;
    return 0;
}

BTR_EXPORT int setregid(gid_t real, gid_t effective)
{
    (void)real;
    (void)effective;
    return 0;
}
