import LaminaBase
import LaminaBitmaps

/// Columns in the `nestedCommonFormat`.
///
/// Source: Druid's `NestedCommonFormatColumnPartSerde` and the `nested.*ColumnSerializer`s.
extension ColumnWriter {
    func writeAuto(_ name: String, _ column: Column?, _ storage: AutoStorage) throws(LaminaError) {
        switch column {
        case .string(let strings)? where !strings.hasMultipleValues && accepts(storage, .string):
            try writeScalarStrings(name, strings, storage)
        case .long(let longs)? where accepts(storage, .long): try writeScalarLongs(name, longs, storage)
        case .double(let doubles)? where accepts(storage, .double): try writeScalarDoubles(name, doubles, storage)
        case .object(let objects)?: try writeObjects(name, objects, storage)
        case .some(let other): try writeObjects(name, ValuesOfColumn(other, count: rowCount), storage)
        case nil: try writeObjects(name, ValuesOfColumn(count: rowCount), storage)
        }
    }

    private func accepts(_ storage: AutoStorage, _ type: ColumnType) -> Bool {
        storage.declaredType == nil || storage.declaredType == type || storage.declaredType == .complex("json")
    }

    func startAuto(
        _ name: String,
        _ type: ColumnType,
        hasNulls: Bool,
        isVariant: Bool = false,
        _ storage: AutoStorage
    ) -> ByteSink {
        let format = NestedFormat(
            logicalType: type,
            hasNulls: hasNulls,
            isVariant: isVariant,
            enforceLogicalType: storage.enforcesType,
            bitmap: spec.bitmap
        )
        let sink = start("COMPLEX", .nestedCommonFormat(format))
        sink.append(0)
        sink.vbyte(name.utf8.count)
        sink.append(utf8: name)
        return sink
    }

    private func writeScalarStrings(
        _ name: String,
        _ column: any StringColumn,
        _ storage: AutoStorage
    ) throws(LaminaError) {
        let strings = try EncodedStrings(column, count: rowCount, keepsNull: true)
        defer { extendLifetime(strings) }
        try smoosh.add(name, startAuto(name, .string, hasNulls: strings.hasNullRows, storage))
        if try needsDictionary(name, strings.cardinality) {
            let dictionary = ByteSink(capacity: 1 << 16)
            try DictionaryEncoder.write(
                strings.table,
                order: strings.order,
                hasNull: true,
                encoding: spec.stringEncoding,
                to: dictionary
            )
            try smoosh.add(name + ".__stringDictionary", dictionary)
        }
        try writeEncodedColumn(name, strings.idBuffer, cardinality: strings.cardinality)
        try writeValueIndexes(name, strings.rowsByID())
    }

    private func writeScalarLongs(_ name: String, _ column: any LongColumn, _ storage: AutoStorage) throws(LaminaError)
    {
        let numbers = try EncodedNumbers(column.makeReader(), nullRows: column.nullRows, count: rowCount) {
            (value: Int64) in
            UInt64(bitPattern: value)
        }
        let values = numbers.sort { Int64(bitPattern: $0) < Int64(bitPattern: $1) }.map { Int64(bitPattern: $0) }
        try smoosh.add(name, startAuto(name, .long, hasNulls: numbers.hasNullRows, storage))
        if try needsDictionary(name, values.count + 1) {
            let dictionary = ByteSink()
            try FixedIndexedEncoder.write(values, withNull: true, to: dictionary)
            try smoosh.add(name + ".__longDictionary", dictionary)
        }
        try writeEncodedColumn(name, numbers.idBuffer, cardinality: values.count + 1)
        let payload = ByteSink()
        try NumberEncoder.writeLongs(
            column.makeReader(),
            count: rowCount,
            compression: dimensionCompressor,
            encoding: spec.longEncoding,
            to: payload
        )
        try smoosh.add(name + ".__longColumn", payload)
        try writeValueIndexes(name, RowsByID(ids: numbers.idBuffer, cardinality: values.count + 1))
        extendLifetime(numbers)
    }

    private func writeScalarDoubles(
        _ name: String,
        _ column: any DoubleColumn,
        _ storage: AutoStorage
    ) throws(LaminaError) {
        let numbers = try EncodedNumbers(column.makeReader(), nullRows: column.nullRows, count: rowCount) {
            (value: Double) in value.isNaN ? Double.nan.bitPattern : value.bitPattern
        }
        let values = numbers.sort { javaDoubleOrder(Double(bitPattern: $0), Double(bitPattern: $1)) }
            .map { Double(bitPattern: $0) }
        try smoosh.add(name, startAuto(name, .double, hasNulls: numbers.hasNullRows, storage))
        if try needsDictionary(name, values.count + 1) {
            let dictionary = ByteSink()
            try FixedIndexedEncoder.write(values, withNull: true, to: dictionary)
            try smoosh.add(name + ".__doubleDictionary", dictionary)
        }
        try writeEncodedColumn(name, numbers.idBuffer, cardinality: values.count + 1)
        let payload = ByteSink()
        try NumberEncoder.writePlain(
            column.makeReader(),
            count: rowCount,
            compression: dimensionCompressor,
            to: payload
        )
        try smoosh.add(name + ".__doubleColumn", payload)
        try writeValueIndexes(name, RowsByID(ids: numbers.idBuffer, cardinality: values.count + 1))
        extendLifetime(numbers)
    }

    func writeEncodedColumn(_ name: String, _ ids: UnsafeBufferPointer<UInt32>, cardinality: Int) throws(LaminaError) {
        let sink = ByteSink(capacity: 1 << 16)
        try IDEncoder.writeCompressed(
            ids,
            max: cardinality,
            compression: autoIDCompressor,
            to: sink
        )
        try smoosh.add(name + ".__encodedColumn", sink)
    }

    func writeValueIndexes(_ name: String, _ rows: RowsByID) throws(LaminaError) {
        let sink = ByteSink(capacity: 1 << 16)
        try rows.write(spec.bitmap, to: sink)
        try smoosh.add(name + ".__valueIndexes", sink)
    }

    /// A column known only value by value: its form follows from what is in it.
    private func writeObjects(_ name: String, _ column: any ObjectColumn, _ storage: AutoStorage) throws(LaminaError) {
        let declared = storage.declaredType
        let scan = try AutoColumnScan(column, count: rowCount, declaredType: declared)
        switch scan.form {
        case .scalar(let type):
            guard let leaf = StructuredValue.LeafType(type) else {
                throw LaminaError(.defensive, code: "autoForm", "\(name) was found to be a column of \(type)")
            }
            let typed = try LeavesOfColumn(column, count: rowCount, type: leaf)
            switch leaf {
            case .string: try writeScalarStrings(name, typed.strings(), storage)
            case .long: try writeScalarLongs(name, typed.longs(), storage)
            case .double: try writeScalarDoubles(name, typed.doubles(), storage)
            }
        case .variant(let type, let typeSet):
            try writeVariant(name, column, scan, type, typeSet: typeSet, storage)
        case .nested:
            if parent != nil { throw .unsupported("a projection grouped by the nested column \(name)") }
            try writeNested(name, column, scan, storage)
        }
    }

    private func writeVariant(
        _ name: String,
        _ column: any ObjectColumn,
        _ scan: AutoColumnScan,
        _ type: ColumnType,
        typeSet: UInt8?,
        _ storage: AutoStorage
    ) throws(LaminaError) {
        var ids = [UInt32](repeating: 0, count: rowCount)
        var elements = ElementRows()
        for row in 0..<rowCount {
            var value = StructuredValue(try column.value(row: row))
            if let declared = storage.declaredType { value = value.cast(to: declared) }
            switch value {
            case .leaf(let leaf): ids[row] = scan.space.id(leaf)
            case .array(let leaves, _):
                let members = scan.space.ids(leaves)
                ids[row] = scan.space.id(arrayOf: members)
                elements.add(members, row: row)
            default: break
            }
        }
        let main = startAuto(name, type, hasNulls: scan.hasNullRows, isVariant: typeSet != nil, storage)
        if let typeSet { main.append(typeSet) }
        try smoosh.add(name, main)
        let elementIDs = elements.ids
        if try needsDictionary(name, scan.space.cardinality) {
            try scan.space.write(name, spec: spec, to: smoosh)
            let dictionary = ByteSink()
            try FixedIndexedEncoder.write(ids: elementIDs, to: dictionary)
            try smoosh.add(name + ".__arrayElementDictionary", dictionary)
        }
        let memory = ArrayReader(ids)
        defer { extendLifetime(memory) }
        let buffer = try memory.read(0..<rowCount)
        try writeEncodedColumn(name, buffer, cardinality: scan.space.cardinality)
        try writeValueIndexes(name, RowsByID(ids: buffer, cardinality: scan.space.cardinality))
        let indexes = ByteSink()
        try elements.writeBitmaps(elementIDs, rowCount: rowCount, spec.bitmap, to: indexes)
        try smoosh.add(name + ".__arrayElementIndexes", indexes)
    }
}

/// For every value that occurs inside arrays, the rows whose arrays have it.
struct ElementRows {
    private var rows: [UInt32: [UInt32]] = [:]

    mutating func add(_ members: [UInt32], row: Int) {
        for member in members {
            // A value that an array repeats counts once.
            if rows[member]?.last == UInt32(row) { continue }
            rows[member, default: []].append(UInt32(row))
        }
    }

    var isEmpty: Bool { rows.isEmpty }
    var ids: [UInt32] { rows.keys.sorted() }

    func writeBitmaps(
        _ ids: [UInt32],
        rowCount: Int,
        _ format: IndexSpec.Bitmap,
        to sink: ByteSink
    ) throws(LaminaError) {
        var list = try GenericIndexedBuilder(sink, count: ids.count, isSorted: false)
        for id in ids {
            list.begin()
            (rows[id] ?? []).withUnsafeBufferPointer { appendBitmap($0, rowCount: rowCount, format, to: sink) }
            list.end()
        }
        try list.finish("an index of array elements")
    }
}
