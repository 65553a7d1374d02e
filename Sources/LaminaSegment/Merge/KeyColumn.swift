import LaminaBase
import LaminaBitmaps

/// One ordering column of one piece: keys of the rows around the piece's current one, loaded batch by batch when first compared.
final class KeyColumn {
    static let batchRows = 4096

    private enum Source {
        /// Null in every row.
        case missing
        case longs(any ValueReader<Int64>)
        case floats(any ValueReader<Float>)
        case doubles(any ValueReader<Double>)
        case ids(any ValueReader<UInt32>, remap: ValueMemory<UInt32>)
        case multi(any MultiIDReader, remap: ValueMemory<UInt32>)
        case objects(any ObjectColumn)
    }

    /// How the keys of a column are to be compared; the same in every piece.
    enum Kind {
        /// One number a row (nulls apart); ids have null as 0.
        case words
        case multi
        case objects
    }

    private let source: Source
    private let rowCount: Int
    /// Rows of the batch in memory.
    private var start = 0
    private var end = 0
    private let words = ValueMemory<UInt64>(count: KeyColumn.batchRows, repeating: 0)
    /// Null rows of a numeric column, over the whole piece; empty without any.
    private let isNull: [Bool]
    private let isMissingNumber: Bool
    private var offsets: [UInt32] = []
    private var ids: [UInt32] = []
    private var values: [Value] = []

    private init(_ source: Source, rowCount: Int, nullRows: RoaringBitmap? = nil, isMissingNumber: Bool = false) {
        self.source = source
        self.rowCount = rowCount
        self.isMissingNumber = isMissingNumber
        if let nullRows, !nullRows.isEmpty {
            var flags = [Bool](repeating: false, count: rowCount)
            nullRows.forEach { flags[Int($0)] = true }
            isNull = flags
        } else {
            isNull = []
        }
    }

    static func numbers(_ column: Column?, rowCount: Int) -> KeyColumn {
        switch column {
        case .long(let longs)?: KeyColumn(.longs(longs.makeReader()), rowCount: rowCount, nullRows: longs.nullRows)
        case .float(let floats)?: KeyColumn(.floats(floats.makeReader()), rowCount: rowCount, nullRows: floats.nullRows)
        case .double(let doubles)?:
            KeyColumn(.doubles(doubles.makeReader()), rowCount: rowCount, nullRows: doubles.nullRows)
        default: KeyColumn(.missing, rowCount: rowCount, isMissingNumber: true)
        }
    }

    /// `isMulti`: some piece has several values a row.
    static func strings(
        _ column: (any StringColumn)?,
        remap: ValueMemory<UInt32>?,
        isMulti: Bool,
        rowCount: Int
    ) -> KeyColumn {
        guard let column, let remap else { return KeyColumn(.missing, rowCount: rowCount) }
        if isMulti { return KeyColumn(.multi(column.makeMultiIDReader(), remap: remap), rowCount: rowCount) }
        return KeyColumn(.ids(column.makeIDReader(), remap: remap), rowCount: rowCount)
    }

    static func objects(_ column: Column?, rowCount: Int) -> KeyColumn {
        switch column {
        case .object(let objects)?: KeyColumn(.objects(objects), rowCount: rowCount)
        case .some(let other): KeyColumn(.objects(ValuesOfColumn(other, count: rowCount)), rowCount: rowCount)
        case nil: KeyColumn(.missing, rowCount: rowCount)
        }
    }

    /// Compares a row with one of another piece's same column. Rows must be the piece's current one or the one before.
    @inline(__always)
    func compare(_ row: Int, _ other: KeyColumn, _ otherRow: Int, kind: Kind) throws(LaminaError) -> Int {
        if !holds(row) { try load(row) }
        if !other.holds(otherRow) { try other.load(otherRow) }
        switch kind {
        case .words:
            let null = isNullNumber(row)
            let otherNull = other.isNullNumber(otherRow)
            if null || otherNull { return null == otherNull ? 0 : null ? -1 : 1 }
            let key = words.buffer[row &- start]
            let otherKey = other.words.buffer[otherRow &- other.start]
            return key < otherKey ? -1 : key > otherKey ? 1 : 0
        case .multi: return compareMulti(row, other, otherRow)
        case .objects: return compareDimensionValues(value(row), other.value(otherRow))
        }
    }

    /// The key of a row of a column of `words` without nulls; the row must be the piece's current one.
    @inline(__always)
    func word(_ row: Int) throws(LaminaError) -> UInt64 {
        if !holds(row) { try load(row) }
        return words.buffer[row &- start]
    }

    var hasNulls: Bool { isMissingNumber || !isNull.isEmpty }

    @inline(__always)
    private func holds(_ row: Int) -> Bool { row >= start && row < end }

    @inline(__always)
    private func isNullNumber(_ row: Int) -> Bool { isMissingNumber || (!isNull.isEmpty && isNull[row]) }

    private func value(_ row: Int) -> Value { values.isEmpty ? .null : values[row - start] }

    /// Id by id, then the shorter one first; a row without values equals one with a single null.
    private func compareMulti(_ row: Int, _ other: KeyColumn, _ otherRow: Int) -> Int {
        let left = range(row)
        let right = other.range(otherRow)
        let count = min(left.count, right.count)
        for place in 0..<count {
            let id = ids[left.lowerBound + place]
            let otherID = other.ids[right.lowerBound + place]
            if id != otherID { return id < otherID ? -1 : 1 }
        }
        if left.count == right.count { return 0 }
        if left.count + right.count == 1 {
            let only = left.isEmpty ? other.ids[right.lowerBound] : ids[left.lowerBound]
            if only == 0 { return 0 }
        }
        return left.count < right.count ? -1 : 1
    }

    private func range(_ row: Int) -> Range<Int> {
        guard !offsets.isEmpty else { return 0..<0 }
        let place = row - start
        return Int(offsets[place])..<Int(offsets[place + 1])
    }

    /// Loads a batch that begins before `row`, as the row before the current one is asked for too.
    private func load(_ row: Int) throws(LaminaError) {
        let first = max(0, row - 1)
        let rows = first..<min(first + Self.batchRows, rowCount)
        let out = words.buffer
        switch source {
        case .missing:
            // Null has id 0 and no row is ever anything else: the zeros that are there stand for every batch.
            break
        case .longs(let reader):
            let values = try reader.read(rows)
            for place in values.indices { out[place] = UInt64(bitPattern: values[place]) ^ (1 << 63) }
        case .floats(let reader):
            let values = try reader.read(rows)
            for place in values.indices { out[place] = Self.orderedBits(Double(values[place])) }
        case .doubles(let reader):
            let values = try reader.read(rows)
            for place in values.indices { out[place] = Self.orderedBits(values[place]) }
        case .ids(let reader, let remap):
            let values = try reader.read(rows)
            for place in values.indices { out[place] = UInt64(remap.buffer[Int(values[place])]) }
        case .multi(let reader, let remap):
            let part = try reader.read(rows)
            let first = part.offsets[0]
            offsets = part.offsets[...rows.count].map { $0 - first }
            ids = part.ids[Int(first)..<Int(part.offsets[rows.count])].map { remap.buffer[Int($0)] }
        case .objects(let column):
            values = []
            for row in rows { values.append(try column.value(row: row)) }
        }
        start = rows.lowerBound
        end = rows.upperBound
    }

    /// A double as a number that orders as `Double.compare` does.
    @inline(__always)
    static func orderedBits(_ value: Double) -> UInt64 {
        let bits = value.isNaN ? Double.nan.bitPattern : value.bitPattern
        return bits >> 63 == 1 ? ~bits : bits | (1 << 63)
    }
}
