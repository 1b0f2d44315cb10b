#define _GNU_SOURCE
#include "cplatform.h"
#include <pthread.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

int apus_epoll_control(int epoll, int operation, int descriptor, uint32_t events, uint64_t tag) {
    struct epoll_event event = {.events = events, .data = {.u64 = tag}};
    return epoll_ctl(epoll, operation, descriptor, &event);
}

uint64_t apus_epoll_tag(const struct epoll_event *event) { return event->data.u64; }

int apus_accept(int listener, struct sockaddr_storage *address, socklen_t *length) {
    return accept4(listener, (struct sockaddr *)address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

void apus_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }

int apus_can_syncfs(int descriptor) {
    struct utsname system;
    int major = 0, minor = 0;
    if (uname(&system) != 0 || sscanf(system.release, "%d.%d", &major, &minor) != 2) return 0;
    if (major < 5 || (major == 5 && minor < 8)) return 0;
    struct statfs status;
    if (fstatfs(descriptor, &status) != 0) return 0;
    switch ((uint32_t)status.f_type) {
    case 0xEF53:     // ext4
    case 0x58465342: // XFS
    case 0x9123683E: // btrfs
    case 0x01021994: // tmpfs: nothing to sync
        return 1;
    default:
        return 0;
    }
}

int apus_syncfs(int descriptor) { return syncfs(descriptor); }
