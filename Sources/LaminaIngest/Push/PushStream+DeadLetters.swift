package import LaminaBase
import Synchronization

/// What trying dead letters again has done.
package struct DeadLetterReplay: Sendable, Equatable {
    /// Tried.
    package var replayed = 0
    /// Taken in now, and dead letters no longer.
    package var accepted = 0
    /// Rejected again: they stay.
    package var rejected = 0
    /// Kept in part only, as they were too long: they stay.
    package var cut = 0

    package init(replayed: Int = 0, accepted: Int = 0, rejected: Int = 0, cut: Int = 0) {
        self.replayed = replayed
        self.accepted = accepted
        self.rejected = rejected
        self.cut = cut
    }

    package var json: JSON {
        [
            "replayed": .int(Int64(replayed)), "accepted": .int(Int64(accepted)), "rejected": .int(Int64(rejected)),
            "cut": .int(Int64(cut)),
        ]
    }
}

extension PushStream {
    /// Pushes dead letters again, the oldest first, by the way of all pushes: those that are taken in leave in the same step.
    /// - Parameters:
    ///   - kind: nil for all.
    ///   - limit: how many at most.
    /// - Errors: `conflict` while it runs already; those of `accept`: what was done before stays done.
    package func replayDeadLetters(kind: String? = nil, limit: Int = .max) throws(LaminaError) -> DeadLetterReplay {
        let isFree = replaying.withLock { running in
            defer { running = true }
            return !running
        }
        guard isFree else {
            throw LaminaError(
                .conflict,
                code: "replayRuns",
                "The dead letters of '\(dataSource)' are being tried already"
            )
        }
        defer { replaying.withLock { $0 = false } }
        var sum = DeadLetterReplay()
        var next: Int64 = 0
        while sum.replayed + sum.cut < limit {
            let count = min(1000, limit - sum.replayed - sum.cut)
            let list = try letters.list(kind: kind, limit: count, from: next, bytesMax: 8 << 20)
            guard let last = list.last else { break }
            next = last.id + 1
            let whole = list.filter { !$0.isCut }
            sum.cut += list.count - whole.count
            guard !whole.isEmpty else { continue }
            let reply = try replay(whole)
            sum.replayed += whole.count
            sum.accepted += reply.accepted
            sum.rejected += reply.rejected
        }
        return sum
    }

    private func replay(_ list: [DeadLetter]) throws(LaminaError) -> PushReply {
        var bytes: [UInt8] = []
        var ranges: [Range<Int>] = []
        for letter in list {
            ranges.append(bytes.count..<bytes.count + letter.text.count)
            bytes.append(contentsOf: letter.text)
            bytes.append(0x0A)
        }
        try admit(bytes.count)
        var batch = RecordBatch()
        batch.setRecords(ranges, of: bytes, partition: partition)
        switch try take(batch, charge: bytes.count, identity: nil, isAtomic: false, letters: list.map(\.id)) {
        case .done(let reply), .refused(let reply): return reply
        }
    }
}
