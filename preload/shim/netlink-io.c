/*
 * Sending and receiving on netlink channels. Three things a kernel does that a channel to another process does not by
 * itself: a request never fails for want of room; its answer is complete when the daemon reads (so the receive waits for
 * it, also on a non-blocking socket); a plain route write costs no round trip (the shim acknowledges it here and marks it).
 *
 * With the far end bound to any name the hypervisor wants to answer every write itself, to inject errors; then unacknowledged
 * writes too are followed by a message of the shim's own whose answer the next receive waits for, because zebra takes
 * "nothing to read" for success.
 *
 * Answers are awaited in the datagram's last request only. No daemon has two under way on one socket and reads after.
 */
#include "netlink.h"

#include <linux/rtnetlink.h>
#include <poll.h>
#include <sys/uio.h>
#include <sys/un.h>

/* A datagram in several parts is put together first; nobody sends such, and none that is long. */
#define MAX_GATHERED 8192

static void wait_for(int fd, short events)
{
    struct pollfd watch = {.fd = fd, .events = events};
    while (RAW(ppoll, &watch, 1, NULL, NULL, 0) < 0 && errno == EINTR)
        ;
}

static bool read_header(const uint8_t *bytes, size_t length, struct nlmsghdr *header)
{
    if (length < sizeof *header)
        return false;
    __builtin_memcpy(header, bytes, sizeof *header);
    return header->nlmsg_len >= sizeof *header && header->nlmsg_len <= length;
}

static size_t step(const struct nlmsghdr *header, size_t length)
{
    size_t size = NLMSG_ALIGN((size_t)header->nlmsg_len);
    return size < length ? size : length;
}

static enum btr_awaited answer_to(const struct nlmsghdr *header)
{
    if ((header->nlmsg_flags & NLM_F_REQUEST) == 0)
        return BTR_NOTHING;
    bool get = header->nlmsg_type >= RTM_BASE && (header->nlmsg_type - RTM_BASE) % 4 == 2;
    if ((header->nlmsg_flags & NLM_F_ACK) != 0 || (get && (header->nlmsg_flags & NLM_F_DUMP) != 0))
        return BTR_END;
    return get ? BTR_ANSWER : BTR_NOTHING;
}

static bool is_route_write(const struct nlmsghdr *header)
{
    return header->nlmsg_type == RTM_NEWROUTE || header->nlmsg_type == RTM_DELROUTE;
}

static bool far_end_answers(int fd)
{
    struct sockaddr_un name;
    socklen_t length = sizeof name;
    return RAW(getpeername, fd, &name, &length) == 0 && length > sizeof name.sun_family;
}

/* Returns the number of bytes; never EAGAIN and never EINTR. */
ssize_t btr_netlink_push(int fd, const struct iovec *parts, size_t count)
{
    struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)parts, .msg_iovlen = count};
    for (;;) {
        long sent = RAW(sendmsg, fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent >= 0)
            return sent;
        if (errno == EAGAIN || errno == ENOBUFS)
            wait_for(fd, POLLOUT);
        else if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN)
            btr_die("the hypervisor is gone");
        else if (errno != EINTR)
            return -1;
    }
}

/* The write goes on with the mark in its header; the rest of it is not copied. */
static ssize_t push_acknowledged(int fd, struct btr_channel *channel, struct nlmsghdr header, const uint8_t *bytes,
                                 size_t length)
{
    btr_lock(channel);
    channel->ack = header;
    channel->acknowledges = 1;
    btr_unlock(channel);
    header.nlmsg_flags |= BTR_NLM_F_ACKNOWLEDGED;
    struct iovec parts[2] = {{&header, sizeof header},
                             {(void *)(uintptr_t)(bytes + sizeof header), length - sizeof header}};
    return btr_netlink_push(fd, parts, 2);
}

static void await_answer(struct btr_channel *channel, enum btr_awaited awaited, uint32_t seq)
{
    btr_lock(channel);
    channel->awaited = (uint8_t)awaited;
    channel->awaited_seq = seq;
    btr_unlock(channel);
}

/* NLMSG_NOOP that asks for an acknowledgement: rtnetlink answers it like any other and does nothing. */
static void push_barrier(int fd, struct btr_channel *channel)
{
    struct nlmsghdr header = {sizeof header, NLMSG_NOOP, NLM_F_REQUEST | NLM_F_ACK, UINT32_MAX, channel->port_id};
    struct iovec part = {&header, sizeof header};
    await_answer(channel, BTR_BARRIER, UINT32_MAX);
    btr_netlink_push(fd, &part, 1);
}

static ssize_t send_datagram(int fd, struct btr_channel *channel, const uint8_t *bytes, size_t length)
{
    struct nlmsghdr header, last = {0};
    enum btr_awaited awaited = BTR_NOTHING;
    size_t count = 0, writes = 0;
    for (size_t at = 0; read_header(bytes + at, length - at, &header); at += step(&header, length - at), count++) {
        enum btr_awaited answer = answer_to(&header);
        writes += is_route_write(&header);
        if (answer == BTR_NOTHING)
            continue;
        awaited = answer;
        last = header;
    }
    bool answered = writes > 0 && far_end_answers(fd);
    if (awaited == BTR_END && count == 1 && writes == 1 && !answered && !channel->acknowledges &&
        last.nlmsg_len >= NLMSG_LENGTH(sizeof(struct rtmsg)))
        return push_acknowledged(fd, channel, last, bytes, length);
    if (awaited != BTR_NOTHING)
        await_answer(channel, awaited, last.nlmsg_seq);
    struct iovec part = {(void *)(uintptr_t)bytes, length};
    ssize_t sent = btr_netlink_push(fd, &part, 1);
    if (sent >= 0 && awaited == BTR_NOTHING && answered)
        push_barrier(fd, channel);
    return sent;
}

static ssize_t send_parts(int fd, struct btr_channel *channel, const struct iovec *parts, size_t count)
{
    uint8_t bytes[MAX_GATHERED];
    size_t length = 0;
    if (count == 1)
        return send_datagram(fd, channel, parts[0].iov_base, parts[0].iov_len);
    for (size_t i = 0; i < count; i++) {
        if (parts[i].iov_len > sizeof bytes - length) {
            errno = EMSGSIZE;
            return -1;
        }
        __builtin_memcpy(bytes + length, parts[i].iov_base, parts[i].iov_len);
        length += parts[i].iov_len;
    }
    return send_datagram(fd, channel, bytes, length);
}

BTR_EXPORT ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    struct btr_channel *channel = btr_channel_of(fd);
    if (channel == NULL)
        return RAW(sendmsg, fd, message, flags);
    return send_parts(fd, channel, message->msg_iov, message->msg_iovlen);
}

BTR_EXPORT ssize_t sendto(int fd, const void *bytes, size_t length, int flags, const struct sockaddr *to, socklen_t size)
{
    struct btr_channel *channel = btr_channel_of(fd);
    if (channel == NULL)
        return RAW(sendto, fd, bytes, length, flags, to, size);
    return send_datagram(fd, channel, bytes, length);
}

BTR_EXPORT ssize_t send(int fd, const void *bytes, size_t length, int flags)
{
    return sendto(fd, bytes, length, flags, NULL, 0);
}

static void name_the_kernel(struct msghdr *message)
{
    static const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    if (message->msg_name == NULL)
        return;
    socklen_t room = message->msg_namelen;
    __builtin_memcpy(message->msg_name, &kernel, room < sizeof kernel ? room : sizeof kernel);
    message->msg_namelen = sizeof kernel;
}

/* The acknowledgement of a write that was sent on: what Linux writes with NETLINK_CAP_ACK. False when none is due. */
static bool take_ack(struct btr_channel *channel, struct msghdr *message, int flags, ssize_t *received)
{
    struct {
        struct nlmsghdr header;
        struct nlmsgerr body;
    } ack;
    btr_lock(channel);
    bool due = channel->acknowledges;
    ack.body.msg = channel->ack;
    if ((flags & MSG_PEEK) == 0)
        channel->acknowledges = 0;
    btr_unlock(channel);
    if (!due)
        return false;
    ack.body.error = 0;
    ack.header = (struct nlmsghdr){sizeof ack, NLMSG_ERROR, NLM_F_CAPPED, ack.body.msg.nlmsg_seq, channel->port_id};
    size_t done = 0;
    for (size_t i = 0; i < message->msg_iovlen && done < sizeof ack; i++) {
        size_t rest = sizeof ack - done;
        size_t size = message->msg_iov[i].iov_len < rest ? message->msg_iov[i].iov_len : rest;
        __builtin_memcpy(message->msg_iov[i].iov_base, (uint8_t *)&ack + done, size);
        done += size;
    }
    message->msg_flags = done < sizeof ack ? MSG_TRUNC : 0;
    message->msg_controllen = 0;
    name_the_kernel(message);
    *received = (ssize_t)((flags & MSG_TRUNC) != 0 ? sizeof ack : done);
    return true;
}

/* Takes the barrier's own answer off the queue when it is the next datagram. */
static void take_barrier(int fd, struct btr_channel *channel)
{
    struct nlmsghdr header;
    long size = RAW(recvfrom, fd, &header, sizeof header, MSG_PEEK | MSG_DONTWAIT, NULL, NULL);
    if (size != sizeof header || header.nlmsg_type != NLMSG_ERROR || header.nlmsg_seq != UINT32_MAX)
        return;
    RAW(recvfrom, fd, &header, sizeof header, MSG_DONTWAIT, NULL, NULL);
    await_answer(channel, BTR_NOTHING, 0);
}

static bool is_answer(const struct btr_channel *channel, const struct nlmsghdr *header)
{
    if (header->nlmsg_seq != channel->awaited_seq)
        return false;
    return channel->awaited == BTR_ANSWER || header->nlmsg_type == NLMSG_DONE || header->nlmsg_type == NLMSG_ERROR;
}

/* Ends the waiting when the awaited answer is in what the daemon gets, or when that cannot be told. */
static void note_answers(struct btr_channel *channel, const struct msghdr *message, size_t received)
{
    if (channel->awaited == BTR_NOTHING)
        return;
    struct nlmsghdr header;
    bool over = message->msg_iovlen != 1 || (message->msg_flags & MSG_TRUNC) != 0;
    const uint8_t *bytes = over ? NULL : message->msg_iov[0].iov_base;
    for (size_t at = 0; !over && read_header(bytes + at, received - at, &header); at += step(&header, received - at))
        over = is_answer(channel, &header);
    if (over)
        await_answer(channel, BTR_NOTHING, 0);
}

static ssize_t receive(int fd, struct btr_channel *channel, struct msghdr *message, int flags)
{
    ssize_t received;
    if (take_ack(channel, message, flags, &received))
        return received;
    for (;;) {
        bool awaited = channel->awaited != BTR_NOTHING;
        if (awaited)
            wait_for(fd, POLLIN);
        if (channel->awaited == BTR_BARRIER)
            take_barrier(fd, channel);
        struct msghdr inner = *message;
        inner.msg_name = NULL;
        inner.msg_namelen = 0;
        received = RAW(recvmsg, fd, &inner, flags);
        if (received < 0 && awaited && channel->awaited != BTR_NOTHING && (errno == EAGAIN || errno == EINTR))
            continue;
        if (received < 0 && errno != ECONNRESET)
            return -1;
        /* No datagram is empty; but a daemon that looks at the first zero bytes of one gets nothing either. */
        if (received <= 0 && (received < 0 || (flags & MSG_TRUNC) != 0 || (inner.msg_flags & MSG_TRUNC) == 0))
            btr_die("the hypervisor is gone");
        message->msg_flags = inner.msg_flags;
        message->msg_controllen = inner.msg_controllen;
        name_the_kernel(message);
        if ((flags & MSG_PEEK) == 0)
            note_answers(channel, message, (size_t)received);
        return received;
    }
}

BTR_EXPORT ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    struct btr_channel *channel = btr_channel_of(fd);
    if (channel == NULL)
        return RAW(recvmsg, fd, message, flags);
    return receive(fd, channel, message, flags);
}

BTR_EXPORT ssize_t recvfrom(int fd, void *bytes, size_t length, int flags, struct sockaddr *from, socklen_t *size)
{
    struct btr_channel *channel = btr_channel_of(fd);
    if (channel == NULL)
        return RAW(recvfrom, fd, bytes, length, flags, from, size);
    struct iovec part = {bytes, length};
    struct msghdr message = {
        .msg_name = from, .msg_namelen = from == NULL || size == NULL ? 0 : *size, .msg_iov = &part, .msg_iovlen = 1};
    ssize_t received = receive(fd, channel, &message, flags);
    if (received >= 0 && from != NULL && size != NULL)
        *size = message.msg_namelen;
    return received;
}

BTR_EXPORT ssize_t recv(int fd, void *bytes, size_t length, int flags)
{
    return recvfrom(fd, bytes, length, flags, NULL, NULL);
}
