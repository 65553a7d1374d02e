import LaminaBase
import LaminaQuery
import LaminaSegment

/// Gives the ids of one grouping dimension, batch by batch, and turns ids back into values at the end.
class KeySource {
    /// Ids are below this; nil when they are handed out as values turn up.
    var cardinality: Int? { nil }
    /// Whether a row may have several values, each of which makes the row count once more.
    var hasMultipleValues: Bool { false }
    /// The id of a row without values.
    var emptyID: UInt32 { 0 }

    /// Roughly the bytes held for values that turned up.
    var byteCount: Int { 0 }

    /// One id a slot; only when rows have single values.
    func ids(_ batch: Batch) throws(LaminaError) -> UnsafePointer<UInt32> {
        preconditionFailure("a key source without a body")
    }

    /// All ids of each slot; rows without any count under `emptyID`.
    func multiIDs(_ batch: Batch) throws(LaminaError) -> MultiIDs {
        preconditionFailure("a key source of single values")
    }

    /// The key column of groups with these ids.
    func emit(_ ids: [UInt32]) throws(LaminaError) -> KeyColumn {
        preconditionFailure("a key source without a body")
    }
}

/// Every row null.
final class NullKeys: KeySource {
    private let zeros = Scratch<UInt32>(batchRowsMax)

    override init() { zeros.pointer.initialize(repeating: 0, count: batchRowsMax) }

    override var cardinality: Int? { 1 }
    override func ids(_ batch: Batch) throws(LaminaError) -> UnsafePointer<UInt32> { UnsafePointer(zeros.pointer) }
    override func emit(_ ids: [UInt32]) throws(LaminaError) -> KeyColumn {
        KeyColumn(values: .none, ids: Array(repeating: 0, count: ids.count))
    }
}

/// A string column as it is: keys are dictionary ids.
final class StringKeys: KeySource {
    private let input: IDInput

    init(_ input: IDInput) { self.input = input }

    /// One more than the dictionary has, for rows without values where null is not in it.
    override var cardinality: Int? { input.column.cardinality + (input.column.nullID == nil ? 1 : 0) }
    override var hasMultipleValues: Bool { input.column.hasMultipleValues }
    override var emptyID: UInt32 { input.column.nullID ?? UInt32(input.column.cardinality) }

    override func ids(_ batch: Batch) throws(LaminaError) -> UnsafePointer<UInt32> { try input.ids(batch) }
    override func multiIDs(_ batch: Batch) throws(LaminaError) -> MultiIDs { try input.multiIDs(batch) }

    override func emit(_ ids: [UInt32]) throws(LaminaError) -> KeyColumn {
        let column = input.column
        var places = [UInt32](repeating: 0, count: column.cardinality + 1)
        for id in ids { places[Int(id)] = 1 }
        if let nullID = column.nullID { places[Int(nullID)] = 0 }
        places[column.cardinality] = 0
        let values = column.isSorted ? emitSorted(&places) : emitUnsorted(&places)
        return KeyColumn(values: .strings(values), ids: pick(places, ids))
    }

    /// Replaces each mark by the place of its value in the table of marked values.
    private func emitSorted(_ places: inout [UInt32]) -> StringTable {
        var used: [UInt32] = []
        for id in places.indices where places[id] != 0 {
            used.append(UInt32(id))
            places[id] = UInt32(used.count)
        }
        if let table = stableTable(used) { return table }
        var builder = StringTableBuilder(capacity: used.count)
        used.withUnsafeBufferPointer { used in input.column.forEachUTF8(used) { builder.append($0) } }
        return builder.finish()
    }

    /// A table that points into a mapped dictionary, when that is there and much of it is used.
    private func stableTable(_ used: [UInt32]) -> StringTable? {
        guard used.count >= input.column.cardinality / 8 else { return nil }
        return withStableTexts { texts in StringTable(used, of: texts, owner: input.column) }
    }

    /// Calls `body` with the text of every id, where these do not move.
    private func withStableTexts<Result>(
        _ body: (UnsafeMutableBufferPointer<UnsafeRawBufferPointer>) -> Result
    ) -> Result? {
        let column = input.column
        guard let stable = column as? any StableTexts, stable.textsAreStable else { return nil }
        let texts = UnsafeMutableBufferPointer<UnsafeRawBufferPointer>.allocate(capacity: column.cardinality)
        texts.initialize(repeating: UnsafeRawBufferPointer(start: nil, count: 0))
        defer { texts.deallocate() }
        stable.copyTexts(into: texts)
        return body(texts)
    }

    private func emitUnsorted(_ places: inout [UInt32]) -> StringTable {
        var ids: [UInt32] = []
        for id in places.indices where places[id] != 0 { ids.append(UInt32(id)) }
        if ids.count >= input.column.cardinality / 64,
            let table = withStableTexts({ texts in sortedTable(ids, texts, &places) })
        {
            return table
        }
        var used: [(id: Int, text: String)] = ids.map { (Int($0), input.column.value($0) ?? "") }
        used.sort { compareTextUTF16($0.text, $1.text) < 0 }
        var builder = StringTableBuilder(capacity: used.count)
        for (place, entry) in used.enumerated() {
            builder.append(entry.text)
            places[entry.id] = UInt32(place + 1)
        }
        return builder.finish()
    }

    private func sortedTable(
        _ ids: [UInt32],
        _ texts: UnsafeMutableBufferPointer<UnsafeRawBufferPointer>,
        _ places: inout [UInt32]
    ) -> StringTable {
        var used = ids.map { (id: $0, text: TextEntry(bounded: texts[Int($0)])) }
        used.sort { $0.text.compare($1.text) < 0 }
        for (place, entry) in used.enumerated() { places[Int(entry.id)] = UInt32(place + 1) }
        return StringTable(used.map(\.id), of: texts, owner: input.column)
    }
}

/// Ids handed out to values as they turn up; id 0 is null.
struct KeyDictionary {
    private var places: [KeyValue: UInt32] = [.null: 0]
    private(set) var keys: [KeyValue] = [.null]
    /// Roughly the bytes held.
    private(set) var byteCount = 0

    mutating func id(_ key: KeyValue) -> UInt32 {
        if let known = places[key] { return known }
        byteCount += key.byteCount + 64
        let id = UInt32(keys.count)
        places[key] = id
        keys.append(key)
        return id
    }

    func emit(_ ids: [UInt32]) -> KeyColumn {
        let (values, places) = sortedKeys(keys)
        return KeyColumn(values: values, ids: pick(places, ids))
    }
}

/// A string column through a function of its values (extraction, filtered dimension, another type), once per value.
final class MappedStringKeys: KeySource {
    /// What becomes of a value: nil when it is dropped from its row.
    typealias Transform = (UInt32) throws(LaminaError) -> KeyValue?
    private let input: IDInput
    private let transform: Transform
    private var dictionary = KeyDictionary()
    private static let unknown = UInt32.max
    private static let dropped = UInt32.max - 1
    private var table: [UInt32]
    private let mayRepeat: Bool
    private let buffer = Scratch<UInt32>(batchRowsMax)
    private let offsets = Scratch<UInt32>(batchRowsMax + 1)

    /// - Parameter drops: whether some values may be dropped, which leaves rows without any.
    init(_ input: IDInput, drops: Bool, transform: @escaping Transform) {
        self.input = input
        self.transform = transform
        mayRepeat = drops || input.column.hasMultipleValues
        table = Array(repeating: Self.unknown, count: input.column.cardinality)
    }

    override var hasMultipleValues: Bool { mayRepeat }

    private func map(_ id: UInt32) throws(LaminaError) -> UInt32 {
        let known = table[Int(id)]
        if known != Self.unknown { return known }
        let mapped = try transform(id).map { dictionary.id($0) } ?? Self.dropped
        table[Int(id)] = mapped
        return mapped
    }

    override func ids(_ batch: Batch) throws(LaminaError) -> UnsafePointer<UInt32> {
        let ids = try input.ids(batch)
        for slot in 0..<batch.slotCount {
            let mapped = try map(ids[slot])
            buffer.pointer[slot] = mapped == Self.dropped ? 0 : mapped
        }
        return UnsafePointer(buffer.pointer)
    }

    override func multiIDs(_ batch: Batch) throws(LaminaError) -> MultiIDs {
        let ids = try input.multiIDs(batch)
        let total = Int(ids.offsets[batch.slotCount])
        buffer.reserve(total + batch.slotCount)
        var count = 0
        offsets.pointer[0] = 0
        for slot in 0..<batch.slotCount {
            let range = Int(ids.offsets[slot])..<Int(ids.offsets[slot + 1])
            for index in range {
                let mapped = try map(ids.ids[index])
                if mapped == Self.dropped { continue }
                buffer.pointer[count] = mapped
                count += 1
            }
            offsets.pointer[slot + 1] = UInt32(count)
        }
        return MultiIDs(
            offsets: UnsafeBufferPointer(start: offsets.pointer, count: batch.slotCount + 1),
            ids: UnsafeBufferPointer(start: buffer.pointer, count: count)
        )
    }

    override var byteCount: Int { dictionary.byteCount }
    override func emit(_ ids: [UInt32]) throws(LaminaError) -> KeyColumn { dictionary.emit(ids) }
}

/// Any column, value by value.
final class ValueKeys: KeySource {
    private let input: ValueInput
    private let transform: (Value) -> KeyValue?
    private var dictionary = KeyDictionary()
    private let explodes: Bool
    private let buffer = Scratch<UInt32>(batchRowsMax)
    private let offsets = Scratch<UInt32>(batchRowsMax + 1)

    /// - Parameter explodes: whether the elements of an array are values of their own.
    init(_ input: ValueInput, explodes: Bool, transform: @escaping (Value) -> KeyValue?) {
        self.input = input
        self.explodes = explodes
        self.transform = transform
    }

    override var hasMultipleValues: Bool { explodes }

    override func ids(_ batch: Batch) throws(LaminaError) -> UnsafePointer<UInt32> {
        try input.load(batch)
        for slot in 0..<batch.slotCount {
            buffer.pointer[slot] = transform(try input.value(slot)).map { dictionary.id($0) } ?? 0
        }
        return UnsafePointer(buffer.pointer)
    }

    override func multiIDs(_ batch: Batch) throws(LaminaError) -> MultiIDs {
        try input.load(batch)
        var count = 0
        offsets.pointer[0] = 0
        for slot in 0..<batch.slotCount {
            let value = try input.value(slot)
            var elements = [value]
            // A row without values is no row of null to topN; groupBy counts it under `emptyID`.
            if case .array(let inner) = value { elements = inner }
            buffer.grow(to: count + elements.count, keeping: count)
            for element in elements {
                guard let key = transform(element) else { continue }
                buffer.pointer[count] = dictionary.id(key)
                count += 1
            }
            offsets.pointer[slot + 1] = UInt32(count)
        }
        return MultiIDs(
            offsets: UnsafeBufferPointer(start: offsets.pointer, count: batch.slotCount + 1),
            ids: UnsafeBufferPointer(start: buffer.pointer, count: count)
        )
    }

    override var byteCount: Int { dictionary.byteCount }
    override func emit(_ ids: [UInt32]) throws(LaminaError) -> KeyColumn { dictionary.emit(ids) }
}

/// Numbers: a hash table from bit patterns to ids.
final class NumberKeys<Number: VectorNumber>: KeySource {
    private let input: NumericInput<Number>
    private let bits: (UnsafePointer<Number>, UnsafeMutablePointer<UInt64>, Int) -> Void
    private let key: (UInt64) -> KeyValue
    private let table = HashGroups()
    private let patterns = Scratch<UInt64>(batchRowsMax)
    private let buffer = Scratch<UInt32>(batchRowsMax)

    init(
        _ input: NumericInput<Number>,
        bits: @escaping (UnsafePointer<Number>, UnsafeMutablePointer<UInt64>, Int) -> Void,
        key: @escaping (UInt64) -> KeyValue
    ) {
        self.input = input
        self.bits = bits
        self.key = key
    }

    override func ids(_ batch: Batch) throws(LaminaError) -> UnsafePointer<UInt32> {
        let vector = try input.vector(batch)
        bits(vector.values, patterns.pointer, batch.slotCount)
        table.map(patterns.pointer, count: batch.slotCount, into: buffer.pointer)
        // Id 0 is null, so values begin at 1.
        for slot in 0..<batch.slotCount { buffer.pointer[slot] &+= 1 }
        if vector.nulls != nil {
            for slot in 0..<batch.slotCount where vector.isNull(slot) { buffer.pointer[slot] = 0 }
        }
        return UnsafePointer(buffer.pointer)
    }

    override var byteCount: Int { table.byteCount }

    override func emit(_ ids: [UInt32]) throws(LaminaError) -> KeyColumn {
        if let first = table.keys.first, case .long = key(first) {
            let (values, places) = sortedLongs(table.keys)
            return KeyColumn(values: values, ids: pick(places, ids))
        }
        var dictionary = KeyDictionary()
        var places: [UInt32] = [0]
        for pattern in table.keys { places.append(dictionary.id(key(pattern))) }
        return dictionary.emit(pick(places, ids))
    }
}
