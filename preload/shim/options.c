/*
 * What a daemon asks about its sockets: addresses come from the label, options on a virtual socket always succeed
 * (BIRD and OpenBGPD give up on a listener whose IP_TTL cannot be set), TCP questions are answered with zeros.
 * Buffer sizes stay as the hypervisor made them. A netlink socket's own options go to the hypervisor (netlink.c).
 */
#include "btr.h"

#include <linux/netlink.h>

BTR_EXPORT int getsockname(int fd, struct sockaddr *address, socklen_t *length)
{
    struct btr_label label;
    if (!btr_label_of(fd, &label))
        return (int)RAW(getsockname, fd, address, length);
    btr_give_address(&label, false, address, length);
    return 0;
}

BTR_EXPORT int getpeername(int fd, struct sockaddr *address, socklen_t *length)
{
    struct btr_label label;
    if (!btr_label_of(fd, &label))
        return (int)RAW(getpeername, fd, address, length);
    if (label.kind == BTR_LISTENER) {
        errno = ENOTCONN;
        return -1;
    }
    btr_give_address(&label, true, address, length);
    return 0;
}

static void give_int(int value, void *out, socklen_t *length)
{
    const uint8_t *from = (const uint8_t *)&value;
    if (*length > sizeof value)
        *length = sizeof value;
    for (socklen_t i = 0; i < *length; i++)
        ((uint8_t *)out)[i] = from[i];
}

BTR_EXPORT int getsockopt(int fd, int level, int name, void *value, socklen_t *length)
{
    struct btr_label label;
    if (value == NULL || length == NULL || !btr_label_of(fd, &label))
        return (int)RAW(getsockopt, fd, level, name, value, length);
    bool netlink = label.kind == BTR_NETLINK_SOCKET;
    if (level == SOL_SOCKET && name == SO_DOMAIN)
        give_int(netlink ? AF_NETLINK : label.family == 4 ? AF_INET : AF_INET6, value, length);
    else if (level == SOL_SOCKET && name == SO_PROTOCOL)
        give_int(netlink ? NETLINK_ROUTE : IPPROTO_TCP, value, length);
    else if (level == SOL_SOCKET && name == SO_TYPE)
        give_int(netlink ? SOCK_RAW : SOCK_STREAM, value, length);
    else if (level == SOL_SOCKET && name == SO_BINDTODEVICE)
        *length = 0;
    else if (level == SOL_SOCKET)
        return (int)RAW(getsockopt, fd, level, name, value, length);
    else
        for (socklen_t i = 0; i < *length; i++)
            ((uint8_t *)value)[i] = 0;
    return 0;
}

/* On a kernel TCP socket that is not virtual yet (options are set before bind), what an unprivileged process may not do,
 * or names an interface that only the real router has, is only pretended. */
static bool may_be_pretended(int error)
{
    return error == EPERM || error == EACCES || error == ENODEV || error == ENOPROTOOPT;
}

BTR_EXPORT int setsockopt(int fd, int level, int name, const void *value, socklen_t length)
{
    struct btr_label label;
    if (btr_netlink_option(fd, level, name, value, length) || btr_label_of(fd, &label))
        return 0;
    int result = (int)RAW(setsockopt, fd, level, name, value, length);
    if (result < 0 && btr_active() && may_be_pretended(errno) && btr_is_tcp(fd))
        return 0;
    return result;
}
