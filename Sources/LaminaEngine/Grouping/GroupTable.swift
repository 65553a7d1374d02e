import LaminaBase

/// Groups being formed: their numbers and the running states, with what they hold taken from the query's budget.
final class GroupTable {
    private let grouper: Grouper
    private let accumulators: [Accumulator]
    private let bytesPerGroup: Int
    private let run: QueryRun
    private let mayOverflow: Bool
    private var reserved = 0

    /// - Parameter mayOverflow: whether the owner empties the table when it holds too much: then nothing is refused here.
    init(
        _ grouper: Grouper,
        _ accumulators: [Accumulator],
        bytesPerGroup: Int,
        mayOverflow: Bool,
        _ run: QueryRun
    ) {
        self.mayOverflow = mayOverflow
        self.grouper = grouper
        self.accumulators = accumulators
        self.bytesPerGroup = bytesPerGroup
        self.run = run
    }

    deinit { run.memory.release(reserved) }

    /// Roughly the bytes held.
    var byteCount: Int { reserved + grouper.byteCount }

    func add(_ batch: Batch, _ rows: SlotSet) throws(LaminaError) {
        let (rows, groups) = try grouper.assign(batch, rows)
        let bytes = grouper.groupCount * bytesPerGroup
        if bytes > reserved {
            if mayOverflow {
                run.memory.take(bytes - reserved)
            } else {
                try run.memory.reserve(bytes - reserved, for: "groups")
            }
            reserved = bytes
        }
        for accumulator in accumulators {
            accumulator.grow(to: grouper.groupCount)
            try accumulator.fold(batch, rows, groups: groups)
        }
    }

    func emit() throws(LaminaError) -> GroupPartial {
        let occupied = grouper.occupied()
        for accumulator in accumulators { accumulator.grow(to: grouper.groupCount) }
        return GroupPartial(
            firstTime: nil,
            keys: try grouper.emit(occupied),
            states: accumulators.map { $0.emit(occupied) },
            groupCount: occupied.count
        )
    }
}
