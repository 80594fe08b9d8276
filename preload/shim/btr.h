/*
 * What the shim's files share: the label that makes a unix socket a virtual TCP or netlink socket, the messages of the
 * control socket, and raw system calls. preload/label.ts is the other side of both layouts.
 *
 * The shim keeps no state about BGP sockets. A virtual socket is an AF_UNIX socket bound to an abstract name, and that
 * name, the label, holds everything a daemon may ask about it. So the kernel remembers, and fork, exec, dup, chroot,
 * setuid and SCM_RIGHTS need no care (OpenBGPD uses them all on its listening socket). The label is never connected
 * to: an end of a socketpair does not listen, so nobody else can join. A netlink socket has a label too, but besides
 * that a little state in this process (netlink.c).
 */
#ifndef BTR_H
#define BTR_H

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BTR_EXPORT __attribute__((visibility("default")))

/* Raw calls, because the wrappers of these names are what the shim replaces, and dlsym() would tie it to one glibc. */
#define RAW(name, ...) syscall(SYS_##name, __VA_ARGS__)

enum { BTR_LISTENER = 'L', BTR_STREAM = 'S', BTR_NETLINK_SOCKET = 'N' };

/* All numbers in network byte order; an IPv4 address is in the first four of its 16 bytes. */
struct btr_label {
    uint8_t magic[4]; /* "BTR1" */
    uint8_t kind;     /* BTR_LISTENER, BTR_STREAM or BTR_NETLINK_SOCKET */
    uint8_t family;   /* 4, 6 or AF_NETLINK */
    uint16_t local_port;
    uint16_t peer_port;
    uint16_t zero;
    uint32_t scope_id; /* interface index of a link-local address, else 0; port id of a netlink socket */
    uint8_t local[16];
    uint8_t peer[16];
    uint8_t unique[8]; /* abstract names must be unique in a network namespace */
};
_Static_assert(sizeof(struct btr_label) == 56, "the layout that label.ts writes");

/* Control socket, shim to hypervisor: type, process id, then a label (BOUND and NETLINK carry the hypervisor's end as a
 * descriptor) or text (WARN). */
enum { BTR_HELLO = 1, BTR_BOUND = 2, BTR_LISTENING = 3, BTR_REFUSED = 4, BTR_WARN = 5, BTR_NETLINK = 6 };

struct btr_message {
    uint32_t type;
    uint32_t pid;
};

/* control.c */
bool btr_active(void);
bool btr_is_bgp_port(uint16_t port_network_order);
int btr_tell(int type, const void *payload, size_t length, int fd);
void btr_warn(const char *text);
__attribute__((noreturn)) void btr_die(const char *why);

/* label.c */
bool btr_is_tcp(int fd);
bool btr_label_of(int fd, struct btr_label *label);
bool btr_label_from(const struct sockaddr *address, socklen_t length, struct btr_label *label);
void btr_give_address(const struct btr_label *label, bool peer, struct sockaddr *out, socklen_t *length);
int btr_bind_label(int fd, const struct btr_label *label);
bool btr_new_label(struct btr_label *label, uint8_t kind, uint8_t family);

/* netlink.c: each returns false when the descriptor is not a netlink channel. */
bool btr_netlink_bind(int fd, const struct sockaddr *address, socklen_t length);
bool btr_netlink_option(int fd, int level, int name, const void *value, socklen_t length);
void btr_netlink_closed(int fd);

#endif
