/*
 * Receiving on netlink channels. A kernel answers inside the send call, so the answer is complete when the daemon reads;
 * here the receive waits for it, also on a non-blocking socket. What netlink-send.c has acknowledged itself comes first.
 */
#include "netlink.h"

#include <poll.h>

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
    btr_await(channel, BTR_NOTHING, 0);
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
    for (size_t at = 0; !over && btr_next_header(bytes + at, received - at, &header); at += btr_step(&header, received - at))
        over = is_answer(channel, &header);
    if (over)
        btr_await(channel, BTR_NOTHING, 0);
}

static ssize_t receive(int fd, struct btr_channel *channel, struct msghdr *message, int flags)
{
    ssize_t received;
    if (take_ack(channel, message, flags, &received))
        return received;
    for (;;) {
        bool awaited = channel->awaited != BTR_NOTHING;
        if (awaited)
            btr_wait_for(fd, POLLIN);
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
