import LaminaBase
import LaminaBitmaps
import LaminaSegment

/// Values of one column of a slice, in segment order, shared by its readers.
///
/// `@unchecked Sendable`: filled before it is shared.
final class SharedValues<Element: BitwiseCopyable>: @unchecked Sendable {
    let pointer: UnsafeMutablePointer<Element>
    let count: Int
    /// Whose memory it is; nil: its own.
    private let owner: AnyObject?

    init(count: Int) {
        self.count = count
        owner = nil
        pointer = UnsafeMutablePointer<Element>.allocate(capacity: max(count, 1))
    }

    /// Values that lie in a mapped piece; only read.
    init(_ pointer: UnsafeMutablePointer<Element>, count: Int, owner: AnyObject) {
        self.pointer = pointer
        self.count = count
        self.owner = owner
    }

    deinit { if owner == nil { pointer.deallocate() } }
}

/// Reads shared values without copying.
final class SharedReader<Element: BitwiseCopyable>: ValueReader {
    private let values: SharedValues<Element>
    private var room: UnsafeMutableBufferPointer<Element>

    init(_ values: SharedValues<Element>) {
        self.values = values
        room = UnsafeMutableBufferPointer<Element>.allocate(capacity: 0)
    }

    deinit { room.deallocate() }

    func read(_ rows: Range<Int>) throws(LaminaError) -> UnsafeBufferPointer<Element> {
        precondition(rows.upperBound <= values.count, "rows beyond the slice")
        return UnsafeBufferPointer(start: values.pointer + rows.lowerBound, count: rows.count)
    }

    func gather(_ rows: UnsafeBufferPointer<UInt32>) throws(LaminaError) -> UnsafeBufferPointer<Element> {
        if room.count < rows.count {
            room.deallocate()
            room = UnsafeMutableBufferPointer<Element>.allocate(capacity: rows.count)
        }
        for place in rows.indices {
            precondition(Int(rows[place]) < values.count, "rows beyond the slice")
            room.initializeElement(at: place, to: values.pointer[Int(rows[place])])
        }
        return UnsafeBufferPointer(rebasing: room[..<rows.count])
    }

    func contiguousRows(from row: Int) -> Int { values.count - row }
}

/// A number column of a slice.
final class SliceNumberColumn<Element: BitwiseCopyable & Sendable>: NumericColumn {
    let values: SharedValues<Element>
    let nullRows: RoaringBitmap?

    init(_ values: SharedValues<Element>, nullRows: RoaringBitmap?) {
        self.values = values
        self.nullRows = nullRows
    }

    var rowCount: Int { values.count }
    func makeReader() -> any ValueReader<Element> { SharedReader(values) }
    var valueIndex: (any NumericValueIndex<Element>)? { nil }
}

extension SliceNumberColumn: LongColumn where Element == Int64 {}
extension SliceNumberColumn: DoubleColumn where Element == Double {}
extension SliceNumberColumn: FloatColumn where Element == Float {}

/// A string column of a slice: the values that occur in it, sorted.
///
/// `@unchecked Sendable`: filled before it is shared.
final class SliceStringColumn: StringColumn, @unchecked Sendable {
    private let owner: AnyObject
    private let texts: TextSource
    /// Bytes at the front of every text that are not part of it (the tag of encoded values).
    private let prefix: Int
    /// Ids of `texts`, in order; null (0) first if it occurs.
    private let globals: [UInt32]
    /// Single values: an id a row. Several: see `offsets`.
    private let ids: SharedValues<UInt32>
    private let offsets: [UInt32]?
    let rowCount: Int

    /// - Parameters:
    ///   - ranks: every row's value by its rank in the dictionary, or the number of its list with the high bit set.
    ///   - lists: lists of ranks by number.
    ///   - dictionaryIDs: ids by rank, where they differ.
    init(
        ranks: SharedValues<UInt32>,
        lists: [[UInt32]],
        ids dictionaryIDs: [UInt32]?,
        dictionarySize: Int,
        texts: TextSource,
        prefix: Int,
        owner: AnyObject
    ) {
        self.texts = texts
        self.prefix = prefix
        self.owner = owner
        rowCount = ranks.count
        var used = UsedRanks(count: dictionarySize)
        var total = 0
        var isMulti = false
        for row in 0..<ranks.count {
            let rank = ranks.pointer[row]
            if rank & DimensionStore.listBit == 0 {
                used.insert(rank)
                total &+= 1
            } else {
                let list = lists[Int(rank & ~DimensionStore.listBit)]
                for element in list { used.insert(element) }
                total &+= list.count
                if list.count > 1 { isMulti = true }
                // A row without values puts null into the dictionary, as in Druid.
                if list.isEmpty { used.insert(0) }
            }
        }
        globals = used.finish(dictionaryIDs)
        let out = SharedValues<UInt32>(count: isMulti ? total : ranks.count)
        ids = out
        guard isMulti else {
            for row in 0..<ranks.count {
                let rank = ranks.pointer[row]
                out.pointer[row] = used.place(of: rank & DimensionStore.listBit == 0 ? rank : 0)
            }
            offsets = nil
            return
        }
        var ends: [UInt32] = [0]
        ends.reserveCapacity(ranks.count + 1)
        var next = 0
        for row in 0..<ranks.count {
            let rank = ranks.pointer[row]
            if rank & DimensionStore.listBit == 0 {
                out.pointer[next] = used.place(of: rank)
                next &+= 1
            } else {
                for element in lists[Int(rank & ~DimensionStore.listBit)] {
                    out.pointer[next] = used.place(of: element)
                    next &+= 1
                }
            }
            ends.append(UInt32(next))
        }
        offsets = ends
    }

    var hasMultipleValues: Bool { offsets != nil }
    var cardinality: Int { globals.count }
    var isSorted: Bool { true }
    var nullID: UInt32? { globals.first == 0 ? 0 : nil }

    fileprivate func bytes(_ id: UInt32) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: texts.text(globals[Int(id)])[prefix...])
    }

    func value(_ id: UInt32) -> String? {
        globals[Int(id)] == 0 ? nil : String(decoding: bytes(id), as: UTF8.self)
    }

    func withUTF8<Result>(_ id: UInt32, _ body: (UnsafeBufferPointer<UInt8>?) -> Result) -> Result {
        if globals[Int(id)] == 0 { return body(nil) }
        return body(bytes(id).assumingMemoryBound(to: UInt8.self))
    }

    func id(of value: String?) -> UInt32? {
        guard let value else { return nullID }
        let place = lowerBound(value)
        return Int(place) < globals.count && self.value(place) == value ? place : nil
    }

    func lowerBound(_ value: String) -> UInt32 {
        var low: UInt32 = nullID == nil ? 0 : 1
        var high = UInt32(globals.count)
        while low < high {
            let middle = (low + high) / 2
            if javaCompare(self.value(middle) ?? "", value) < 0 { low = middle + 1 } else { high = middle }
        }
        return low
    }

    var hasBitmaps: Bool { false }
    func rows(_ id: UInt32) throws(LaminaError) -> RoaringBitmap {
        throw LaminaError(.defensive, code: "noBitmaps", "rows in memory have no bitmaps")
    }

    func makeIDReader() -> any ValueReader<UInt32> { SharedReader(ids) }

    func makeMultiIDReader() -> any MultiIDReader {
        let all = Array(UnsafeBufferPointer(start: ids.pointer, count: ids.count))
        return ArrayMultiReader(offsets: offsets ?? Array(0...UInt32(rowCount)), ids: all)
    }
}

extension SliceStringColumn: StableTexts {
    var textsAreStable: Bool { true }

    func copyTexts(into target: UnsafeMutableBufferPointer<UnsafeRawBufferPointer>) {
        for id in 0..<min(target.count, globals.count) where globals[id] != 0 { target[id] = bytes(UInt32(id)) }
    }
}

/// An `auto` column of a slice, value by value.
///
/// `@unchecked Sendable`: filled before it is shared.
final class SliceObjectColumn: ObjectColumn, @unchecked Sendable {
    private let owner: AnyObject
    private let texts: TextSource
    private let ids: SharedValues<UInt32>

    init(_ texts: TextSource, owner: AnyObject, ids: SharedValues<UInt32>) {
        self.owner = owner
        self.texts = texts
        self.ids = ids
    }

    var rowCount: Int { ids.count }
    var type: ColumnType { .complex("json") }
    var hasNulls: Bool { UnsafeBufferPointer(start: ids.pointer, count: ids.count).contains(0) }

    func value(row: Int) throws(LaminaError) -> Value {
        precondition(row < ids.count, "a row beyond the slice")
        let id = ids.pointer[row]
        return id == 0 ? .null : EncodedValue.decode(texts.text(id))
    }
}
