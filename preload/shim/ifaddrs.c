/*
 * Library of its own, for daemons that look for their own addresses with getifaddrs() (OpenBGPD; glibc answers that
 * over a private netlink socket, so the call itself must be replaced). The answer is the list the hypervisor put in
 * BTR_ADDRESSES: the machine's addresses and those of the virtual sessions, as "name/index/address/length" separated by
 * blanks. An entry that does not parse is left out.
 */
#define _GNU_SOURCE
#include "btr.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdlib.h>

#define MAX_FIELD 64

struct entry {
    struct ifaddrs public;
    struct sockaddr_in6 address; /* large enough for sockaddr_in too */
    struct sockaddr_in6 netmask;
    char name[IF_NAMESIZE];
};

static const char *field(const char *text, char *out, size_t size)
{
    size_t length = 0;
    while (*text != '\0' && *text != '/' && *text != ' ') {
        if (length + 1 < size)
            out[length++] = *text;
        text++;
    }
    out[length] = '\0';
    return *text == '/' ? text + 1 : text;
}

static unsigned number(const char *text)
{
    unsigned value = 0;
    for (; *text >= '0' && *text <= '9' && value < 1000000; text++)
        value = value * 10 + (unsigned)(*text - '0');
    return value;
}

static void set_mask(uint8_t *bytes, unsigned size, unsigned bits)
{
    for (unsigned i = 0; i < size; i++, bits = bits > 8 ? bits - 8 : 0)
        bytes[i] = bits >= 8 ? 0xff : (uint8_t)(0xff00u >> bits);
}

static bool fill(struct entry *entry, const char *address, unsigned index, unsigned bits)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)&entry->address;
    struct sockaddr_in *mask4 = (struct sockaddr_in *)&entry->netmask;
    if (inet_pton(AF_INET, address, &v4->sin_addr) == 1 && bits <= 32) {
        v4->sin_family = mask4->sin_family = AF_INET;
        set_mask((uint8_t *)&mask4->sin_addr, 4, bits);
    } else if (inet_pton(AF_INET6, address, &entry->address.sin6_addr) == 1 && bits <= 128) {
        entry->address.sin6_family = entry->netmask.sin6_family = AF_INET6;
        if (IN6_IS_ADDR_LINKLOCAL(&entry->address.sin6_addr))
            entry->address.sin6_scope_id = index;
        set_mask((uint8_t *)&entry->netmask.sin6_addr, 16, bits);
    } else {
        return false;
    }
    entry->public.ifa_name = entry->name;
    entry->public.ifa_addr = (struct sockaddr *)&entry->address;
    entry->public.ifa_netmask = (struct sockaddr *)&entry->netmask;
    entry->public.ifa_flags = IFF_UP | IFF_RUNNING | IFF_MULTICAST;
    return true;
}

BTR_EXPORT void freeifaddrs(struct ifaddrs *list)
{
    while (list != NULL) {
        struct ifaddrs *rest = list->ifa_next;
        free(list); /* the public part comes first in its entry */
        list = rest;
    }
}

BTR_EXPORT int getifaddrs(struct ifaddrs **list)
{
    const char *text = getenv("BTR_ADDRESSES");
    struct ifaddrs **end = list;
    *list = NULL;
    while (text != NULL && *text != '\0') {
        char index[MAX_FIELD], address[MAX_FIELD], bits[MAX_FIELD];
        struct entry *entry = calloc(1, sizeof *entry);
        if (entry == NULL) {
            freeifaddrs(*list);
            *list = NULL;
            errno = ENOMEM;
            return -1;
        }
        text = field(text, entry->name, sizeof entry->name);
        text = field(text, index, sizeof index);
        text = field(text, address, sizeof address);
        text = field(text, bits, sizeof bits);
        while (*text != '\0' && *text != ' ')
            text++;
        while (*text == ' ')
            text++;
        if (fill(entry, address, number(index), number(bits))) {
            *end = &entry->public;
            end = &entry->public.ifa_next;
        } else {
            free(entry);
        }
    }
    return 0;
}
