import LaminaBase
import LaminaBitmaps

/// One path of a nested column as it is stored: ids of values per row, with row bitmaps and number blocks.
///
/// Source: `GlobalDictionaryEncodedFieldColumnWriter`, `CompressedNestedDataComplexColumn.readNestedFieldColumn`.
struct NestedFieldColumn: Sendable {
    /// Local id → id in the column's value space, ascending.
    let globalIDs: FixedIndexed
    let ids: IDPayload
    let longs: NumberPayload?
    let doubles: NumberPayload?
    /// One for each local id; nil where only the null rows are indexed.
    let bitmaps: BitmapList?
    let nullRows: RoaringBitmap?
    /// Values inside arrays: their global ids and the rows whose arrays hold them.
    let elements: (ids: FixedIndexed, bitmaps: BitmapList)?

    init(
        _ field: NestedField,
        in column: NestedColumn,
        order: ByteOrder,
        bitmap: IndexSpec.Bitmap,
        nullIndexOnly: Bool,
        reader: ColumnReading
    ) throws(LaminaError) {
        var cursor = ByteCursor(try reader.require(field.file))
        let version = try cursor.u8()
        guard version == 0 || version == 2 else { throw cursor.corrupt("unknown nested field version \(version)") }
        let flags = try cursor.i32()
        guard flags == 0 else { throw cursor.corrupt("unknown nested field flags \(flags)") }
        globalIDs = try FixedIndexed(&cursor, width: 4, order: order, allowsNull: false)
        var last = -1
        for index in 0..<globalIDs.count {
            let id = globalIDs.int(index)
            guard id > last, id < column.values.count else {
                throw cursor.corrupt("a nested field's value id \(id) of \(column.values.count)")
            }
            last = id
        }
        let longBytes = try cursor.count("the length of longs", order)
        let doubleBytes = try cursor.count("the length of doubles", order)
        longs = try Self.numbers(&cursor, longBytes, .long, order, reader)
        doubles = try Self.numbers(&cursor, doubleBytes, .double, order, reader)
        ids = try IDPayload(
            &cursor,
            order: order,
            count: reader.rowCount,
            idLimit: globalIDs.count,
            reader: reader
        )
        guard (ids.codec != nil) == (version == 2) else {
            throw cursor.corrupt("a nested field's ids do not fit its version")
        }
        if nullIndexOnly {
            bitmaps = nil
            nullRows = try BitmapList.decodeSized(&cursor, bitmap, rowCount: reader.rowCount)
        } else {
            bitmaps = try BitmapList(
                &cursor,
                format: bitmap,
                count: globalIDs.count,
                rowCount: reader.rowCount,
                reader: reader
            )
            nullRows = nil
        }
        if cursor.remaining > 0 {
            let elementIDs = try FixedIndexed(&cursor, width: 4, order: order, allowsNull: false)
            elements = (
                elementIDs,
                try BitmapList(
                    &cursor,
                    format: bitmap,
                    count: elementIDs.count,
                    rowCount: reader.rowCount,
                    reader: reader
                )
            )
        } else {
            elements = nil
        }
        guard cursor.remaining == 0 else { throw cursor.corrupt("\(cursor.remaining) bytes follow the nested field") }
    }

    private static func numbers(
        _ cursor: inout ByteCursor,
        _ length: Int,
        _ kind: NumberKind,
        _ order: ByteOrder,
        _ reader: ColumnReading
    ) throws(LaminaError) -> NumberPayload? {
        guard length > 0 else { return nil }
        var inner = ByteCursor(try cursor.take(length))
        return try NumberPayload(&inner, kind: kind, order: order, rowCount: reader.rowCount, reader: reader)
    }
}
