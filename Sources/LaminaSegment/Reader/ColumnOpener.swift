import LaminaBase
import LaminaBitmaps
import LaminaCompression

/// Opens one column: reads the descriptor, checks every count and offset of its parts, and gives it the form of the contract.
struct ColumnOpener {
    let name: String
    let reader: ColumnReading
    let descriptor: ColumnDescriptor
    /// A projection's column has the dictionaries of this one, the base table's.
    let parent: Column?
    private let body: MappedBytes

    init(name: String, reader: ColumnReading, parent: Column? = nil) throws(LaminaError) {
        self.name = name
        self.reader = reader
        self.parent = parent
        (descriptor, body) = try Self.descriptor(try reader.require(name))
    }

    /// The descriptor at the head of a column file, and the bytes of its part.
    static func descriptor(_ file: MappedBytes) throws(LaminaError) -> (ColumnDescriptor, MappedBytes) {
        var cursor = ByteCursor(file)
        let text = try cursor.text()
        do throws(LaminaError) {
            return (try ColumnDescriptor(json: try JSONParser.parse(text)), try cursor.rest())
        } catch {
            if error.category == .unsupported { throw error }
            throw file.corrupt("unreadable column descriptor (\(error.message))", at: 4)
        }
    }

    func open() throws(LaminaError) -> Column {
        var cursor = ByteCursor(body)
        switch descriptor.part {
        case .number(let kind, let isV2, let bigEndian, let bitmap):
            return try number(&cursor, kind, isV2: isV2, bigEndian ? .big : .little, bitmap)
        case .stringDictionary(let bitmap, let bigEndian):
            return .string(try string(&cursor, bigEndian ? .big : .little, bitmap))
        case .complex(let typeName): return try complex(&cursor, typeName)
        case .null: return try null()
        case .nestedCommonFormat(let format): return try NestedOpener(opener: self, format: format).open(&cursor)
        }
    }

    private func number(
        _ cursor: inout ByteCursor,
        _ kind: NumberKind,
        isV2: Bool,
        _ order: ByteOrder,
        _ bitmap: IndexSpec.Bitmap
    ) throws(LaminaError) -> Column {
        var inner = isV2 ? ByteCursor(try cursor.take(try cursor.count("the length of numbers"))) : cursor
        let payload = try NumberPayload(&inner, kind: kind, order: order, rowCount: reader.rowCount, reader: reader)
        guard inner.remaining == 0 || payload.codec == .none else {
            throw inner.corrupt("\(inner.remaining) bytes follow the numbers")
        }
        var nullRows: RoaringBitmap?
        if isV2, cursor.remaining > 0 {
            let rows = try BitmapList.decodeSized(&cursor, bitmap, rowCount: reader.rowCount)
            guard cursor.remaining == 0 else { throw cursor.corrupt("\(cursor.remaining) bytes follow the null rows") }
            nullRows = rows.isEmpty ? nil : rows
        }
        switch kind {
        case .long: return .long(StoredLongColumn(payload, nullRows: nullRows))
        case .float: return .float(StoredFloatColumn(payload, nullRows: nullRows))
        case .double: return .double(StoredDoubleColumn(payload, nullRows: nullRows))
        }
    }

    /// Flags of a string part (`DictionaryEncodedColumnPartSerde.Feature`).
    private enum Flag {
        static let multiValue = 1
        static let multiValueV3 = 2
        static let noBitmaps = 4
        /// Development versions only: version 3 with compressed ids.
        static let compressed = 8
        static let known = 31
    }

    private func string(
        _ cursor: inout ByteCursor,
        _ order: ByteOrder,
        _ bitmap: IndexSpec.Bitmap
    ) throws(LaminaError) -> any StringColumn {
        let version = try cursor.u8()
        guard version <= 3 else { throw cursor.corrupt("unknown string column version \(version)") }
        let flags = version >= 2 ? try cursor.i32() : version == 1 ? Flag.multiValue : 0
        guard flags >= 0, flags <= Flag.known else { throw cursor.corrupt("unknown string column flags \(flags)") }
        let dictionary: StringDictionary
        if let parent {
            guard case .string(let strings as StoredStringColumn) = parent else {
                throw cursor.corrupt("a projection's string column has no string column to share a dictionary with")
            }
            dictionary = strings.dictionary
        } else {
            dictionary = try reader.dictionary(&cursor, order: order)
        }
        let isMultiple = flags & (Flag.multiValue | Flag.multiValueV3) != 0
        let ids: StoredStringColumn.IDs
        if isMultiple {
            let payload = try MultiIDPayload(
                &cursor,
                order: order,
                rowCount: reader.rowCount,
                idLimit: dictionary.count,
                reader: reader
            )
            let expected = version == 1 || version == 3 && flags & Flag.compressed == 0 ? [1] : [2, 3]
            guard expected.contains(payload.version) else {
                throw cursor.corrupt(
                    "multi-value ids of version \(payload.version) in a string column of version \(version)"
                )
            }
            ids = .multiple(payload)
        } else {
            let payload = try IDPayload(
                &cursor,
                order: order,
                count: reader.rowCount,
                idLimit: dictionary.count,
                reader: reader
            )
            let isCompressed = version == 2 || version == 3 && flags & Flag.compressed != 0
            guard (payload.codec != nil) == isCompressed else {
                throw cursor.corrupt("the ids' form does not fit a string column of version \(version)")
            }
            ids = .single(payload)
        }
        var bitmaps: BitmapList?
        if flags & Flag.noBitmaps == 0 {
            bitmaps = try BitmapList(
                &cursor,
                format: bitmap,
                count: dictionary.count,
                rowCount: reader.rowCount,
                reader: reader
            )
            // A spatial index may follow; it is not used, but must be whole.
            if cursor.remaining > 0 { _ = try cursor.take(try cursor.count("the size of a spatial index")) }
        }
        guard cursor.remaining == 0 else { throw cursor.corrupt("\(cursor.remaining) bytes follow the string column") }
        return StoredStringColumn(rowCount: reader.rowCount, dictionary: dictionary, ids: ids, bitmaps: bitmaps)
    }

    private func null() throws(LaminaError) -> Column {
        switch descriptor.valueType {
        case "STRING": return .string(NullStringColumn(rowCount: reader.rowCount))
        case "LONG": return .long(NullLongColumn(rowCount: reader.rowCount))
        case "FLOAT": return .float(NullFloatColumn(rowCount: reader.rowCount))
        case "DOUBLE": return .double(NullDoubleColumn(rowCount: reader.rowCount))
        default: return .object(NullObjectColumn(type: .complex(""), rowCount: reader.rowCount))
        }
    }

    private func complex(_ cursor: inout ByteCursor, _ typeName: String) throws(LaminaError) -> Column {
        guard cursor.remaining > 0 else { throw cursor.corrupt("a complex column without bytes") }
        let first = body.buffer[0]
        if typeName == "json", (3...5).contains(first) {
            return .object(try NestedOpener(opener: self, format: nil).openOld(&cursor))
        }
        if first == 3, let kind = SerializedPair.Kind(rawValue: typeName) {
            let column = try PairColumn(&cursor, typeName: typeName, kind: kind, reader: reader)
            guard cursor.remaining == 0 else { throw cursor.corrupt("\(cursor.remaining) bytes follow the pairs") }
            return .object(column)
        }
        if first == 0x7F { return .object(try compressed(&cursor, typeName)) }
        let list = try reader.list(&cursor)
        guard list.count == reader.rowCount, cursor.remaining == 0 else {
            throw cursor.corrupt("\(list.count) objects in a segment of \(reader.rowCount) rows")
        }
        return .object(StoredComplexColumn(list, typeName: typeName))
    }

    private func compressed(_ cursor: inout ByteCursor, _ typeName: String) throws(LaminaError) -> any ObjectColumn {
        _ = try cursor.u8()
        let version = try cursor.u8()
        guard version == 0 else { throw cursor.corrupt("unknown compressed complex column version \(version)") }
        let metadata = try FileMetadata(&cursor)
        let blobs = try BlobColumn(
            base: metadata.base + ".__complexColumn",
            order: metadata.order,
            rowCount: reader.rowCount,
            reader: reader
        )
        if metadata.hasNulls {
            var nulls = ByteCursor(try reader.require(metadata.base + ".__nullIndex"))
            _ = try BitmapList.decodeSized(&nulls, metadata.bitmap, rowCount: reader.rowCount)
        }
        return CompressedComplexColumn(blobs, typeName: typeName, hasNulls: metadata.hasNulls)
    }
}

/// The JSON that columns of several internal files begin with (`NestedDataColumnMetadata`, `ComplexColumnMetadata`).
struct FileMetadata {
    let order: ByteOrder
    let bitmap: IndexSpec.Bitmap
    let base: String
    let hasNulls: Bool

    init(_ cursor: inout ByteCursor) throws(LaminaError) {
        let text = try cursor.text()
        do throws(LaminaError) {
            let json = try JSONParser.parse(text)
            guard let base = json["fileNameBase"]?.stringValue else {
                throw .invalidInput("no fileNameBase")
            }
            self.base = base
            guard let order = ByteOrder(rawValue: json["byteOrder"]?.stringValue ?? "LITTLE_ENDIAN") else {
                throw .invalidInput("unknown byteOrder")
            }
            self.order = order
            bitmap = try IndexSpec.Bitmap(json: json["bitmapSerdeFactory"])
            hasNulls = json["hasNulls"]?.boolValue ?? true
        } catch {
            throw cursor.corrupt("unreadable metadata of a column (\(error.message))")
        }
    }
}

/// A column without values of a type that has no class of its own.
final class NullObjectColumn: ObjectColumn {
    let type: ColumnType
    let rowCount: Int
    init(type: ColumnType, rowCount: Int) {
        self.type = type
        self.rowCount = rowCount
    }
    var hasNulls: Bool { rowCount > 0 }
    func value(row: Int) throws(LaminaError) -> Value { .null }
}
