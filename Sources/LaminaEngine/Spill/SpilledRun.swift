import LaminaBase

/// Groups on disk in ascending order of their keys, each key once: pieces of some thousand groups.
///
/// A piece: number of groups and of key bytes (32 bit each), the end of each key (32 bit), the keys in `KeyOrderCode`, then
/// the states of each aggregation in turn.
struct SpilledRun: Sendable {
    var pieces: [SpilledBytes] = []
    var groupCount = 0
}

/// Writes one run.
struct SpilledRunWriter {
    private let spill: GroupSpill
    private var run = SpilledRun()
    /// A piece is written when it has so many bytes or groups.
    private static let pieceBytes = 64 << 10
    private static let pieceGroups = 4096

    init(_ spill: GroupSpill) { self.spill = spill }

    /// Appends groups that follow all that were appended before.
    ///
    /// - Parameter order: the groups in ascending order of keys.
    mutating func append(_ groups: GroupPartial, order: [UInt32]) throws(LaminaError) {
        let stateBytes = max(1, groups.states.reduce(0) { $0 + $1.bytesPerGroup })
        var next = 0
        var keys: [UInt8] = []
        var ends: [UInt32] = []
        while next < order.count {
            try spill.run.poll()
            let start = next
            keys.removeAll(keepingCapacity: true)
            ends.removeAll(keepingCapacity: true)
            while next < order.count, ends.count < Self.pieceGroups,
                keys.count + ends.count * stateBytes < Self.pieceBytes
            {
                let group = Int(order[next])
                for key in spill.keyOrder {
                    let column = groups.keys[key]
                    KeyOrderCode.append(column.values, column.ids[group], to: &keys)
                }
                ends.append(UInt32(keys.count))
                next += 1
            }
            try write(groups, Array(order[start..<next]), keys, ends)
        }
    }

    private mutating func write(
        _ groups: GroupPartial,
        _ rows: [UInt32],
        _ keys: [UInt8],
        _ ends: [UInt32]
    ) throws(LaminaError) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(keys.count + ends.count * 16 + 64)
        ValueCode.appendRaw(UInt32(rows.count), to: &bytes)
        ValueCode.appendRaw(UInt32(keys.count), to: &bytes)
        ValueCode.appendRaw(ends, to: &bytes)
        bytes.append(contentsOf: keys)
        for column in groups.states { column.picking(rows).appendBytes(to: &bytes) }
        run.pieces.append(try spill.space.append(bytes))
        run.groupCount += rows.count
    }

    func finish() -> SpilledRun { run }
}

/// Walks over a run's groups; holds one piece at a time.
final class SpilledRunCursor {
    private let spill: GroupSpill
    private let run: SpilledRun
    private var nextPiece = 0
    private var buffer: UnsafeMutableRawBufferPointer
    private var ends: [UInt32] = []
    private var keys: UnsafePointer<UInt8>
    private var row = 0
    private var states: [AggregateColumn] = []
    /// Groups of the piece that were taken but not yet folded, and where each goes.
    private var taken: [UInt32] = []
    private var targets: [UInt32] = []
    private(set) var isDone = false

    init(_ spill: GroupSpill, _ run: SpilledRun) throws(LaminaError) {
        self.spill = spill
        self.run = run
        let largest = run.pieces.reduce(0) { max($0, $1.count) }
        buffer = .allocate(byteCount: largest + 8, alignment: 16)
        buffer.initializeMemory(as: UInt8.self, repeating: 0)
        guard let base = buffer.baseAddress else { preconditionFailure("memory of no bytes") }
        keys = UnsafePointer(base.assumingMemoryBound(to: UInt8.self))
        try load()
    }

    deinit { buffer.deallocate() }

    private func load() throws(LaminaError) {
        guard nextPiece < run.pieces.count, let base = buffer.baseAddress else {
            isDone = true
            return
        }
        let piece = run.pieces[nextPiece]
        nextPiece += 1
        try spill.space.read(at: piece.offset, into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<piece.count]))
        var reader = SpillReader(base)
        let count = Int(reader.raw(UInt32.self))
        let keyBytes = Int(reader.raw(UInt32.self))
        ends = reader.raws(UInt32.self, count: count)
        keys = UnsafePointer((base + reader.place).assumingMemoryBound(to: UInt8.self))
        reader = SpillReader(base, at: reader.place + keyBytes)
        states = []
        for model in spill.models {
            states.append(try AggregateColumn(reading: &reader, count: count, like: model))
        }
        row = 0
    }

    /// The key of the group the cursor stands on.
    var key: UnsafeBufferPointer<UInt8> {
        let start = row == 0 ? 0 : Int(ends[row - 1])
        return UnsafeBufferPointer(start: keys + start, count: Int(ends[row]) - start)
    }

    /// Gives the group to target number `target` and goes on to the next.
    func take(target: UInt32, into columns: inout [AggregateColumn]) throws(LaminaError) {
        taken.append(UInt32(row))
        targets.append(target)
        row += 1
        guard row == ends.count else { return }
        try fold(into: &columns)
        try load()
    }

    /// Folds what was taken into the columns.
    func fold(into columns: inout [AggregateColumn]) throws(LaminaError) {
        if taken.isEmpty { return }
        for index in columns.indices { try columns[index].merge(states[index].picking(taken), targets: targets) }
        taken.removeAll(keepingCapacity: true)
        targets.removeAll(keepingCapacity: true)
    }
}
