/*
 * What the netlink files share: the state of one channel. A channel is a SOCK_SEQPACKET pair, so that datagram
 * boundaries, MSG_PEEK and MSG_TRUNC are the kernel's own business; one end is the daemon's "netlink socket".
 */
#ifndef BTR_NETLINK_H
#define BTR_NETLINK_H

#include "btr.h"

#include <linux/netlink.h>
#include <sys/uio.h>

/* In-band, shim to hypervisor; types that rtnetlink will never use. Payloads: u32 groups; i32 option and u32 value. */
enum { BTR_NLMSG_BIND = 0xfff1, BTR_NLMSG_OPTION = 0xfff2 };

/* Set in nlmsg_flags of a route write that the shim has acknowledged already. */
#define BTR_NLM_F_ACKNOWLEDGED 0x8000

/* What the next receive waits for. A kernel answers inside the send call, and zebra relies on it: it reads without
 * waiting and takes EAGAIN for "no more". */
enum btr_awaited {
    BTR_NOTHING,
    BTR_END,    /* NLMSG_DONE or NLMSG_ERROR */
    BTR_ANSWER, /* any message */
    BTR_BARRIER /* the NLMSG_ERROR of a message of the shim's own, which the daemon must not see */
};

struct btr_channel {
    uint8_t open;
    uint8_t lock;
    uint8_t awaited;      /* enum btr_awaited */
    uint8_t acknowledges; /* `ack` is to be received next */
    uint32_t awaited_seq;
    uint32_t port_id;
    struct nlmsghdr ack; /* header of the request */
};

/* The channel of a descriptor, NULL for all others. */
struct btr_channel *btr_channel_of(int fd);
void btr_lock(struct btr_channel *channel);
void btr_unlock(struct btr_channel *channel);

/* Expects an answer to the request with this number from the next receives on. */
void btr_await(struct btr_channel *channel, enum btr_awaited awaited, uint32_t seq);
/* Blocks until one of the poll() events, whatever signals come. */
void btr_wait_for(int fd, short events);
/* The header of the message at `bytes`, false when there is none that fits; and how far the next one is. */
bool btr_next_header(const uint8_t *bytes, size_t length, struct nlmsghdr *header);
size_t btr_step(const struct nlmsghdr *header, size_t length);

/* netlink-send.c */
ssize_t btr_netlink_push(int fd, const struct iovec *parts, size_t count);

#endif
