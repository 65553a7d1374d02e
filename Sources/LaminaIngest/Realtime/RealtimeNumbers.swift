import LaminaBase
import LaminaBitmaps
import LaminaEngine
import LaminaQuery
import LaminaSegment

/// Numbers of rows in memory, kept as bits of 64, as a column of their type.
func numberColumn(
    _ bits: SharedValues<UInt64>,
    _ nulls: SharedValues<UInt8>?,
    _ type: Aggregator.NumberType
) -> Column {
    let nullRows = nulls.flatMap { flaggedRows(UnsafeBufferPointer(start: $0.pointer, count: $0.count)) }
    switch type {
    case .long: return .long(SliceNumberColumn(bits.reinterpreted(as: Int64.self), nullRows: nullRows))
    case .double: return .double(SliceNumberColumn(bits.reinterpreted(as: Double.self), nullRows: nullRows))
    case .float: return .float(FloatBitsColumn(bits, nullRows: nullRows))
    }
}

/// The places of flags that are not 0; nil when there are none.
func flaggedRows(_ flags: UnsafeBufferPointer<UInt8>) -> RoaringBitmap? {
    guard let base = flags.baseAddress else { return nil }
    let raw = UnsafeRawPointer(base)
    var bitmap = RoaringBitmap()
    var row = 0
    while row < flags.count {
        if flags.count &- row >= 8, raw.loadUnaligned(fromByteOffset: row, as: UInt64.self) == 0 {
            row &+= 8
            continue
        }
        let end = min(row &+ 8, flags.count)
        while row < end {
            if base[row] != 0 { bitmap.append(UInt32(row)) }
            row &+= 1
        }
    }
    return bitmap.isEmpty ? nil : bitmap
}

extension SharedValues {
    /// The same memory as values of another type of the same width.
    func reinterpreted<Other: BitwiseCopyable>(as type: Other.Type) -> SharedValues<Other> {
        precondition(MemoryLayout<Other>.stride == MemoryLayout<Element>.stride, "another width")
        let other = UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: Other.self)
        return SharedValues<Other>(other, count: count, owner: self)
    }
}

/// Floats whose bits lie in the low halves of words.
final class FloatBitsColumn: FloatColumn {
    private let bits: SharedValues<UInt64>
    let nullRows: RoaringBitmap?

    init(_ bits: SharedValues<UInt64>, nullRows: RoaringBitmap?) {
        self.bits = bits
        self.nullRows = nullRows
    }

    var rowCount: Int { bits.count }
    func makeReader() -> any ValueReader<Float> { FloatBitsReader(bits) }
    var valueIndex: (any NumericValueIndex<Float>)? { nil }
}

/// Reads the low halves of words as floats.
final class FloatBitsReader: ValueReader {
    private let bits: SharedValues<UInt64>
    private let room = GrowBuffer<Float>()

    init(_ bits: SharedValues<UInt64>) { self.bits = bits }

    func read(_ rows: Range<Int>) throws(LaminaError) -> UnsafeBufferPointer<Float> {
        precondition(rows.upperBound <= bits.count, "rows beyond the segment")
        let out = room.scratch(rows.count)
        let source = bits.pointer + rows.lowerBound
        for place in 0..<rows.count { out[place] = Float(bitPattern: UInt32(truncatingIfNeeded: source[place])) }
        return UnsafeBufferPointer(start: out, count: rows.count)
    }

    func gather(_ rows: UnsafeBufferPointer<UInt32>) throws(LaminaError) -> UnsafeBufferPointer<Float> {
        let out = room.scratch(rows.count)
        for place in rows.indices {
            precondition(Int(rows[place]) < bits.count, "rows beyond the segment")
            out[place] = Float(bitPattern: UInt32(truncatingIfNeeded: bits.pointer[Int(rows[place])]))
        }
        return UnsafeBufferPointer(start: out, count: rows.count)
    }

    func contiguousRows(from row: Int) -> Int { bits.count - row }
}

extension GrowBuffer {
    /// Room for `count` values in place of what was there.
    func scratch(_ count: Int) -> UnsafeMutablePointer<Element> {
        if count > self.count { _ = extend(count - self.count) }
        return pointer
    }
}

/// Stored forms of the states that rows had at one moment.
final class SnapshotStateColumn: ObjectColumn {
    private let states: [AggregateState?]
    private let rule: any ValueAggregation
    let type: ColumnType

    init(_ states: [AggregateState?], _ rule: any ValueAggregation, type: ColumnType) {
        self.states = states
        self.rule = rule
        self.type = type
    }

    var rowCount: Int { states.count }
    var hasNulls: Bool { true }

    func value(row: Int) throws(LaminaError) -> Value {
        precondition(row < states.count, "a row beyond the segment")
        return rule.stored(states[row])
    }
}
