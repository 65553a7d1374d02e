import LaminaBase

/// How `longEncoding: auto` stores a column.
enum LongPlan {
    case plain
    case packed(PackedLongs)

    /// Reads all values once: at most 256 distinct ones make a table, else a delta to the smallest one if the span does not
    /// overflow, else plain longs.
    init(of reader: any ValueReader<Int64>, count: Int) throws(LaminaError) {
        var distinct = DistinctLongs()
        var low = Int64.max
        var high = Int64.min
        var start = 0
        while start < count {
            let end = min(start + 8192, count)
            let values = try reader.read(start..<end)
            for value in values {
                low = min(low, value)
                high = max(high, value)
            }
            distinct.add(values)
            start = end
        }
        if !distinct.isOverflowing {
            self = .packed(PackedLongs(table: distinct))
            return
        }
        let (delta, overflow) = high.subtractingReportingOverflow(low)
        self = overflow || delta == .max ? .plain : .packed(PackedLongs(base: low, delta: delta))
    }
}

/// Up to 256 distinct values in order of first occurrence, found by hashing.
struct DistinctLongs {
    private(set) var values: [Int64] = []
    private(set) var isOverflowing = false
    private var slots = [Int16](repeating: -1, count: 1024)
    private var last: Int64?

    @inline(__always)
    private static func hash(_ value: Int64) -> Int {
        Int((UInt64(bitPattern: value) &* 0x9E37_79B9_7F4A_7C15) >> 54)
    }

    mutating func add(_ buffer: UnsafeBufferPointer<Int64>) {
        if isOverflowing { return }
        for value in buffer where value != last {
            last = value
            var slot = Self.hash(value)
            while slots[slot] >= 0, values[Int(slots[slot])] != value { slot = (slot &+ 1) & 1023 }
            if slots[slot] >= 0 { continue }
            if values.count == 256 {
                isOverflowing = true
                return
            }
            slots[slot] = Int16(values.count)
            values.append(value)
        }
    }

    /// The place of a value that is there.
    @inline(__always)
    func index(of value: Int64) -> Int {
        var slot = Self.hash(value)
        while true {
            let index = slots[slot]
            precondition(index >= 0, "a value that changed between two passes")
            if values[Int(index)] == value { return Int(index) }
            slot = (slot &+ 1) & 1023
        }
    }
}

/// Longs as numbers of a few bits: offsets from a base, or places in a table.
///
/// Source: Druid's `DeltaLongEncodingWriter`, `TableLongEncodingWriter`, `VSizeLongSerde`.
struct PackedLongs {
    private static let widths = [1, 2, 4, 8, 12, 16, 20, 24, 32, 40, 48, 56, 64]

    private let base: Int64
    private let table: DistinctLongs?
    let bits: Int

    init(base: Int64, delta: Int64) {
        self.base = base
        table = nil
        bits = Self.width(states: UInt64(delta) + 1)
    }

    init(table: DistinctLongs) {
        base = 0
        self.table = table
        bits = Self.width(states: UInt64(table.values.count))
    }

    private static func width(states: UInt64) -> Int {
        widths.first { $0 == 64 || states <= 1 << UInt64($0) } ?? 64
    }

    /// The largest power of two of values that fit a block with its four bytes of padding.
    func valuesPerBlock(_ blockBytes: Int) -> Int {
        var number = 1
        while (bits * number * 2 + 7) / 8 + 4 <= blockBytes { number *= 2 }
        return number
    }

    /// Encoding format, version and parameters.
    func writeHeader(to sink: ByteSink) {
        if let table {
            sink.append(1)
            sink.append(1)
            sink.bigEndian(Int32(table.values.count))
            for value in table.values { sink.bigEndian(value) }
        } else {
            sink.append(0)
            sink.append(1)
            sink.bigEndian(base)
            sink.bigEndian(Int32(bits))
        }
    }

    /// Appends the values of some rows, most significant bit first, and four zero bytes.
    func pack(_ reader: any ValueReader<Int64>, _ rows: Range<Int>, to sink: ByteSink) throws(LaminaError) {
        var start = rows.lowerBound
        // 8192 values end on a byte whatever their width.
        while start < rows.upperBound {
            let end = min(start + 8192, rows.upperBound)
            pack(try reader.read(start..<end), to: sink)
            start = end
        }
        sink.bigEndian(Int32(0))
    }

    private func pack(_ values: UnsafeBufferPointer<Int64>, to sink: ByteSink) {
        let bytes = (values.count * bits + 7) / 8
        let out = sink.reserve(bytes).assumingMemoryBound(to: UInt8.self)
        var place = 0
        if bits % 8 == 0 {
            for value in values {
                let packed = code(value)
                var shift = bits &- 8
                while shift >= 0 {
                    out[place] = UInt8(truncatingIfNeeded: packed >> UInt64(shift))
                    place &+= 1
                    shift &-= 8
                }
            }
        } else {
            var pending: UInt64 = 0
            var pendingBits = 0
            for value in values {
                pending = pending << UInt64(bits) | code(value)
                pendingBits &+= bits
                while pendingBits >= 8 {
                    pendingBits &-= 8
                    out[place] = UInt8(truncatingIfNeeded: pending >> UInt64(pendingBits))
                    place &+= 1
                }
            }
            if pendingBits > 0 {
                out[place] = UInt8(truncatingIfNeeded: pending << UInt64(8 &- pendingBits))
                place &+= 1
            }
        }
        sink.advance(place)
    }

    @inline(__always)
    private func code(_ value: Int64) -> UInt64 {
        if let table { return UInt64(table.index(of: value)) }
        return UInt64(bitPattern: value &- base)
    }
}
