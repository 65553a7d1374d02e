import LaminaBase
import LaminaBitmaps

/// Opens the columns whose data lie in sibling files: `nestedCommonFormat` parts and the older `json` columns.
///
/// Source: `NestedCommonFormatColumnPartSerde` and the suppliers it chooses between.
struct NestedOpener {
    let opener: ColumnOpener
    /// nil: an older `json` column.
    let format: NestedFormat?

    private var reader: ColumnReading { opener.reader }
    private var rowCount: Int { opener.reader.rowCount }
    private var order: ByteOrder { format?.bigEndian ?? false ? .big : .little }
    private var bitmap: IndexSpec.Bitmap { format?.bitmap ?? .roaring }

    func open(_ cursor: inout ByteCursor) throws(LaminaError) -> Column {
        guard let format else { preconditionFailure("a nestedCommonFormat column has a format") }
        let version = try cursor.u8()
        guard version == 0 else { throw cursor.corrupt("unknown nested column version \(version)") }
        let base = try cursor.text(try cursor.vbyte())
        let column: Column
        if format.isVariant {
            column = .object(try variant(&cursor, base, format.logicalType))
        } else {
            switch format.logicalType {
            case .array: column = .object(try variant(&cursor, base, format.logicalType))
            case .string: column = .string(try string(base))
            case .long: column = .long(try long(base))
            case .double: column = .double(try double(base))
            default: column = .object(try nested(&cursor, base, format))
            }
        }
        guard cursor.remaining == 0 else { throw cursor.corrupt("\(cursor.remaining) bytes follow the column") }
        return column
    }

    private func file(_ base: String, _ suffix: String) throws(LaminaError) -> ByteCursor {
        ByteCursor(try reader.require(base + "." + suffix))
    }

    /// Reads a whole sibling file with `body`.
    private func whole<Part>(
        _ base: String,
        _ suffix: String,
        _ body: (inout ByteCursor) throws(LaminaError) -> Part
    ) throws(LaminaError) -> Part {
        var cursor = try file(base, suffix)
        let part = try body(&cursor)
        guard cursor.remaining == 0 else { throw cursor.corrupt("\(cursor.remaining) bytes are left over") }
        return part
    }

    private func ids(_ base: String, limit: Int) throws(LaminaError) -> IDPayload {
        try whole(base, "__encodedColumn") { cursor throws(LaminaError) in
            try IDPayload(&cursor, order: order, count: rowCount, idLimit: limit, reader: reader)
        }
    }

    private func bitmaps(_ base: String, _ suffix: String, count: Int) throws(LaminaError) -> BitmapList {
        try whole(base, suffix) { cursor throws(LaminaError) in
            try BitmapList(&cursor, format: bitmap, count: count, rowCount: rowCount, reader: reader)
        }
    }

    private func strings(_ base: String) throws(LaminaError) -> StringDictionary {
        try whole(base, "__stringDictionary") { cursor throws(LaminaError) in
            try reader.dictionary(&cursor, order: order)
        }
    }

    private func fixed(
        _ base: String,
        _ suffix: String,
        width: Int = 8,
        allowsNull: Bool
    ) throws(LaminaError) -> FixedIndexed {
        try whole(base, suffix) { cursor throws(LaminaError) in
            try FixedIndexed(&cursor, width: width, order: order, allowsNull: allowsNull)
        }
    }

    /// Says that a projection's column and the base table's do not go together.
    private func orphan(_ base: String) -> LaminaError {
        .corrupt("the projection's column shares dictionaries with a column of another kind", at: base)
    }

    private func string(_ base: String) throws(LaminaError) -> any StringColumn {
        let dictionary: StringDictionary
        if let parent = opener.parent {
            guard case .string(let strings as StoredStringColumn) = parent else { throw orphan(base) }
            dictionary = strings.dictionary
        } else {
            dictionary = try strings(base)
        }
        return StoredStringColumn(
            rowCount: rowCount,
            dictionary: dictionary,
            ids: .single(try ids(base, limit: dictionary.count)),
            bitmaps: try bitmaps(base, "__valueIndexes", count: dictionary.count)
        )
    }

    private func number(
        _ base: String,
        _ kind: NumberKind
    ) throws(LaminaError) -> (NumberPayload, nullRows: RoaringBitmap?, NumberIndex) {
        let dictionary: FixedIndexed
        switch (opener.parent, kind) {
        case (nil, _): dictionary = try fixed(base, "__\(kind.rawValue)Dictionary", allowsNull: true)
        case (.long(let column as StoredLongColumn)?, .long):
            guard let index = column.index else { throw orphan(base) }
            dictionary = index.dictionary
        case (.double(let column as StoredDoubleColumn)?, .double):
            guard let index = column.index else { throw orphan(base) }
            dictionary = index.dictionary
        default: throw orphan(base)
        }
        let payload = try whole(base, "__\(kind.rawValue)Column") { cursor throws(LaminaError) in
            try NumberPayload(&cursor, kind: kind, order: order, rowCount: rowCount, reader: reader)
        }
        let index = NumberIndex(
            dictionary: dictionary,
            bitmaps: try bitmaps(base, "__valueIndexes", count: dictionary.count),
            ids: try ids(base, limit: dictionary.count)
        )
        let nullRows = dictionary.hasNull ? try index.bitmaps.rows(0) : RoaringBitmap()
        return (payload, nullRows.isEmpty ? nil : nullRows, index)
    }

    private func long(_ base: String) throws(LaminaError) -> any LongColumn {
        let (payload, nullRows, index) = try number(base, .long)
        return StoredLongColumn(payload, nullRows: nullRows, index: index)
    }

    private func double(_ base: String) throws(LaminaError) -> any DoubleColumn {
        let (payload, nullRows, index) = try number(base, .double)
        return StoredDoubleColumn(payload, nullRows: nullRows, index: index)
    }

    private func globals(_ base: String, hasArrays: Bool) throws(LaminaError) -> GlobalDictionary {
        let strings = try strings(base)
        let longs = try fixed(base, "__longDictionary", allowsNull: false)
        let doubles = try fixed(base, "__doubleDictionary", allowsNull: false)
        let scalars = strings.count + longs.count + doubles.count
        var arrays: IntArrayDictionary?
        if hasArrays {
            arrays = try whole(base, "__arrayDictionary") { cursor throws(LaminaError) in
                try IntArrayDictionary(&cursor, order: order, elementIDs: 0..<scalars)
            }
        }
        return GlobalDictionary(strings: strings, longs: longs, doubles: doubles, arrays: arrays)
    }

    private func variant(
        _ cursor: inout ByteCursor,
        _ base: String,
        _ type: ColumnType
    ) throws(LaminaError) -> VariantColumn {
        let typeSet = cursor.remaining > 0 ? try cursor.u8() : nil
        let values: GlobalDictionary
        let elements: FixedIndexed
        if let parent = opener.parent {
            guard case .object(let column as VariantColumn) = parent else { throw orphan(base) }
            (values, elements) = (column.values, column.elements)
        } else {
            values = try globals(base, hasArrays: true)
            elements = try fixed(base, "__arrayElementDictionary", width: 4, allowsNull: false)
        }
        return try VariantColumn(
            type: type,
            values: values,
            ids: try ids(base, limit: values.count),
            bitmaps: try bitmaps(base, "__valueIndexes", count: values.count),
            elements: elements,
            elementBitmaps: try bitmaps(base, "__arrayElementIndexes", count: elements.count),
            typeSet: typeSet,
            rowCount: rowCount
        )
    }

    private func nested(
        _ cursor: inout ByteCursor,
        _ base: String,
        _ format: NestedFormat
    ) throws(LaminaError) -> NestedColumn {
        if opener.parent != nil { throw .unsupported("column \(opener.name): a projection of nested values") }
        if let encoding = format.formatSpec?["objectStorageEncoding"]?.stringValue, encoding != "smile" {
            throw .unsupported("column \(opener.name): objectStorageEncoding \"\(encoding)\"")
        }
        if let fields = format.formatSpec?["objectFieldsDictionaryEncoding"], !fields.isNull {
            throw .unsupported("column \(opener.name): objectFieldsDictionaryEncoding")
        }
        let fields = try fields(&cursor) { index, _ in "\(base).__field_\(index)" }
        let values = try globals(base, hasArrays: true)
        let raw = try BlobColumn(base: base + ".__raw", order: order, rowCount: rowCount, reader: reader)
        return NestedColumn(
            raw: raw,
            nullRows: try nullRows(base, hasNulls: format.hasNulls, bitmap),
            fields: fields,
            values: values,
            base: base,
            version: 0,
            pathReading: NestedColumn.PathReading(format: format, reader: reader)
        )
    }

    /// Paths and their types: a list of names, then a byte for each.
    private func fields(
        _ cursor: inout ByteCursor,
        _ file: (Int, String) -> String
    ) throws(LaminaError) -> [NestedField] {
        let list = try reader.list(&cursor)
        let types = try cursor.take(list.count)
        var fields: [NestedField] = []
        for index in 0..<list.count {
            let path = String(decoding: list.element(index), as: UTF8.self)
            let name = file(index, path)
            // Older columns are only read whole; their fields' files need not be there.
            if format != nil { _ = try reader.require(name) }
            fields.append(NestedField(path: path, typeSet: types.buffer[index], file: name))
        }
        return fields
    }

    private func nullRows(
        _ base: String,
        hasNulls: Bool,
        _ bitmap: IndexSpec.Bitmap
    ) throws(LaminaError) -> RoaringBitmap? {
        guard hasNulls else { return nil }
        return try whole(base, "__nullIndex") { cursor throws(LaminaError) in
            try BitmapList.decodeSized(&cursor, bitmap, rowCount: rowCount)
        }
    }

    /// `json` columns of Druid 24 and 25.
    func openOld(_ cursor: inout ByteCursor) throws(LaminaError) -> NestedColumn {
        let version = Int(try cursor.u8())
        let metadata = try FileMetadata(&cursor)
        let base = metadata.base
        let fields = try fields(&cursor) { index, path in
            version == 3 ? "\(base)_\(path)" : "\(base).__field_\(index)"
        }
        let values = try globals(base, hasArrays: version == 5)
        let raw = try BlobColumn(base: base + ".__raw", order: metadata.order, rowCount: rowCount, reader: reader)
        return NestedColumn(
            raw: raw,
            nullRows: try nullRows(base, hasNulls: metadata.hasNulls, metadata.bitmap),
            fields: fields,
            values: values,
            base: base,
            version: version
        )
    }
}
