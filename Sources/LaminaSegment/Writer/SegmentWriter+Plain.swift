import LaminaBase
import LaminaBitmaps

/// Columns in the forms of their own types: numbers, dictionary strings, complex values.
extension ColumnWriter {
    func start(_ valueType: String, multi: Bool = false, _ part: ColumnPart) -> ByteSink {
        let sink = ByteSink(capacity: 1 << 16)
        sink.lengthPrefixed(ColumnDescriptor(valueType: valueType, hasMultipleValues: multi, part: part).json.text)
        return sink
    }

    func writeLongs(_ name: String, _ column: any LongColumn) throws(LaminaError) {
        let sink = start("LONG", .number(.long, isV2: true, bigEndian: false, bitmap: spec.bitmap))
        try finishNumber(name, sink, column.nullRows) { (sink) throws(LaminaError) in
            try NumberEncoder.writeLongs(
                column.makeReader(),
                count: rowCount,
                compression: numberCompressor,
                encoding: spec.longEncoding,
                to: sink
            )
        }
    }

    func writeFloats(_ name: String, _ column: any FloatColumn) throws(LaminaError) {
        let sink = start("FLOAT", .number(.float, isV2: true, bigEndian: false, bitmap: spec.bitmap))
        try finishNumber(name, sink, column.nullRows) { (sink) throws(LaminaError) in
            try NumberEncoder.writePlain(
                column.makeReader(),
                count: rowCount,
                compression: numberCompressor,
                to: sink
            )
        }
    }

    func writeDoubles(_ name: String, _ column: any DoubleColumn) throws(LaminaError) {
        let sink = start("DOUBLE", .number(.double, isV2: true, bigEndian: false, bitmap: spec.bitmap))
        try finishNumber(name, sink, column.nullRows) { (sink) throws(LaminaError) in
            try NumberEncoder.writePlain(
                column.makeReader(),
                count: rowCount,
                compression: numberCompressor,
                to: sink
            )
        }
    }

    /// The payload behind its length, then the null rows if there are any.
    private func finishNumber(
        _ name: String,
        _ sink: ByteSink,
        _ nullRows: RoaringBitmap?,
        _ payload: (ByteSink) throws(LaminaError) -> Void
    ) throws(LaminaError) {
        let lengthAt = sink.count
        sink.bigEndian(Int32(0))
        try payload(sink)
        sink.patchBigEndian(try int32(sink.count - lengthAt - 4, "column \(name)"), at: lengthAt)
        if let nullRows, !nullRows.isEmpty { try appendSizedBitmap(nullRows, spec.bitmap, to: sink) }
        try smoosh.add(name, sink)
    }

    /// A dictionary column; without any value it becomes a null column, or nothing if those are not stored.
    func writeStrings(_ name: String, _ column: any StringColumn, bitmapIndex: Bool) throws(LaminaError) -> Stored {
        let strings = try EncodedStrings(column, count: rowCount)
        if strings.isAllNull {
            guard storesEmptyColumns else { return .dropped }
            try writeAllNull(name, numRows: rowCount)
            return .allNull
        }
        let multi = strings.hasMultipleValues
        let sink = start("STRING", multi: multi, .stringDictionary(bitmap: spec.bitmap, bigEndian: false))
        writeStringHeader(multi: multi, bitmapIndex: bitmapIndex, to: sink)
        if try needsDictionary(name, strings.cardinality) {
            try DictionaryEncoder.write(
                strings.table,
                order: strings.order,
                hasNull: strings.hasNull,
                encoding: spec.stringEncoding,
                to: sink
            )
        }
        try writeIDs(strings, to: sink)
        if bitmapIndex { try strings.rowsByID().write(spec.bitmap, to: sink) }
        try smoosh.add(name, sink)
        return .stored
    }

    /// Version and flags (`DictionaryEncodedColumnPartSerde`).
    private func writeStringHeader(multi: Bool, bitmapIndex: Bool, to sink: ByteSink) {
        let noBitmap: Int32 = 4
        if spec.dimensionCompression != .uncompressed {
            sink.append(2)
            sink.bigEndian((multi ? 2 : 0) | (bitmapIndex ? 0 : noBitmap) as Int32)
        } else if bitmapIndex {
            sink.append(multi ? 1 : 0)
        } else {
            sink.append(3)
            sink.bigEndian((multi ? 1 : 0) | noBitmap)
        }
    }

    private func writeIDs(_ strings: EncodedStrings, to sink: ByteSink) throws(LaminaError) {
        defer { extendLifetime(strings) }
        let most = strings.cardinality
        switch (strings.hasMultipleValues, spec.dimensionCompression) {
        case (false, .uncompressed): try IDEncoder.writeUncompressed(strings.idBuffer, max: most, to: sink)
        case (true, .uncompressed):
            try IDEncoder.writeUncompressedMulti(strings.idBuffer, offsets: strings.offsetBuffer, max: most, to: sink)
        case (false, _):
            try IDEncoder.writeCompressed(strings.idBuffer, max: most, compression: dimensionCompressor, to: sink)
        case (true, _):
            try IDEncoder.writeCompressedMulti(
                strings.idBuffer,
                offsets: strings.offsetBuffer,
                max: most,
                compression: dimensionCompressor,
                to: sink
            )
        }
    }

    /// A column of which only the absence of values is stored.
    func writeAllNull(_ name: String, numRows: Int) throws(LaminaError) {
        try smoosh.add(name, start("STRING", .null(rowCount: numRows, bitmap: spec.bitmap)))
    }
}
