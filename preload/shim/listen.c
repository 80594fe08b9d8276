/*
 * Listening: bind() on the BGP port turns a kernel TCP socket into one end of a SOCK_SEQPACKET pair whose other end
 * goes to the hypervisor; each connection is one message on it with a descriptor. poll(), non-blocking reads and EAGAIN
 * then work by themselves, without a thread. Bound and listening are told apart because OpenBGPD binds in one process
 * and listens in another.
 */
#include "btr.h"

static int fail(int pair[2], int error, const char *text)
{
    if (pair[0] >= 0)
        RAW(close, pair[0]);
    if (pair[1] >= 0)
        RAW(close, pair[1]);
    btr_warn(text);
    errno = error;
    return -1;
}

static int open_listener(int fd, struct btr_label *label)
{
    int pair[2] = {-1, -1};
    if (RAW(getrandom, label->unique, sizeof label->unique, 0) != (long)sizeof label->unique)
        return fail(pair, EIO, "bind: no random bytes for the label");
    if (RAW(socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return fail(pair, errno, "bind: no socket pair");
    if (btr_bind_label(pair[0], label) < 0)
        return fail(pair, errno, "bind: the label was refused");
    long status = RAW(fcntl, fd, F_GETFL, 0);
    long flags = RAW(fcntl, fd, F_GETFD, 0);
    if (status < 0 || flags < 0 || RAW(fcntl, pair[0], F_SETFL, status & O_NONBLOCK) < 0)
        return fail(pair, errno, "bind: the socket's flags cannot be copied");
    if (RAW(dup3, pair[0], fd, flags & FD_CLOEXEC ? O_CLOEXEC : 0) < 0)
        return fail(pair, errno, "bind: the socket cannot be replaced");
    if (btr_tell(BTR_BOUND, label, sizeof *label, pair[1]) < 0)
        btr_die("the hypervisor is gone");
    RAW(close, pair[0]);
    RAW(close, pair[1]);
    return 0;
}

BTR_EXPORT int bind(int fd, const struct sockaddr *address, socklen_t length)
{
    struct btr_label label;
    if (btr_netlink_bind(fd, address, length))
        return 0;
    bool tcp = btr_active() && btr_label_from(address, length, &label) && btr_is_tcp(fd);
    if (tcp && btr_is_bgp_port(label.local_port))
        return open_listener(fd, &label);
    int result = (int)RAW(bind, fd, address, length);
    /* Before a connect that will be refused: the address may exist only behind the hypervisor. */
    if (tcp && result < 0 && errno == EADDRNOTAVAIL && label.local_port == 0)
        return 0;
    return result;
}

BTR_EXPORT int listen(int fd, int backlog)
{
    struct btr_label label;
    if (!btr_label_of(fd, &label))
        return (int)RAW(listen, fd, backlog);
    if (label.kind != BTR_LISTENER) {
        errno = EINVAL;
        return -1;
    }
    if (btr_tell(BTR_LISTENING, &label, sizeof label, -1) < 0)
        btr_die("the hypervisor is gone");
    return 0;
}

/* The next connection's descriptor, or -1 with errno. Each comes close-on-exec: no daemon hands one on through exec. */
static int receive_connection(int listener)
{
    char byte;
    struct iovec part = {&byte, 1};
    union {
        char space[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } rights;
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = rights.space, .msg_controllen = sizeof rights.space};
    long received = RAW(recvmsg, listener, &message, MSG_CMSG_CLOEXEC);
    if (received < 0)
        return -1;
    if (received == 0)
        btr_die("the hypervisor is gone");
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header == NULL || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) {
        btr_warn("accept: a connection came without its descriptor (out of descriptors?)");
        errno = ECONNABORTED;
        return -1;
    }
    int fd;
    __builtin_memcpy(&fd, CMSG_DATA(header), sizeof fd);
    return fd;
}

BTR_EXPORT int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
    struct btr_label label;
    if (!btr_label_of(fd, &label) || label.kind != BTR_LISTENER)
        return (int)RAW(accept4, fd, address, length, flags);
    int connection = receive_connection(fd);
    if (connection < 0)
        return -1;
    if (!btr_label_of(connection, &label) || label.kind != BTR_STREAM ||
        (flags & SOCK_NONBLOCK && RAW(fcntl, connection, F_SETFL, O_NONBLOCK) < 0)) {
        RAW(close, connection);
        btr_warn("accept: not a connection of the hypervisor's");
        errno = ECONNABORTED;
        return -1;
    }
    btr_give_address(&label, true, address, length);
    return connection;
}

BTR_EXPORT int accept(int fd, struct sockaddr *address, socklen_t *length)
{
    return accept4(fd, address, length, 0);
}
