import LaminaBase

/// First and last values with their times, numbers: cells of time deltas.
///
/// A row's bytes are given in one form whatever the file's: `SerializedPair`.
/// Source: `AbstractSerializablePairLongObjectColumnHeader`, `…DeltaEncodedStagedSerde`.
final class PairColumn: ObjectColumn {
    let cells: CellStore
    let typeName: String
    let valueKind: SerializedPair.Kind
    /// Added to every time; times are stored as 32-bit deltas when they fit.
    let base: Int64
    let hasShortTimes: Bool

    init(_ cursor: inout ByteCursor, typeName: String, kind: SerializedPair.Kind, reader: ColumnReading)
        throws(LaminaError)
    {
        let version = try cursor.u8()
        guard version == 3 else { throw cursor.corrupt("unknown pair column version \(version)") }
        let flags = try cursor.u8()
        _ = try cursor.take(2)
        hasShortTimes = flags & 0x80 != 0
        base = try cursor.i64(.little)
        cells = try CellStore(&cursor, rowCount: reader.rowCount, reader: reader)
        self.typeName = typeName
        valueKind = kind
    }

    var rowCount: Int { cells.count }
    var type: ColumnType { .complex(typeName) }
    var hasNulls: Bool { true }

    func value(row: Int) throws(LaminaError) -> Value {
        let cell = try cells.value(row)
        guard !cell.isEmpty else { return .null }
        let pair = cell.withUnsafeBytes { bytes in
            SerializedPair(cell: bytes, kind: valueKind, base: base, hasShortTime: hasShortTimes)
        }
        guard let pair else {
            throw .corrupt("row \(row)'s pair has \(cell.count) bytes", at: "column of type \(typeName)")
        }
        return .complex(type: typeName, bytes: pair.bytes)
    }
}
