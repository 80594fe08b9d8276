/*
 * Sending on netlink channels. A request never fails for want of room, and a plain route write costs no round trip: the
 * shim acknowledges it (the receive in netlink-receive.c yields that) and marks what it sends on.
 *
 * With the far end bound to any name the hypervisor wants to answer every write itself, to inject errors; then
 * unacknowledged writes too are followed by a message of the shim's own whose answer the next receive waits for, because
 * zebra takes "nothing to read" for success.
 *
 * Answers are awaited to the datagram's last request only. No daemon has two under way on one socket and reads after.
 */
#include "netlink.h"

#include <linux/rtnetlink.h>
#include <poll.h>
#include <sys/un.h>

/* A datagram in several parts is put together first; nobody sends such, and none that is long. */
#define MAX_GATHERED 8192

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
            btr_wait_for(fd, POLLOUT);
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

/* NLMSG_NOOP that asks for an acknowledgement: rtnetlink answers it like any other and does nothing. */
static void push_barrier(int fd, struct btr_channel *channel)
{
    struct nlmsghdr header = {sizeof header, NLMSG_NOOP, NLM_F_REQUEST | NLM_F_ACK, UINT32_MAX, channel->port_id};
    struct iovec part = {&header, sizeof header};
    btr_await(channel, BTR_BARRIER, UINT32_MAX);
    btr_netlink_push(fd, &part, 1);
}

static ssize_t send_datagram(int fd, struct btr_channel *channel, const uint8_t *bytes, size_t length)
{
    struct nlmsghdr header, last = {0};
    enum btr_awaited awaited = BTR_NOTHING;
    size_t count = 0, writes = 0;
    for (size_t at = 0; btr_next_header(bytes + at, length - at, &header); at += btr_step(&header, length - at), count++) {
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
        btr_await(channel, awaited, last.nlmsg_seq);
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
