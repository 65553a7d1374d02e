#ifndef LAMINA_CMICROHTTPD_SHIM_H
#define LAMINA_CMICROHTTPD_SHIM_H

#include <errno.h>
#include <microhttpd.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

/* MHD_start_daemon is variadic: one wrapper with every option Lamina uses. The listen socket is made by the caller, who can
   say what was wrong with the address. */
static inline struct MHD_Daemon *lamina_mhd_start(
    int listen_socket, unsigned int threads, unsigned int connections, unsigned int idle_seconds, size_t header_bytes,
    MHD_AccessHandlerCallback handler, void *context,
    void *(*target)(void *, const char *, struct MHD_Connection *),
    MHD_RequestCompletedCallback completed)
{
    return MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, handler, context,
        MHD_OPTION_LISTEN_SOCKET, listen_socket,
        MHD_OPTION_THREAD_POOL_SIZE, threads,
        MHD_OPTION_CONNECTION_LIMIT, connections,
        MHD_OPTION_CONNECTION_TIMEOUT, idle_seconds,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, header_bytes,
        MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_URI_LOG_CALLBACK, target, context,
        MHD_OPTION_NOTIFY_COMPLETED, completed, context,
        MHD_OPTION_END);
}

/* The descriptor of a connection; -1 when it is not known. */
static inline int lamina_mhd_descriptor(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info == NULL ? -1 : (int) info->connect_fd;
}

/* Enumerations under names that do not depend on how the importer shortens them. */
static const enum MHD_Result lamina_mhd_yes = MHD_YES;
static const enum MHD_Result lamina_mhd_no = MHD_NO;
static const enum MHD_ValueKind lamina_mhd_headers = MHD_HEADER_KIND;
static const enum MHD_ResponseMemoryMode lamina_mhd_copy = MHD_RESPMEM_MUST_COPY;
static const enum MHD_RequestTerminationCode lamina_mhd_completed = MHD_REQUEST_TERMINATED_COMPLETED_OK;

/* epoll, which Swift's Glibc module leaves out: watches descriptors for the other side's hang-up, once each. */
static inline int lamina_watch_create(void) { return epoll_create1(EPOLL_CLOEXEC); }

static inline int lamina_watch_add(int watch, int descriptor, uint64_t id)
{
    struct epoll_event event;
    memset(&event, 0, sizeof event);
    event.events = EPOLLRDHUP | EPOLLONESHOT;
    event.data.u64 = id;
    return epoll_ctl(watch, EPOLL_CTL_ADD, descriptor, &event);
}

static inline int lamina_watch_remove(int watch, int descriptor)
{
    struct epoll_event event;
    memset(&event, 0, sizeof event);
    return epoll_ctl(watch, EPOLL_CTL_DEL, descriptor, &event);
}

/* Waits for hang-ups and writes the ids of up to 64; returns their number, -1 when the watch is no more. */
static inline int lamina_watch_wait(int watch, uint64_t ids[64])
{
    struct epoll_event events[64];
    int count;
    do count = epoll_wait(watch, events, 64, -1);
    while (count < 0 && errno == EINTR);
    for (int i = 0; i < count; i++) ids[i] = events[i].data.u64;
    return count;
}

/* Macros that cast are not imported. */
static const uint64_t lamina_mhd_size_unknown = MHD_SIZE_UNKNOWN;
static const ssize_t lamina_mhd_end = MHD_CONTENT_READER_END_OF_STREAM;
static const ssize_t lamina_mhd_failed = MHD_CONTENT_READER_END_WITH_ERROR;

#endif
