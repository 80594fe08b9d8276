/*
 * Labels: from a daemon's sockaddr to a label, from a descriptor back to its label, and from a label to the addresses
 * the daemon expects. Reads only; nothing here creates sockets.
 */
#include "btr.h"

#include <linux/netlink.h>
#include <sys/un.h>

static const char magic[4] = {'B', 'T', 'R', '1'};

/* True for a kernel TCP socket (as opposed to a virtual one, a datagram socket or anything else). */
bool btr_is_tcp(int fd)
{
    int saved = errno;
    int domain = 0, type = 0;
    socklen_t length = sizeof domain;
    bool tcp = RAW(getsockopt, fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 &&
               (domain == AF_INET || domain == AF_INET6);
    length = sizeof type;
    tcp = tcp && RAW(getsockopt, fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_STREAM;
    errno = saved;
    return tcp;
}

/* Leaves errno alone when the descriptor is not one of ours. */
bool btr_label_of(int fd, struct btr_label *label)
{
    struct sockaddr_un name;
    socklen_t length = sizeof name;
    int saved = errno;
    if (!btr_active() || RAW(getsockname, fd, &name, &length) < 0 || name.sun_family != AF_UNIX ||
        length != offsetof(struct sockaddr_un, sun_path) + 1 + sizeof *label || name.sun_path[0] != '\0' ||
        __builtin_memcmp(name.sun_path + 1, magic, sizeof magic) != 0) {
        errno = saved;
        return false;
    }
    __builtin_memcpy(label, name.sun_path + 1, sizeof *label);
    return true;
}

/* False when there are no random bytes to make it unique with. */
bool btr_new_label(struct btr_label *label, uint8_t kind, uint8_t family)
{
    __builtin_memset(label, 0, sizeof *label);
    __builtin_memcpy(label->magic, magic, sizeof magic);
    label->kind = kind;
    label->family = family;
    return RAW(getrandom, label->unique, sizeof label->unique, 0) == (long)sizeof label->unique;
}

/* A listener's label. The length is only a lower bound: BIRD passes that of a union. */
bool btr_label_from(const struct sockaddr *address, socklen_t length, struct btr_label *label)
{
    __builtin_memset(label, 0, sizeof *label);
    __builtin_memcpy(label->magic, magic, sizeof magic);
    label->kind = BTR_LISTENER;
    if (address != NULL && length >= sizeof(struct sockaddr_in) && address->sa_family == AF_INET) {
        struct sockaddr_in v4;
        __builtin_memcpy(&v4, address, sizeof v4);
        label->family = 4;
        label->local_port = v4.sin_port;
        __builtin_memcpy(label->local, &v4.sin_addr, 4);
        return true;
    }
    if (address != NULL && length >= sizeof(struct sockaddr_in6) && address->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        __builtin_memcpy(&v6, address, sizeof v6);
        label->family = 6;
        label->local_port = v6.sin6_port;
        label->scope_id = htonl(v6.sin6_scope_id);
        __builtin_memcpy(label->local, &v6.sin6_addr, 16);
        return true;
    }
    return false;
}

/* BIRD finds the neighbour of a link-local connection by sin6_scope_id, so both ends get it. */
void btr_give_address(const struct btr_label *label, bool peer, struct sockaddr *out, socklen_t *length)
{
    union {
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_nl netlink;
    } address;
    socklen_t size;
    const uint8_t *bytes = peer ? label->peer : label->local;
    uint16_t port = peer ? label->peer_port : label->local_port;
    if (out == NULL || length == NULL)
        return;
    __builtin_memset(&address, 0, sizeof address);
    if (label->family == AF_NETLINK) {
        size = sizeof address.netlink;
        address.netlink.nl_family = AF_NETLINK;
        address.netlink.nl_pid = peer ? 0 : ntohl(label->scope_id); /* the kernel is port 0 */
    } else if (label->family == 4) {
        size = sizeof address.v4;
        address.v4.sin_family = AF_INET;
        address.v4.sin_port = port;
        __builtin_memcpy(&address.v4.sin_addr, bytes, 4);
    } else {
        size = sizeof address.v6;
        address.v6.sin6_family = AF_INET6;
        address.v6.sin6_port = port;
        __builtin_memcpy(&address.v6.sin6_addr, bytes, 16);
        if (IN6_IS_ADDR_LINKLOCAL(&address.v6.sin6_addr))
            address.v6.sin6_scope_id = ntohl(label->scope_id);
    }
    const uint8_t *from = (const uint8_t *)&address;
    for (socklen_t i = 0; i < size && i < *length; i++)
        ((uint8_t *)out)[i] = from[i];
    *length = size;
}

/* Returns 0, or -1 with errno. */
int btr_bind_label(int fd, const struct btr_label *label)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    __builtin_memcpy(name.sun_path + 1, label, sizeof *label);
    return (int)RAW(bind, fd, &name, offsetof(struct sockaddr_un, sun_path) + 1 + sizeof *label);
}
