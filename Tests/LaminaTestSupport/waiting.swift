import Glibc

/// Looks every few milliseconds whether something holds; whether it did in time.
///
/// The time is there to end a test that would wait for ever, and must be long enough for any machine under any load.
package func eventually(seconds: Double = 60, _ condition: () throws -> Bool) rethrows -> Bool {
    let end = ContinuousClock.now + .seconds(seconds)
    while ContinuousClock.now < end {
        if try condition() { return true }
        usleep(2000)
    }
    return try condition()
}

/// The CPU time of this thread, in nanoseconds: how long a computation takes whatever else the machine does.
package func threadNanos() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
}

/// Seconds of this thread's CPU that `body` takes.
package func threadSeconds(_ body: () throws -> Void) rethrows -> Double {
    let start = threadNanos()
    try body()
    return Double(threadNanos() - start) / 1e9
}
