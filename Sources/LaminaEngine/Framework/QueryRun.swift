import Glibc
package import LaminaBase
import Synchronization

/// What one running query carries through every room: deadline, cancellation, memory budget. (Look-ups are bound when a query
/// is decoded.)
///
/// One object is shared by all threads of the query. `poll` is called once per batch of rows.
package final class QueryRun: Sendable {
    package let memory: MemoryBudget
    /// Where groups and rows go that the memory budget does not hold; nil: they must fit.
    package let spill: (any SpillSpace)?
    /// How many threads may work for the query at once.
    package let workers: Int
    /// Nanoseconds of the monotonic clock after which the query must stop; nil: never.
    private let deadlineNanos: UInt64?
    private let timeoutMillis: Int64
    private let isCancelled = Atomic<Bool>(false)

    /// - Parameters:
    ///   - timeoutMillis: of the query's context; 0 or less means none.
    ///   - memory: the bytes the query may hold in groups, dictionaries and result rows.
    ///   - workers: how many threads may work for the query at once.
    ///   - spill: where groups and rows go that do not fit.
    package init(
        timeoutMillis: Int64 = 0,
        memory: MemoryBudget = MemoryBudget(limitBytes: .max),
        workers: Int = 1,
        spill: (any SpillSpace)? = nil
    ) {
        self.memory = memory
        self.workers = max(1, workers)
        self.spill = spill
        self.timeoutMillis = timeoutMillis
        deadlineNanos = timeoutMillis > 0 ? monotonicNanos() &+ UInt64(timeoutMillis) &* 1_000_000 : nil
    }

    /// Bytes that the groups of one piece of work may hold before they are spilled: all workers together a quarter of the
    /// budget. Another quarter is for partials that wait to be merged, the rest for merging and for what is not counted.
    package var pieceBytesMax: Int { spill == nil ? .max : max(64 << 10, memory.limitBytes / 4 / workers) }

    /// Bytes that partials which wait to be merged may hold.
    package var retainedBytesMax: Int { max(128 << 10, memory.limitBytes / 4) }

    /// Whether so many bytes more leave three quarters of the budget to others: what could as well be on disk goes there otherwise.
    func hasRoom(_ bytes: Int) -> Bool { memory.usedBytes <= memory.limitBytes / 4 - bytes }

    /// Makes every thread of the query stop at its next batch.
    package func cancel() { isCancelled.store(true, ordering: .relaxed) }

    package var wasCancelled: Bool { isCancelled.load(ordering: .relaxed) }

    /// Throws when the query was cancelled or has run out of time.
    ///
    /// - Source: Druid `QueryInterruptedException` («Query cancelled») and `QueryTimeoutException` («Query timeout»).
    package func poll() throws(LaminaError) {
        if wasCancelled {
            throw LaminaError(.canceled, code: "queryCanceled", "The query was cancelled")
        }
        if let deadlineNanos, monotonicNanos() > deadlineNanos {
            throw LaminaError(
                .timeout,
                code: "queryTimeout",
                "The query did not finish within its timeout of \(timeoutMillis) ms"
            )
        }
    }
}

/// Nanoseconds of the machine's monotonic clock.
package func monotonicNanos() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
}
