/*
 * The control socket: the one descriptor that the hypervisor gives to the process it starts, how the shim talks over
 * it, and what happens when the hypervisor is gone. Owns nothing about BGP sockets.
 *
 * The socket is moved out of the way of the low numbers (OpenBGPD's children dup2() onto 3) and stays open across exec.
 */
#include "btr.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#define CONTROL_VARIABLE "BTR_CONTROL_FD"
#define PORT_VARIABLE "BTR_PORT"
#define LOWEST_CONTROL_FD 500

/* Written once by the constructor, before the daemon has threads. */
static int control_fd = -1;
static uint16_t bgp_port = 179;

static int parse_number(const char *text, int otherwise)
{
    int value = 0;
    if (text == NULL || *text == '\0')
        return otherwise;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9' || value > 100000)
            return otherwise;
        value = value * 10 + (*text - '0');
    }
    return value;
}

static void export_control_fd(int fd)
{
    char digits[12];
    char *at = digits + sizeof digits - 1;
    *at = '\0';
    do {
        *--at = (char)('0' + fd % 10);
        fd /= 10;
    } while (fd > 0);
    setenv(CONTROL_VARIABLE, at, 1);
}

bool btr_active(void)
{
    return control_fd >= 0;
}

bool btr_is_bgp_port(uint16_t port_network_order)
{
    return ntohs(port_network_order) == bgp_port;
}

/* Returns 0, or -1 with errno. Blocks while the hypervisor is busy, except for the chatter that may be lost. */
int btr_tell(int type, const void *payload, size_t length, int fd)
{
    struct btr_message head = {.type = htonl((uint32_t)type), .pid = htonl((uint32_t)RAW(getpid, 0))};
    struct iovec parts[2] = {{&head, sizeof head}, {(void *)(uintptr_t)payload, length}};
    union {
        char space[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } rights = {{0}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    bool may_be_lost = type == BTR_WARN || type == BTR_REFUSED;
    if (fd >= 0) {
        message.msg_control = rights.space;
        message.msg_controllen = sizeof rights.space;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        __builtin_memcpy(CMSG_DATA(header), &fd, sizeof fd);
    }
    long sent;
    do
        sent = RAW(sendmsg, control_fd, &message, MSG_NOSIGNAL | (may_be_lost ? MSG_DONTWAIT : 0));
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -1 : 0;
}

void btr_warn(const char *text)
{
    int saved = errno;
    if (btr_active())
        btr_tell(BTR_WARN, text, strlen(text), -1);
    errno = saved;
}

/* Ends every thread at once: a daemon whose sockets all read end-of-file would spin and may not even obey SIGTERM. */
void btr_die(const char *why)
{
    static const char prefix[] = "btr-shim: ";
    RAW(write, 2, prefix, sizeof prefix - 1);
    RAW(write, 2, why, strlen(why));
    RAW(write, 2, "\n", 1);
    RAW(exit_group, 111);
    __builtin_unreachable();
}

/* The control socket must outlive a daemon that tidies up descriptors it does not know. */
BTR_EXPORT int close(int fd)
{
    if (fd >= 0 && fd == control_fd)
        return 0;
    btr_netlink_closed(fd);
    return (int)RAW(close, fd);
}

__attribute__((constructor)) static void start(void)
{
    int fd = parse_number(getenv(CONTROL_VARIABLE), -1);
    if (fd < 0)
        return;
    if (fd < LOWEST_CONTROL_FD) {
        long high = RAW(fcntl, fd, F_DUPFD, LOWEST_CONTROL_FD);
        if (high >= 0) {
            RAW(close, fd);
            fd = (int)high;
            export_control_fd(fd);
        }
    }
    bgp_port = (uint16_t)parse_number(getenv(PORT_VARIABLE), bgp_port);
    /* The parent is the hypervisor, or the daemon's own first process: either way nothing may outlive it. */
    RAW(prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    RAW(prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    struct pollfd watch = {.fd = fd, .events = 0};
    struct timespec now = {0, 0};
    if (RAW(ppoll, &watch, 1, &now, NULL, 0) > 0)
        btr_die("the hypervisor is gone");
    control_fd = fd;
    if (btr_tell(BTR_HELLO, NULL, 0, -1) < 0)
        btr_die("the control socket does not work");
}
