import LaminaBase
import LaminaIngest
import LaminaSegment

/// A host as one task group sees it: of what is committed only its own partitions, since others move theirs at any time.
final class GroupHost: StreamHost {
    private let host: StreamStore
    private let isOwn: @Sendable (StreamPartition) -> Bool

    init(_ host: StreamStore, isOwn: @escaping @Sendable (StreamPartition) -> Bool) {
        self.host = host
        self.isOwn = isOwn
    }

    func committed() throws(LaminaError) -> StreamPosition? {
        let own = try host.committed()?.filter { isOwn($0.key) }
        return own?.isEmpty ?? true ? nil : own
    }

    func open(
        time: Int64,
        granularity: Granularity,
        sequence: String,
        make: (DataSegment) throws(LaminaError) -> any RealtimeRows
    ) throws(LaminaError) -> DataSegment {
        try host.open(time: time, granularity: granularity, sequence: sequence, make: make)
    }

    func reopen(_ segment: DataSegment, rows: any RealtimeRows) throws(LaminaError) -> Bool {
        try host.reopen(segment, rows: rows)
    }

    func withdraw(_ segments: [DataSegment]) throws(LaminaError) { try host.withdraw(segments) }

    func publish(
        _ built: [BuiltStreamSegment],
        from start: StreamPosition,
        to end: StreamPosition,
        work: String
    ) throws(LaminaError) {
        try host.publish(built, from: start, to: end, work: work)
    }

    func log(_ line: String) { host.log(line) }
}
