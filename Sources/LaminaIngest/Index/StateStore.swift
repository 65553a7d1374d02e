import LaminaBase
import LaminaEngine
import LaminaQuery
import LaminaSegment

/// The states of one metric of the rows in memory.
final class StateStore {
    let rule: any ValueAggregation
    private(set) var states: [AggregateState?] = []
    /// Bytes that the states hold, as they grow.
    private var held = 0
    private var scratch: [Value]

    init(_ rule: any ValueAggregation) {
        self.rule = rule
        scratch = [Value](repeating: .null, count: rule.inputs.count)
    }

    var bytes: Int { held + states.capacity * MemoryLayout<AggregateState?>.stride }

    /// One new row for every row of the batch.
    func append(_ column: PreparedColumn, _ rows: Range<Int>) throws(LaminaError) {
        let first = states.count
        states.append(contentsOf: repeatElement(nil, count: rows.count))
        for (place, row) in rows.enumerated() { try fold(column, row, into: first + place) }
    }

    /// Folds rows of the batch into stored rows; rows from `states.count` on are new.
    func fold(_ column: PreparedColumn, _ rows: Range<Int>, targets: [UInt32], rowCount: Int) throws(LaminaError) {
        states.append(contentsOf: repeatElement(nil, count: rowCount - states.count))
        for (place, row) in rows.enumerated() { try fold(column, row, into: Int(targets[place])) }
    }

    private func fold(_ column: PreparedColumn, _ row: Int, into target: Int) throws(LaminaError) {
        if let skips = column.nulls, skips[row] != 0 { return }
        let first = row * scratch.count
        for place in scratch.indices { scratch[place] = column.values[first + place] }
        // Taken out while it changes, so that a sketch inside is changed in place.
        var state = states[target]
        states[target] = nil
        let before = rule.bytesHeld(state)
        try rule.fold(scratch, into: &state)
        held += rule.bytesHeld(state) - before
        states[target] = state
    }

    /// A row's stored value.
    func stored(_ row: Int) -> Value { rule.stored(states[row]) }
}

extension ValueAggregation {
    /// The type of number that is stored; nil for anything else.
    var storedNumber: Aggregator.NumberType? {
        switch storedType {
        case .long?: .long
        case .double?: .double
        case .float?: .float
        default: nil
        }
    }
}

/// States as plain numbers, where that is how they are stored.
func storedNumbers(
    _ states: [AggregateState?],
    _ rule: any ValueAggregation,
    _ type: Aggregator.NumberType
) -> (bits: GrowBuffer<UInt64>, nulls: GrowBuffer<UInt8>) {
    let bits = GrowBuffer<UInt64>(capacity: max(states.count, 1))
    let nulls = GrowBuffer<UInt8>(capacity: max(states.count, 1))
    for state in states {
        let value = rule.stored(state)
        var word: UInt64?
        switch type {
        case .long: word = value.asLong.map { UInt64(bitPattern: $0) }
        case .double: word = value.asDouble.map { $0.bitPattern }
        case .float: word = value.asDouble.map { UInt64(Float($0).bitPattern) }
        }
        bits.append(word ?? 0)
        nulls.append(word == nil ? 1 : 0)
    }
    return (bits, nulls)
}

/// Joins stored states of equal rows when pieces are merged.
struct StateCombiner: ObjectCombiner {
    let rule: any ValueAggregation

    func combine(_ values: [Value]) throws(LaminaError) -> Value {
        var state: AggregateState?
        for value in values {
            guard let other = try rule.state(fromStored: value) else { continue }
            if state == nil { state = other } else { try rule.merge(other, into: &state) }
        }
        return rule.stored(state)
    }
}

/// Stored states of a slice, made as they are asked for.
///
/// `@unchecked Sendable`: the index behind it is only read.
final class SliceStateColumn: ObjectColumn, @unchecked Sendable {
    private let owner: AnyObject
    private let store: StateStore
    private let rows: [UInt32]
    let type: ColumnType

    init(_ store: StateStore, owner: AnyObject, rows: [UInt32], type: ColumnType) {
        self.store = store
        self.owner = owner
        self.rows = rows
        self.type = type
    }

    var rowCount: Int { rows.count }
    var hasNulls: Bool { true }

    func value(row: Int) throws(LaminaError) -> Value {
        precondition(row < rows.count, "a row beyond the slice")
        return store.stored(Int(rows[row]))
    }
}

/// Stored states of the rows of one place of a spilled piece.
final class PieceBlobColumn: ObjectColumn {
    private let piece: Piece
    private let starts: PieceFile.Place
    private let bytes: PieceFile.Place
    private let rows: Range<Int>
    private let typeName: String

    init(_ piece: Piece, starts: PieceFile.Place, bytes: PieceFile.Place, rows: Range<Int>, typeName: String) {
        self.piece = piece
        self.starts = starts
        self.bytes = bytes
        self.rows = rows
        self.typeName = typeName
    }

    var rowCount: Int { rows.count }
    var type: ColumnType { .complex(typeName) }
    var hasNulls: Bool { true }

    /// No bytes are null, as in segments.
    func value(row: Int) throws(LaminaError) -> Value {
        precondition(row < rows.count, "a row beyond the piece")
        let starts = piece.file.pointer(starts, as: Int.self)
        let (start, end) = (starts[rows.lowerBound + row], starts[rows.lowerBound + row + 1])
        if start == end { return .null }
        let base = piece.file.pointer(bytes, as: UInt8.self)
        return .complex(type: typeName, bytes: Array(UnsafeBufferPointer(start: base + start, count: end - start)))
    }
}
