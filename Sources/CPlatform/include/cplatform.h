// What Swift cannot say on Linux: headers that `import Glibc` leaves out, the fields of a union,
// and machine instructions.
#ifndef APUS_CPLATFORM_H
#define APUS_CPLATFORM_H

#include <stdint.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

// 1 where the processor has the instructions that apus_crc32c_hardware needs.
int apus_crc32c_is_available(void);

// CRC-32C of `length` bytes, continuing from `crc` (0 at the start).
uint32_t apus_crc32c_hardware(uint32_t crc, const void *data, size_t length);

// epoll_ctl with the event's 64-bit tag, which is a C union.
int apus_epoll_control(int epoll, int operation, int descriptor, uint32_t events, uint64_t tag);
uint64_t apus_epoll_tag(const struct epoll_event *event);

// accept4, hidden by `import Glibc`: the new descriptor is non-blocking and closed on exec.
int apus_accept(int listener, struct sockaddr_storage *address, socklen_t *length);

// Names the calling thread, at most 15 bytes, for the operator's tools.
void apus_name_thread(const char *name);

// 1 where syncfs on the file system of `descriptor` reaches the device and reports every failed
// write-back: Linux 5.8 or later, on a file system known to do so (network and user-space ones
// return before their server has synced).
int apus_can_syncfs(int descriptor);

// syncfs, hidden by `import Glibc`.
int apus_syncfs(int descriptor);

#endif
