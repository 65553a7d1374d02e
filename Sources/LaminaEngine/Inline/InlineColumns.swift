import LaminaBase
import LaminaBitmaps
import LaminaQuery
import LaminaSegment

/// Values in memory that never move, so that readers may hand out pointers.
// Sendable: all fields are let and the memory is only read after init.
final class FixedValues<Element: BitwiseCopyable & Sendable>: @unchecked Sendable {
    let buffer: UnsafeMutableBufferPointer<Element>
    /// What the values lie in; nil: memory of their own.
    private let owner: GrowingArray<Element>?

    init(_ values: [Element]) {
        buffer = .allocate(capacity: values.count)
        _ = buffer.update(fromContentsOf: values)
        owner = nil
    }

    /// - Parameter values: to which nothing is added any more.
    init(_ values: GrowingArray<Element>) {
        buffer = values.buffer
        owner = values
    }

    deinit { if owner == nil { buffer.deallocate() } }
}

/// Reads fixed values.
final class FixedReader<Element: BitwiseCopyable & Sendable>: ValueReader {
    private let values: FixedValues<Element>
    private let gathered = Scratch<Element>(1)

    init(_ values: FixedValues<Element>) { self.values = values }

    func read(_ rows: Range<Int>) throws(LaminaError) -> UnsafeBufferPointer<Element> {
        UnsafeBufferPointer(rebasing: UnsafeBufferPointer(values.buffer)[rows])
    }

    func gather(_ rows: UnsafeBufferPointer<UInt32>) throws(LaminaError) -> UnsafeBufferPointer<Element> {
        gathered.reserve(rows.count)
        for (index, row) in rows.enumerated() { gathered.pointer[index] = values.buffer[Int(row)] }
        return UnsafeBufferPointer(start: gathered.pointer, count: rows.count)
    }

    func contiguousRows(from row: Int) -> Int { values.buffer.count - row }
}

/// Numbers in memory.
final class InlineNumbers<Element: BitwiseCopyable & Sendable>: NumericColumn {
    private let values: FixedValues<Element>
    let nullRows: RoaringBitmap?
    let valueIndex: (any NumericValueIndex<Element>)? = nil

    init(_ values: FixedValues<Element>, nulls: RoaringBitmap?) {
        self.values = values
        nullRows = nulls
    }

    convenience init(_ values: [Element], nulls: RoaringBitmap?) { self.init(FixedValues(values), nulls: nulls) }

    var rowCount: Int { values.buffer.count }
    func makeReader() -> any ValueReader<Element> { FixedReader(values) }
}

extension InlineNumbers: LongColumn where Element == Int64 {}
extension InlineNumbers: FloatColumn where Element == Float {}
extension InlineNumbers: DoubleColumn where Element == Double {}

/// Strings in memory, dictionary-encoded.
final class InlineStrings: StringColumn {
    let rowCount: Int
    let hasMultipleValues: Bool
    let isSorted: Bool
    let hasBitmaps: Bool
    let nullID: UInt32?
    private let dictionary: [String?]
    private let ids: [ExactText: UInt32]
    /// Row i has `values[offsets[i]..<offsets[i + 1]]`.
    private let offsets: FixedValues<UInt32>
    private let values: FixedValues<UInt32>
    private let bitmaps: [RoaringBitmap]
    /// Row-based columns: the rows that are lists.
    private let lists: RoaringBitmap?

    /// - Parameter isRowBased: a row that is a list stays one, and null is no element.
    init(_ rows: [Value], sorts: Bool, hasBitmaps: Bool, isRowBased: Bool = false) {
        rowCount = rows.count
        var marks = RoaringBitmap()
        if isRowBased {
            for (row, value) in rows.enumerated() {
                if case .array = value { marks.append(UInt32(row)) }
            }
        }
        self.lists = isRowBased ? marks : nil
        isSorted = sorts
        self.hasBitmaps = hasBitmaps
        var isMultiple = false
        var lists: [[String?]] = []
        for row in rows {
            if case .array(let elements) = row {
                lists.append(elements.map(\.asText))
                if elements.count != 1 || isRowBased { isMultiple = true }
            } else {
                lists.append([row.asText])
            }
        }
        hasMultipleValues = isMultiple
        let coded = Self.encode(lists, sorts: sorts)
        dictionary = coded.dictionary
        ids = coded.ids
        nullID = coded.nullID
        var offsets: [UInt32] = [0]
        var flat: [UInt32] = []
        var bitmaps = [RoaringBitmap](repeating: RoaringBitmap(), count: hasBitmaps ? coded.dictionary.count : 0)
        for (row, list) in lists.enumerated() {
            for value in list {
                guard let id = value.map({ coded.ids[ExactText($0)] }) ?? coded.nullID else { continue }
                flat.append(id)
            }
            if hasBitmaps {
                var own = Set(flat[Int(offsets[row])...])
                if own.isEmpty, let nullID = coded.nullID { own = [nullID] }
                for id in own { bitmaps[Int(id)].append(UInt32(row)) }
            }
            offsets.append(UInt32(flat.count))
        }
        self.offsets = FixedValues(offsets)
        values = FixedValues(flat)
        self.bitmaps = bitmaps
    }

    private static func encode(
        _ lists: [[String?]],
        sorts: Bool
    ) -> (dictionary: [String?], ids: [ExactText: UInt32], nullID: UInt32?) {
        var ids: [ExactText: UInt32] = [:]
        var dictionary: [String?] = []
        var nullID: UInt32?
        for list in lists {
            // A row without values counts as null, as Druid's writer does.
            for value in list.isEmpty ? [nil] : list {
                if let value {
                    if ids[ExactText(value)] == nil {
                        ids[ExactText(value)] = UInt32(dictionary.count)
                        dictionary.append(value)
                    }
                } else if nullID == nil {
                    nullID = UInt32(dictionary.count)
                    dictionary.append(nil)
                }
            }
        }
        guard sorts else { return (dictionary, ids, nullID) }
        dictionary.sort { left, right in
            guard let left, let right else { return left == nil && right != nil }
            return compareTextUTF16(left, right) < 0
        }
        for (id, value) in dictionary.enumerated() {
            if let value { ids[ExactText(value)] = UInt32(id) } else { nullID = UInt32(id) }
        }
        return (dictionary, ids, nullID)
    }

    var cardinality: Int { dictionary.count }
    var isRowBased: Bool { lists != nil }
    func isList(_ row: Int) -> Bool { lists?.contains(UInt32(row)) ?? false }

    func value(_ id: UInt32) -> String? { dictionary[Int(id)] }

    func withUTF8<Result>(_ id: UInt32, _ body: (UnsafeBufferPointer<UInt8>?) -> Result) -> Result {
        guard var text = dictionary[Int(id)] else { return body(nil) }
        return text.withUTF8 { body($0) }
    }

    func id(of value: String?) -> UInt32? {
        guard let value else { return nullID }
        return ids[ExactText(value)]
    }

    func lowerBound(_ value: String) -> UInt32 {
        precondition(isSorted, "a dictionary in order of arrival has no bounds")
        var low = 0
        var high = dictionary.count
        while low < high {
            let middle = (low + high) / 2
            if let text = dictionary[middle], compareTextUTF16(text, value) >= 0 {
                high = middle
            } else {
                low = middle + 1
            }
        }
        return UInt32(low)
    }

    func rows(_ id: UInt32) throws(LaminaError) -> RoaringBitmap {
        precondition(hasBitmaps, "a column without bitmaps was asked for one")
        return bitmaps[Int(id)]
    }

    func makeIDReader() -> any ValueReader<UInt32> {
        precondition(!hasMultipleValues, "rows of several values have no single id")
        return FixedReader(values)
    }

    func makeMultiIDReader() -> any MultiIDReader { InlineMultiReader(offsets, values) }
}

/// Reads rows of several values.
final class InlineMultiReader: MultiIDReader {
    private let offsets: FixedValues<UInt32>
    private let values: FixedValues<UInt32>
    private let starts = Scratch<UInt32>(1)
    private let ids = Scratch<UInt32>(1)

    init(_ offsets: FixedValues<UInt32>, _ values: FixedValues<UInt32>) {
        self.offsets = offsets
        self.values = values
    }

    func read(_ rows: Range<Int>) throws(LaminaError) -> MultiIDs { collect(rows.count) { rows.lowerBound + $0 } }

    func gather(_ rows: UnsafeBufferPointer<UInt32>) throws(LaminaError) -> MultiIDs {
        collect(rows.count) { Int(rows[$0]) }
    }

    private func collect(_ count: Int, _ row: (Int) -> Int) -> MultiIDs {
        starts.reserve(count + 1)
        starts.pointer[0] = 0
        var total = 0
        for index in 0..<count {
            let low = Int(offsets.buffer[row(index)])
            let high = Int(offsets.buffer[row(index) + 1])
            ids.grow(to: total + high - low, keeping: total)
            for place in low..<high { ids.pointer[total + place - low] = values.buffer[place] }
            total += high - low
            starts.pointer[index + 1] = UInt32(total)
        }
        return MultiIDs(
            offsets: UnsafeBufferPointer(start: starts.pointer, count: count + 1),
            ids: UnsafeBufferPointer(start: ids.pointer, count: total)
        )
    }
}

/// Values of any type in memory.
final class InlineObjects: ObjectColumn {
    let type: ColumnType
    let hasNulls: Bool
    private let values: [Value]

    init(_ values: [Value], type: ColumnType) {
        self.values = values
        self.type = type
        hasNulls = values.contains { $0.isNull }
    }

    var rowCount: Int { values.count }
    func value(row: Int) throws(LaminaError) -> Value { values[row] }
}
