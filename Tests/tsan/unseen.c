// Threads and locks that the thread sanitizer would not see. Loaded first, these functions tell it, so that no report has to be
// suppressed for their sake. Used by `make test-tsan`.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <threads.h>

// `Synchronization.Mutex`: its fast path is compiled into the program; the slow one, which sleeps in the kernel (FUTEX_LOCK_PI), lies
// in a library that is not instrumented.

#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"
#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context)) void *self

// Of the sanitizer; absent in programs without it.
__attribute__((weak)) void __tsan_acquire(void *address);
__attribute__((weak)) void __tsan_release(void *address);

SWIFT void lockSlow(uint32_t thread, SELF) __asm__(LOCK);
SWIFT void unlockSlow(SELF) __asm__(UNLOCK);

static SWIFT void (*realLock)(uint32_t thread, SELF);
static SWIFT void (*realUnlock)(SELF);

// Before any thread is there.
__attribute__((constructor)) static void find(void) {
    realLock = dlsym(RTLD_NEXT, LOCK);
    realUnlock = dlsym(RTLD_NEXT, UNLOCK);
}

SWIFT void lockSlow(uint32_t thread, SELF) {
    realLock(thread, self);
    if (__tsan_acquire) __tsan_acquire(self);
}

SWIFT void unlockSlow(SELF) {
    if (__tsan_release) __tsan_release(self);
    realUnlock(self);
}

// C11's threads, of librdkafka: the sanitizer knows POSIX's only, and crashes in threads it has not seen begin.

struct beginning {
    thrd_start_t run;
    void *context;
};

static void *begin(void *given) {
    struct beginning beginning = *(struct beginning *)given;
    free(given);
    return (void *)(intptr_t)beginning.run(beginning.context);
}

int thrd_create(thrd_t *thread, thrd_start_t run, void *context) {
    struct beginning *beginning = malloc(sizeof *beginning);
    if (!beginning) return thrd_nomem;
    *beginning = (struct beginning){run, context};
    if (!pthread_create(thread, NULL, begin, beginning)) return thrd_success;
    free(beginning);
    return thrd_error;
}

int thrd_join(thrd_t thread, int *result) {
    void *returned;
    if (pthread_join(thread, &returned)) return thrd_error;
    if (result) *result = (int)(intptr_t)returned;
    return thrd_success;
}

static pthread_mutex_t *posix(mtx_t *mutex) { return (pthread_mutex_t *)mutex; }

int mtx_init(mtx_t *mutex, int type) {
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, type & mtx_recursive ? PTHREAD_MUTEX_RECURSIVE : PTHREAD_MUTEX_NORMAL);
    int code = pthread_mutex_init(posix(mutex), &attributes);
    pthread_mutexattr_destroy(&attributes);
    return code ? thrd_error : thrd_success;
}

void mtx_destroy(mtx_t *mutex) { pthread_mutex_destroy(posix(mutex)); }
int mtx_lock(mtx_t *mutex) { return pthread_mutex_lock(posix(mutex)) ? thrd_error : thrd_success; }
int mtx_unlock(mtx_t *mutex) { return pthread_mutex_unlock(posix(mutex)) ? thrd_error : thrd_success; }

static pthread_cond_t *condition(cnd_t *changed) { return (pthread_cond_t *)changed; }

int cnd_init(cnd_t *changed) { return pthread_cond_init(condition(changed), NULL) ? thrd_error : thrd_success; }
void cnd_destroy(cnd_t *changed) { pthread_cond_destroy(condition(changed)); }
int cnd_signal(cnd_t *changed) { return pthread_cond_signal(condition(changed)) ? thrd_error : thrd_success; }
int cnd_broadcast(cnd_t *changed) { return pthread_cond_broadcast(condition(changed)) ? thrd_error : thrd_success; }

int cnd_wait(cnd_t *changed, mtx_t *mutex) {
    return pthread_cond_wait(condition(changed), posix(mutex)) ? thrd_error : thrd_success;
}

int cnd_timedwait(cnd_t *changed, mtx_t *mutex, const struct timespec *end) {
    int code = pthread_cond_timedwait(condition(changed), posix(mutex), end);
    return code == 0 ? thrd_success : code == ETIMEDOUT ? thrd_timedout : thrd_error;
}
