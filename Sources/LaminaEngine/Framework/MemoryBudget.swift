package import LaminaBase
import Synchronization

/// Counts the bytes a query holds and refuses more than its limit.
///
/// - Source: Druid's `ResourceLimitExceededException` («Resource limit exceeded»), thrown when merge buffers are full and
///   nothing may be spilled.
package final class MemoryBudget: Sendable {
    package let limitBytes: Int
    private let used = Atomic<Int>(0)
    private let peak = Atomic<Int>(0)

    package init(limitBytes: Int) { self.limitBytes = limitBytes }

    package var usedBytes: Int { used.load(ordering: .relaxed) }

    /// The most bytes that were held at once.
    package var peakBytes: Int { peak.load(ordering: .relaxed) }

    private func note(_ now: Int) {
        if now > peak.load(ordering: .relaxed) { _ = peak.max(now, ordering: .relaxed) }
    }

    /// Takes `bytes` from the budget.
    ///
    /// - Errors: `resourceLimitExceeded` when they are not there; nothing is taken then.
    package func reserve(_ bytes: Int, for what: String) throws(LaminaError) {
        let (_, now) = used.wrappingAdd(bytes, ordering: .relaxed)
        if now > limitBytes {
            used.wrappingSubtract(bytes, ordering: .relaxed)
            throw .resourceLimit(
                "Not enough memory for \(what): the query may use \(limitBytes) bytes and needs \(now). "
                    + "Narrow the query or raise its memory limit."
            )
        }
        note(now)
    }

    /// Counts bytes that are held whatever the limit, by someone who soon gives them back.
    package func take(_ bytes: Int) { note(used.wrappingAdd(bytes, ordering: .relaxed).newValue) }

    /// Gives back what `reserve` or `take` took.
    package func release(_ bytes: Int) { used.wrappingSubtract(bytes, ordering: .relaxed) }
}
