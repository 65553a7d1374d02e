import Glibc
import LaminaBase

/// Removes a folder that nobody needs any more, and everything in it.
///
/// What cannot be removed takes room and does no harm: whoever reads the folders again tries again, so errors are not told.
func removeFolder(_ path: String) { try? removeTree(path) }

func logarithm(_ value: Double) -> Double { log(value) }

/// Threads that can run at once.
func processorCount() -> Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }

/// Seconds of a clock that only moves forward.
func monotonicSeconds() -> Double {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
}

/// Milliseconds since 1970.
func wallMilliseconds() -> Int64 {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
}
