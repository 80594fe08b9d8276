/*
 * Active connects to the BGP port are refused at once: the hypervisor decides when a session to a replica starts, and
 * connects inward. A netlink socket is connected to its kernel from the start. Every other connect is the kernel's.
 */
#include "btr.h"

BTR_EXPORT int connect(int fd, const struct sockaddr *address, socklen_t length)
{
    struct btr_label label;
    if (btr_active() && btr_label_from(address, length, &label) && btr_is_bgp_port(label.local_port) &&
        btr_is_tcp(fd)) {
        btr_tell(BTR_REFUSED, &label, sizeof label, -1);
        errno = ECONNREFUSED;
        return -1;
    }
    if (address != NULL && length >= sizeof address->sa_family && address->sa_family == AF_NETLINK &&
        btr_label_of(fd, &label) && label.kind == BTR_NETLINK_SOCKET)
        return 0;
    return (int)RAW(connect, fd, address, length);
}
