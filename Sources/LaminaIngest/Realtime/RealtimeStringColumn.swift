import LaminaBase
import LaminaBitmaps
import LaminaSegment

/// Strings, or values of any types, of rows in memory: a dictionary in order of arrival, ids read where they lie.
///
/// The dictionary's id 0 is null. Where no row is null it is not in this column's dictionary, and ids are one less.
final class RealtimeStringColumn: StringColumn, ValueDictionary {
    /// An id a row, or a list's number with the high bit set.
    private let codes: SharedValues<UInt32>
    private let texts: TextSnapshot
    private let lists: ListSnapshot?
    /// The dictionary's id of the first id.
    private let first: UInt32
    /// Whether the dictionary holds encoded values, not texts.
    private let isEncoded: Bool
    /// Every value is a text, or null.
    let textsAreStable: Bool
    let hasMultipleValues: Bool

    /// - Parameters:
    ///   - hasNulls: whether some row's code is 0.
    ///   - hasOnlyTexts: whether no value is anything else.
    init(
        codes: SharedValues<UInt32>,
        texts: TextSnapshot,
        lists: ListSnapshot?,
        hasNulls: Bool,
        isEncoded: Bool,
        hasOnlyTexts: Bool = true
    ) {
        self.codes = codes
        self.texts = texts
        self.lists = lists
        self.isEncoded = isEncoded
        textsAreStable = hasOnlyTexts
        // A row without values puts null into the dictionary, as in Druid.
        first = hasNulls || lists?.hasNulls == true ? 0 : 1
        hasMultipleValues = lists.map { $0.longest > 1 } ?? false
    }

    var rowCount: Int { codes.count }
    var cardinality: Int { texts.count - Int(first) }
    var isSorted: Bool { false }
    var nullID: UInt32? { first == 0 ? 0 : nil }

    var ids: any StringColumn { self }

    /// The bytes of a text; nil for null and other values.
    private func bytes(_ id: UInt32) -> UnsafeRawBufferPointer? {
        if id == nullID { return nil }
        let all = texts.text(id + first)
        guard isEncoded else { return all }
        return all.first == EncodedValue.string ? UnsafeRawBufferPointer(rebasing: all[1...]) : nil
    }

    /// The text of a value that is none.
    private func otherText(_ id: UInt32) -> String? {
        if id == nullID { return nil }
        switch EncodedValue.decode(texts.text(id + first)) {
        case .long(let number): return String(number)
        case .double(let number): return javaText(number)
        case let other: return jsonValue(other).text
        }
    }

    func value(_ id: UInt32) throws(LaminaError) -> Value {
        if id == nullID { return .null }
        if isEncoded { return EncodedValue.decode(texts.text(id + first)) }
        return bytes(id).map { .string(String(decoding: $0, as: UTF8.self)) } ?? .null
    }

    func value(_ id: UInt32) -> String? {
        bytes(id).map { String(decoding: $0, as: UTF8.self) } ?? otherText(id)
    }

    func withUTF8<Result>(_ id: UInt32, _ body: (UnsafeBufferPointer<UInt8>?) -> Result) -> Result {
        if let bytes = bytes(id) { return body(bytes.assumingMemoryBound(to: UInt8.self)) }
        guard var text = otherText(id) else { return body(nil) }
        return text.withUTF8 { body($0) }
    }

    func id(of value: String?) -> UInt32? {
        guard var value else { return nullID }
        let found =
            isEncoded
            ? ([EncodedValue.string] + Array(value.utf8)).withUnsafeBytes { texts.id(of: $0) }
            : value.withUTF8 { texts.id(of: UnsafeRawBufferPointer($0)) }
        return found.map { $0 - first }
    }

    func lowerBound(_ value: String) -> UInt32 { preconditionFailure("a dictionary in order of arrival has no bounds") }

    var hasBitmaps: Bool { false }
    func rows(_ id: UInt32) throws(LaminaError) -> RoaringBitmap {
        throw LaminaError(.defensive, code: "noBitmaps", "rows in memory have no bitmaps")
    }

    func makeIDReader() -> any ValueReader<UInt32> {
        precondition(!hasMultipleValues, "a multi-value column has no single ids")
        if first == 0, lists == nil { return SharedReader(codes) }
        return ShiftedIDReader(codes, first: first)
    }

    func makeMultiIDReader() -> any MultiIDReader {
        RealtimeMultiReader(codes, lists, first: first, keepsEmpty: hasMultipleValues)
    }
}

extension RealtimeStringColumn: StableTexts {
    func copyTexts(into target: UnsafeMutableBufferPointer<UnsafeRawBufferPointer>) {
        for id in 0..<min(target.count, cardinality) {
            target[id] = bytes(UInt32(id)) ?? UnsafeRawBufferPointer(start: nil, count: 0)
        }
    }
}

/// Single ids without null, or with rows that are empty lists, which are null.
final class ShiftedIDReader: ValueReader {
    private let codes: SharedValues<UInt32>
    private let first: UInt32
    private let room = GrowBuffer<UInt32>()

    init(_ codes: SharedValues<UInt32>, first: UInt32) {
        self.codes = codes
        self.first = first
    }

    /// Lists are empty here.
    @inline(__always)
    private func id(_ code: UInt32) -> UInt32 { code & DimensionStore.listBit == 0 ? code &- first : 0 }

    func read(_ rows: Range<Int>) throws(LaminaError) -> UnsafeBufferPointer<UInt32> {
        precondition(rows.upperBound <= codes.count, "rows beyond the segment")
        let out = room.scratch(rows.count)
        let source = codes.pointer + rows.lowerBound
        for place in 0..<rows.count { out[place] = id(source[place]) }
        return UnsafeBufferPointer(start: out, count: rows.count)
    }

    func gather(_ rows: UnsafeBufferPointer<UInt32>) throws(LaminaError) -> UnsafeBufferPointer<UInt32> {
        let out = room.scratch(rows.count)
        for place in rows.indices {
            precondition(Int(rows[place]) < codes.count, "rows beyond the segment")
            out[place] = id(codes.pointer[Int(rows[place])])
        }
        return UnsafeBufferPointer(start: out, count: rows.count)
    }

    func contiguousRows(from row: Int) -> Int { codes.count - row }
}

/// Ids of rows with one or several values.
final class RealtimeMultiReader: MultiIDReader {
    private let codes: SharedValues<UInt32>
    private let lists: ListSnapshot?
    private let first: UInt32
    /// Whether a row without values has no id; else it has that of null.
    private let keepsEmpty: Bool
    private let offsets = GrowBuffer<UInt32>()
    private let ids = GrowBuffer<UInt32>()

    init(_ codes: SharedValues<UInt32>, _ lists: ListSnapshot?, first: UInt32, keepsEmpty: Bool) {
        self.codes = codes
        self.lists = lists
        self.first = first
        self.keepsEmpty = keepsEmpty
    }

    func read(_ rows: Range<Int>) throws(LaminaError) -> MultiIDs {
        precondition(rows.upperBound <= codes.count, "rows beyond the segment")
        let ends = offsets.scratch(rows.count + 1)
        ends[0] = 0
        var count = 0
        for (place, row) in rows.enumerated() {
            append(codes.pointer[row], &count)
            ends[place + 1] = UInt32(truncatingIfNeeded: count)
        }
        return result(rows.count, count)
    }

    func gather(_ rows: UnsafeBufferPointer<UInt32>) throws(LaminaError) -> MultiIDs {
        let ends = offsets.scratch(rows.count + 1)
        ends[0] = 0
        var count = 0
        for place in rows.indices {
            precondition(Int(rows[place]) < codes.count, "rows beyond the segment")
            append(codes.pointer[Int(rows[place])], &count)
            ends[place + 1] = UInt32(truncatingIfNeeded: count)
        }
        return result(rows.count, count)
    }

    @inline(__always)
    private func append(_ code: UInt32, _ count: inout Int) {
        guard code & DimensionStore.listBit != 0, let lists else {
            ids.scratch(count &+ 1)[count] = code &- first
            count &+= 1
            return
        }
        let range = lists.range(Int(code & ~DimensionStore.listBit))
        if range.isEmpty, !keepsEmpty {
            ids.scratch(count &+ 1)[count] = 0
            count &+= 1
            return
        }
        let target = ids.scratch(count &+ range.count)
        for place in range {
            target[count] = lists.elements.pointer[place] &- first
            count &+= 1
        }
    }

    private func result(_ rows: Int, _ count: Int) -> MultiIDs {
        MultiIDs(
            offsets: UnsafeBufferPointer(start: offsets.pointer, count: rows + 1),
            ids: UnsafeBufferPointer(start: ids.scratch(count), count: count)
        )
    }
}
