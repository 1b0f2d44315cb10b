#define _GNU_SOURCE
#include "cplatform.h"
#include <pthread.h>

int apus_epoll_control(int epoll, int operation, int descriptor, uint32_t events, uint64_t tag) {
    struct epoll_event event = {.events = events, .data = {.u64 = tag}};
    return epoll_ctl(epoll, operation, descriptor, &event);
}

uint64_t apus_epoll_tag(const struct epoll_event *event) { return event->data.u64; }

int apus_accept(int listener, struct sockaddr_storage *address, socklen_t *length) {
    return accept4(listener, (struct sockaddr *)address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

void apus_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }
