import LaminaBase
import LaminaBitmaps
import LaminaQuery
import LaminaSegment

/// One grouping column of a projection being made: values as codes.
class ProjectionKey {
    /// The code of every slot; the pointer holds until the next batch.
    func codes(_ batch: Batch, _ slots: Int) throws(LaminaError) -> UnsafePointer<UInt32> {
        preconditionFailure("a key without a body")
    }

    /// The place of every code among the sorted values; null comes first.
    func ranks() throws(LaminaError) -> [UInt32] { preconditionFailure("a key without a body") }

    /// A column with the values of some codes; nil when no column is there.
    func column(_ codes: [UInt32]) throws(LaminaError) -> Column? { preconditionFailure("a key without a body") }
}

/// The key of a column of the table, which keeps its form.
func makeStoredKey(_ column: ScanColumn, in scan: SegmentScan) throws(LaminaError) -> ProjectionKey {
    switch column {
    case .missing: return MissingKey()
    case .string(let strings) where strings.hasMultipleValues: return ListKey(scan.idInput(strings))
    case .string(let strings): return IDKey(scan.idInput(strings))
    default: return try makeKey(column, as: column.type, in: scan)
    }
}

/// The key of any column, its values cast to a type.
func makeKey(
    _ column: ScanColumn,
    as type: ColumnType?,
    in scan: SegmentScan
) throws(LaminaError) -> ProjectionKey {
    switch type {
    case .long:
        let input: NumericInput<Int64> = try makeNumericInput(column, in: scan)
        let form = NumberForm<Int64>(
            bits: { UInt64(bitPattern: $0) },
            isLess: { Int64(bitPattern: $0) < Int64(bitPattern: $1) },
            column: { .long(MemoryLongColumn($0.map { Int64(bitPattern: $0) }, nullRows: $1)) }
        )
        return NumberKey(input, form)
    case .double:
        let input: NumericInput<Double> = try makeNumericInput(column, in: scan)
        let form = NumberForm<Double>(
            bits: { $0.bitPattern },
            isLess: { javaLess(Double(bitPattern: $0), Double(bitPattern: $1)) },
            column: { .double(MemoryDoubleColumn($0.map { Double(bitPattern: $0) }, nullRows: $1)) }
        )
        return NumberKey(input, form)
    case .float:
        let input: NumericInput<Float> = try makeNumericInput(column, in: scan)
        let number = { (bits: UInt64) in Float(bitPattern: UInt32(truncatingIfNeeded: bits)) }
        let form = NumberForm<Float>(
            bits: { UInt64($0.bitPattern) },
            isLess: { javaLess(Double(number($0)), Double(number($1))) },
            column: { .float(MemoryFloatColumn($0.map(number), nullRows: $1)) }
        )
        return NumberKey(input, form)
    default: return ValueKey(try makeValueInput(column, in: scan), type: type)
    }
}

/// No column: one null.
private final class MissingKey: ProjectionKey {
    private let zeros = Scratch<UInt32>(batchRowsMax)

    override func codes(_ batch: Batch, _ slots: Int) throws(LaminaError) -> UnsafePointer<UInt32> {
        zeros.reserve(slots)
        zeros.pointer.initialize(repeating: 0, count: slots)
        return UnsafePointer(zeros.pointer)
    }

    override func ranks() throws(LaminaError) -> [UInt32] { [0] }
    override func column(_ codes: [UInt32]) throws(LaminaError) -> Column? { nil }
}

/// Times, floored.
final class TimeKey: ProjectionKey {
    private let granularity: Granularity
    private let input: NumericInput<Int64>
    private let table = HashGroups()
    private let words = Scratch<UInt64>(batchRowsMax)
    private let numbers = Scratch<UInt32>(batchRowsMax)

    init(_ granularity: Granularity, _ input: NumericInput<Int64>) {
        self.granularity = granularity
        self.input = input
    }

    override func codes(_ batch: Batch, _ slots: Int) throws(LaminaError) -> UnsafePointer<UInt32> {
        let values = try input.vector(batch).values
        words.reserve(slots)
        numbers.reserve(slots)
        var bucket = 0..<Int64(0)
        for slot in 0..<slots {
            let time = values[slot]
            if !bucket.contains(time) {
                let found = granularity.bucket(time)
                bucket = found.start..<found.end
            }
            words.pointer[slot] = UInt64(bitPattern: bucket.lowerBound)
        }
        table.map(words.pointer, count: slots, into: numbers.pointer)
        return UnsafePointer(numbers.pointer)
    }

    override func ranks() throws(LaminaError) -> [UInt32] {
        ranking(table.count) { Int64(bitPattern: table.keys[$0]) < Int64(bitPattern: table.keys[$1]) }
    }

    override func column(_ codes: [UInt32]) throws(LaminaError) -> Column? {
        .long(MemoryLongColumn(codes.map { Int64(bitPattern: table.keys[Int($0)]) }))
    }
}

/// A number type as 64-bit keys.
private struct NumberForm<Number> {
    var bits: (Number) -> UInt64
    var isLess: (UInt64, UInt64) -> Bool
    var column: ([UInt64], RoaringBitmap?) -> Column
}

/// Numbers; code 0 is null.
private final class NumberKey<Number: VectorNumber>: ProjectionKey {
    private let input: NumericInput<Number>
    private let form: NumberForm<Number>
    private let table = HashGroups()
    private let words = Scratch<UInt64>(batchRowsMax)
    private let numbers = Scratch<UInt32>(batchRowsMax)

    init(_ input: NumericInput<Number>, _ form: NumberForm<Number>) {
        self.input = input
        self.form = form
    }

    override func codes(_ batch: Batch, _ slots: Int) throws(LaminaError) -> UnsafePointer<UInt32> {
        let vector = try input.vector(batch)
        words.reserve(slots)
        numbers.reserve(slots)
        for slot in 0..<slots { words.pointer[slot] = form.bits(vector.values[slot]) }
        table.map(words.pointer, count: slots, into: numbers.pointer)
        for slot in 0..<slots { numbers.pointer[slot] = vector.isNull(slot) ? 0 : numbers.pointer[slot] &+ 1 }
        return UnsafePointer(numbers.pointer)
    }

    override func ranks() throws(LaminaError) -> [UInt32] {
        [0] + ranking(table.count) { form.isLess(table.keys[$0], table.keys[$1]) }.map { $0 + 1 }
    }

    override func column(_ codes: [UInt32]) throws(LaminaError) -> Column? {
        var nulls = RoaringBitmap()
        var bits: [UInt64] = []
        bits.reserveCapacity(codes.count)
        for (row, code) in codes.enumerated() {
            if code == 0 { nulls.append(UInt32(row)) }
            bits.append(code == 0 ? 0 : table.keys[Int(code) - 1])
        }
        return form.column(bits, nulls.isEmpty ? nil : nulls)
    }
}

/// Strings, one a row: codes are ids.
private final class IDKey: ProjectionKey {
    private let input: IDInput

    init(_ input: IDInput) { self.input = input }

    override func codes(_ batch: Batch, _ slots: Int) throws(LaminaError) -> UnsafePointer<UInt32> {
        try input.ids(batch)
    }

    override func ranks() throws(LaminaError) -> [UInt32] { dictionaryRanks(input.column) }

    override func column(_ codes: [UInt32]) throws(LaminaError) -> Column? {
        .string(PickedStringColumn(input.column, ids: codes, offsets: nil))
    }
}

/// Strings, several a row: the whole list is the value.
private final class ListKey: ProjectionKey {
    private let input: IDInput
    private var known: [[UInt32]: UInt32] = [:]
    private var lists: [[UInt32]] = []
    private let numbers = Scratch<UInt32>(batchRowsMax)

    init(_ input: IDInput) { self.input = input }

    override func codes(_ batch: Batch, _ slots: Int) throws(LaminaError) -> UnsafePointer<UInt32> {
        let rows = try input.multiIDs(batch)
        numbers.reserve(slots)
        for slot in 0..<slots {
            let list = Array(rows.ids[Int(rows.offsets[slot])..<Int(rows.offsets[slot + 1])])
            if let code = known[list] {
                numbers.pointer[slot] = code
            } else {
                numbers.pointer[slot] = UInt32(lists.count)
                known[list] = UInt32(lists.count)
                lists.append(list)
            }
        }
        return UnsafePointer(numbers.pointer)
    }

    override func ranks() throws(LaminaError) -> [UInt32] {
        let places = dictionaryRanks(input.column)
        let sortable = lists.map { $0.map { places[Int($0)] } }
        return ranking(lists.count) { sortable[$0].lexicographicallyPrecedes(sortable[$1]) }
    }

    override func column(_ codes: [UInt32]) throws(LaminaError) -> Column? {
        var ids: [UInt32] = []
        var offsets: [UInt32] = [0]
        for code in codes {
            ids += lists[Int(code)]
            offsets.append(UInt32(ids.count))
        }
        return .string(PickedStringColumn(input.column, ids: ids, offsets: offsets))
    }
}

/// Any values, cast to a type if one is given.
private final class ValueKey: ProjectionKey {
    private let input: ValueInput
    private let type: ColumnType?
    private var known: [Value: UInt32] = [:]
    private var values: [Value] = []
    private let numbers = Scratch<UInt32>(batchRowsMax)

    init(_ input: ValueInput, type: ColumnType?) {
        self.input = input
        self.type = type
    }

    override func codes(_ batch: Batch, _ slots: Int) throws(LaminaError) -> UnsafePointer<UInt32> {
        try input.load(batch)
        numbers.reserve(slots)
        for slot in 0..<slots {
            var value = try input.value(slot)
            if type == .string { value = Self.texts(value) }
            if let code = known[value] {
                numbers.pointer[slot] = code
            } else {
                numbers.pointer[slot] = UInt32(values.count)
                known[value] = UInt32(values.count)
                values.append(value)
            }
        }
        return UnsafePointer(numbers.pointer)
    }

    /// As a string dimension takes values in: arrays are several values, in order.
    private static func texts(_ value: Value) -> Value {
        guard case .array(let elements) = value else { return value.asText.map(Value.string) ?? .null }
        let texts = elements.map { $0.asText.map(Value.string) ?? .null }
        if texts.count < 2 { return texts.first ?? .null }
        return .array(texts.sorted { compareDimensionValues($0, $1) < 0 })
    }

    override func ranks() throws(LaminaError) -> [UInt32] {
        ranking(values.count) { compareDimensionValues(values[$0], values[$1]) < 0 }
    }

    override func column(_ codes: [UInt32]) throws(LaminaError) -> Column? {
        let rows = codes.map { values[Int($0)] }
        guard type == .string else { return .object(MemoryObjectColumn(rows, type: type ?? .complex("json"))) }
        return .string(stringColumn(rows))
    }
}

/// Texts, and arrays of texts as several values.
func stringColumn(_ rows: [Value]) -> MemoryStringColumn {
    var hasLists = false
    let lists = rows.map { value -> [String?] in
        guard case .array(let elements) = value else { return [value.asText] }
        hasLists = true
        return elements.map(\.asText)
    }
    return MemoryStringColumn(lists, hasMultipleValues: hasLists)
}

/// The place of each of `count` things in their order; equal ones in the order they have.
private func ranking(_ count: Int, _ isBefore: (Int, Int) -> Bool) -> [UInt32] {
    var ranks = [UInt32](repeating: 0, count: count)
    for (place, index) in (0..<count).sorted(by: isBefore).enumerated() { ranks[index] = UInt32(place) }
    return ranks
}
