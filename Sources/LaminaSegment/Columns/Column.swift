package import LaminaBase
package import LaminaBitmaps

/// A column of one segment. The engine switches over this once per segment and column, never per row.
///
/// Mapped V9 columns, the realtime segment's columns and inline data all come as one of these.
package enum Column: Sendable {
    case long(any LongColumn)
    case float(any FloatColumn)
    case double(any DoubleColumn)
    /// Dictionary-encoded strings, one or several values a row.
    case string(any StringColumn)
    /// Everything else, row by row: sketches, nested `json`, arrays, mixed `auto` columns.
    case object(any ObjectColumn)

    package var type: ColumnType {
        switch self {
        case .long: .long
        case .float: .float
        case .double: .double
        case .string: .string
        case .object(let column): column.type
        }
    }
}

/// What every column can say of itself. `rowCount` equals its segment's.
package protocol ColumnBasics: AnyObject, Sendable {
    var rowCount: Int { get }
}

/// A numeric column; null rows hold 0 in the values.
package protocol NumericColumn<Element>: ColumnBasics {
    associatedtype Element: BitwiseCopyable & Sendable
    /// Rows that are null; nil when there are none.
    var nullRows: RoaringBitmap? { get }
    /// A reader for one thread of one query.
    func makeReader() -> any ValueReader<Element>
    /// The stored dictionary and its row bitmaps where the column has them (scalar `auto` columns); else nil.
    var valueIndex: (any NumericValueIndex<Element>)? { get }
}

package protocol LongColumn: NumericColumn where Element == Int64 {}
package protocol FloatColumn: NumericColumn where Element == Float {}
package protocol DoubleColumn: NumericColumn where Element == Double {}

/// Reads values of one column for one thread. Pointers stay valid until the next call on the same reader.
///
/// Calls come once per batch, so that the dynamic dispatch costs nothing per row. Decoding a block can find corrupt bytes.
package protocol ValueReader<Element>: AnyObject {
    associatedtype Element: BitwiseCopyable
    /// Values of a contiguous, non-empty range of rows; without a copy when the range lies in one decoded block.
    func read(_ rows: Range<Int>) throws(LaminaError) -> UnsafeBufferPointer<Element>
    /// Values of the given ascending rows, in their order.
    func gather(_ rows: UnsafeBufferPointer<UInt32>) throws(LaminaError) -> UnsafeBufferPointer<Element>
    /// How many rows, at most, from `row` on lie in the same decoded block: a good batch end for `read`.
    func contiguousRows(from row: Int) -> Int
}

/// Dictionary and bitmaps of a numeric `auto` column, in ascending order of values.
package protocol NumericValueIndex<Element>: AnyObject, Sendable {
    associatedtype Element: BitwiseCopyable
    /// Distinct non-null values, ascending.
    var cardinality: Int { get }
    func value(_ index: Int) -> Element
    func rows(_ index: Int) throws(LaminaError) -> RoaringBitmap
}

/// A dictionary-encoded string column.
///
/// Ids run from 0 to `cardinality - 1`. In mapped columns the dictionary is sorted (`isSorted`), null first (id 0) if it is there;
/// in realtime columns ids are in order of arrival.
package protocol StringColumn: ColumnBasics {
    var hasMultipleValues: Bool { get }
    /// Distinct values, null counted as one.
    var cardinality: Int { get }
    var isSorted: Bool { get }
    /// The id of null, if null is in the dictionary.
    var nullID: UInt32? { get }
    /// The value of an id; nil is null. Traps when the id is out of range.
    func value(_ id: UInt32) -> String?
    /// Calls `body` with the UTF-8 bytes of a value; with nil for null.
    func withUTF8<Result>(_ id: UInt32, _ body: (UnsafeBufferPointer<UInt8>?) -> Result) -> Result
    /// Calls `body` with the UTF-8 bytes of many values in turn, null's as none: one dynamic dispatch for all of them.
    func forEachUTF8(_ ids: UnsafeBufferPointer<UInt32>, _ body: (UnsafeBufferPointer<UInt8>) -> Void)
    /// The id of a value (nil: of null), if it is in the dictionary.
    func id(of value: String?) -> UInt32?
    /// Sorted dictionaries only: the first id whose value is not less than `value` in Druid's dictionary order (UTF-16 code
    /// units, null first); `cardinality` when there is none.
    func lowerBound(_ value: String) -> UInt32
    /// Whether `rows(_:)` may be called.
    var hasBitmaps: Bool { get }
    /// The rows that contain the value. For null also rows without any value.
    func rows(_ id: UInt32) throws(LaminaError) -> RoaringBitmap
    /// Single-value columns: one id per row. Traps on multi-value columns.
    func makeIDReader() -> any ValueReader<UInt32>
    /// Single-value columns: the same ids in the width they are stored in, so that a scan of a column of few values touches
    /// one byte a row. Traps on multi-value columns.
    func makeIDAccess() -> IDAccess
    /// Multi-value columns (single-value ones answer too, one id a row).
    func makeMultiIDReader() -> any MultiIDReader
    /// Rows came as values, not as ids of a stored dictionary: a null row has no element, and a list stays one whatever its
    /// length.
    var isRowBased: Bool { get }
    /// Row-based columns: whether the row is a list.
    func isList(_ row: Int) -> Bool
}

extension StringColumn {
    package var isRowBased: Bool { false }
    package func isList(_ row: Int) -> Bool { false }

    package func forEachUTF8(_ ids: UnsafeBufferPointer<UInt32>, _ body: (UnsafeBufferPointer<UInt8>) -> Void) {
        for id in ids { withUTF8(id) { body($0 ?? UnsafeBufferPointer(start: nil, count: 0)) } }
    }

    package func makeIDAccess() -> IDAccess { .words(makeIDReader()) }
}

/// Readers of ids by width; ids are the same whichever is used.
package enum IDAccess {
    case bytes(any ValueReader<UInt8>)
    case shorts(any ValueReader<UInt16>)
    case words(any ValueReader<UInt32>)
}

/// Reads the ids of multi-value rows for one thread. Pointers stay valid until the next call on the same reader.
package protocol MultiIDReader: AnyObject {
    /// For `rows.count` rows: `offsets` has `rows.count + 1` entries, row i's ids are `ids[offsets[i]..<offsets[i + 1]]`.
    /// A row without values has no ids; the engine treats it as null.
    func read(_ rows: Range<Int>) throws(LaminaError) -> MultiIDs
    func gather(_ rows: UnsafeBufferPointer<UInt32>) throws(LaminaError) -> MultiIDs
}

/// Ids of several rows; see `MultiIDReader`.
package struct MultiIDs {
    package var offsets: UnsafeBufferPointer<UInt32>
    package var ids: UnsafeBufferPointer<UInt32>

    package init(offsets: UnsafeBufferPointer<UInt32>, ids: UnsafeBufferPointer<UInt32>) {
        self.offsets = offsets
        self.ids = ids
    }
}

/// A column of values that are read one by one.
package protocol ObjectColumn: ColumnBasics {
    /// `ARRAY<…>`, `COMPLEX<json>`, `COMPLEX<hyperUnique>`, …; `COMPLEX<name>` of the file for types nobody knows.
    var type: ColumnType { get }
    var hasNulls: Bool { get }
    /// The row's value; complex types other than json as `.complex` bytes.
    func value(row: Int) throws(LaminaError) -> Value
    /// The distinct values with ids by row, where the column is stored so; else nil.
    var valueDictionary: (any ValueDictionary)? { get }
}
