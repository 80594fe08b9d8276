/*
 * Netlink: socket() for NETLINK_ROUTE gives one end of a SOCK_SEQPACKET pair whose other end goes to the hypervisor, which
 * answers on it as the kernel would. Owns the table of these channels, and bind and options, which travel in-band so
 * that they keep their place among the requests. Sending is netlink-send.c, receiving netlink-receive.c.
 *
 * Unlike BGP sockets these have state in the process, because an answer has to be there when the daemon reads. It is a
 * small table by descriptor; daemons open their netlink sockets at start, in one process, and do not pass them on.
 */
#include "netlink.h"

#include <poll.h>
#include <sched.h>
#include <stdlib.h>

#define MAX_CHANNEL_FD 1024
/* As far as an unprivileged process may go; the kernel cuts it to net.core.wmem_max. */
#define SEND_BUFFER (1 << 20)

static bool wanted;
static struct btr_channel channels[MAX_CHANNEL_FD];

__attribute__((constructor)) static void start(void)
{
    const char *text = getenv("BTR_NETLINK");
    wanted = text != NULL && text[0] == '1' && text[1] == '\0';
}

struct btr_channel *btr_channel_of(int fd)
{
    if (fd < 0 || fd >= MAX_CHANNEL_FD || !__atomic_load_n(&channels[fd].open, __ATOMIC_ACQUIRE))
        return NULL;
    return &channels[fd];
}

/* Held for a few instructions, never across a call that blocks. */
void btr_lock(struct btr_channel *channel)
{
    while (__atomic_exchange_n(&channel->lock, 1, __ATOMIC_ACQUIRE))
        sched_yield();
}

void btr_unlock(struct btr_channel *channel)
{
    __atomic_store_n(&channel->lock, 0, __ATOMIC_RELEASE);
}

void btr_wait_for(int fd, short events)
{
    struct pollfd watch = {.fd = fd, .events = events};
    while (RAW(ppoll, &watch, 1, NULL, NULL, 0) < 0 && errno == EINTR)
        ;
}

bool btr_next_header(const uint8_t *bytes, size_t length, struct nlmsghdr *header)
{
    if (length < sizeof *header)
        return false;
    __builtin_memcpy(header, bytes, sizeof *header);
    return header->nlmsg_len >= sizeof *header && header->nlmsg_len <= length;
}

size_t btr_step(const struct nlmsghdr *header, size_t length)
{
    size_t size = NLMSG_ALIGN((size_t)header->nlmsg_len);
    return size < length ? size : length;
}

void btr_await(struct btr_channel *channel, enum btr_awaited awaited, uint32_t seq)
{
    btr_lock(channel);
    channel->awaited = (uint8_t)awaited;
    channel->awaited_seq = seq;
    btr_unlock(channel);
}

static int fail(int pair[2], int error, const char *text)
{
    RAW(close, pair[0]);
    RAW(close, pair[1]);
    btr_warn(text);
    errno = error;
    return -1;
}

static int open_channel(int type)
{
    struct btr_label label;
    uint32_t port_id;
    int pair[2];
    if (RAW(socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return -1;
    if (pair[0] >= MAX_CHANNEL_FD)
        return fail(pair, EMFILE, "netlink: the descriptor is too high");
    if (!btr_new_label(&label, BTR_NETLINK_SOCKET, AF_NETLINK) ||
        RAW(getrandom, &port_id, sizeof port_id, 0) != (long)sizeof port_id)
        return fail(pair, EIO, "netlink: no random bytes for the label");
    port_id |= 1u << 31; /* like those the kernel makes up: no process id looks so */
    label.scope_id = htonl(port_id);
    if (btr_bind_label(pair[0], &label) < 0)
        return fail(pair, errno, "netlink: the label was refused");
    if ((type & SOCK_CLOEXEC) == 0 && RAW(fcntl, pair[0], F_SETFD, 0) < 0)
        return fail(pair, errno, "netlink: the socket's flags cannot be set");
    if ((type & SOCK_NONBLOCK) != 0 && RAW(fcntl, pair[0], F_SETFL, O_NONBLOCK) < 0)
        return fail(pair, errno, "netlink: the socket's flags cannot be set");
    int size = SEND_BUFFER;
    RAW(setsockopt, pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    if (btr_tell(BTR_NETLINK, &label, sizeof label, pair[1]) < 0)
        btr_die("the hypervisor is gone");
    RAW(close, pair[1]);
    struct btr_channel *channel = &channels[pair[0]];
    *channel = (struct btr_channel){.port_id = port_id};
    __atomic_store_n(&channel->open, 1, __ATOMIC_RELEASE);
    return pair[0];
}

BTR_EXPORT int socket(int domain, int type, int protocol)
{
    int kind = type & ~(SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (domain == AF_NETLINK && protocol == NETLINK_ROUTE && (kind == SOCK_RAW || kind == SOCK_DGRAM) && wanted &&
        btr_active())
        return open_channel(type);
    return (int)RAW(socket, domain, type, protocol);
}

void btr_netlink_closed(int fd)
{
    struct btr_channel *channel = btr_channel_of(fd);
    if (channel != NULL)
        __atomic_store_n(&channel->open, 0, __ATOMIC_RELEASE);
}

static void tell(int fd, const struct btr_channel *channel, uint16_t type, uint32_t first, uint32_t second, uint32_t size)
{
    struct {
        struct nlmsghdr header;
        uint32_t payload[2];
    } message = {{NLMSG_HDRLEN + size, type, NLM_F_REQUEST, 0, channel->port_id}, {first, second}};
    struct iovec part = {&message, message.header.nlmsg_len};
    btr_netlink_push(fd, &part, 1);
}

bool btr_netlink_bind(int fd, const struct sockaddr *address, socklen_t length)
{
    struct btr_channel *channel = btr_channel_of(fd);
    struct sockaddr_nl name;
    if (channel == NULL)
        return false;
    if (address == NULL || length < sizeof name)
        return true;
    __builtin_memcpy(&name, address, sizeof name);
    if (name.nl_groups != 0)
        tell(fd, channel, BTR_NLMSG_BIND, name.nl_groups, 0, 4);
    return true;
}

/* Everything succeeds, also SO_ATTACH_FILTER and SO_RCVBUFFORCE; what changes the answers is told. */
bool btr_netlink_option(int fd, int level, int name, const void *value, socklen_t length)
{
    struct btr_channel *channel = btr_channel_of(fd);
    uint32_t number = 0;
    if (channel == NULL)
        return false;
    if (level == SOL_NETLINK && value != NULL) {
        __builtin_memcpy(&number, value, length < sizeof number ? length : sizeof number);
        tell(fd, channel, BTR_NLMSG_OPTION, (uint32_t)name, number, 8);
    }
    return true;
}
