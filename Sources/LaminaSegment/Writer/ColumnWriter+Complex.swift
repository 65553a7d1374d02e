import LaminaBase
import LaminaBitmaps

/// Complex values, serialized and opaque to the segment room.
extension ColumnWriter {
    /// One serialized value a row; null as no bytes. `isAscending` is a flag that no reader needs.
    func writeComplex(
        _ name: String,
        _ column: any ObjectColumn,
        typeName: String,
        isAscending: Bool
    ) throws(LaminaError) {
        let sink = start("COMPLEX", .complex(typeName: typeName))
        if let kind = SerializedPair.Kind(rawValue: typeName), kind != .string {
            try writePairs(name, column, kind: kind, to: sink)
        } else if let compression = spec.complexMetricCompression {
            try writeCompressedComplex(
                name,
                column,
                typeName,
                BlockCompressor(compression, effort: effort),
                main: sink
            )
            return
        } else {
            var list = try GenericIndexedBuilder(sink, count: rowCount, isSorted: isAscending)
            for row in 0..<rowCount {
                list.begin()
                sink.append(try complexBytes(column, row, name, typeName) ?? [])
                list.end()
            }
            try list.finish("column \(name)")
        }
        try smoosh.add(name, sink)
    }

    /// The stored bytes of a row's value; nil for null.
    private func complexBytes(
        _ column: any ObjectColumn,
        _ row: Int,
        _ name: String,
        _ typeName: String
    ) throws(LaminaError) -> [UInt8]? {
        switch try column.value(row: row) {
        case .null: return nil
        case .complex(_, let bytes): return bytes
        default: throw .unsupported("a value of column \(name) that is no \(typeName)")
        }
    }

    /// Source: Druid's `CompressedComplexColumnSerializer`.
    private func writeCompressedComplex(
        _ name: String,
        _ column: any ObjectColumn,
        _ typeName: String,
        _ compression: BlockCompressor,
        main: ByteSink
    ) throws(LaminaError) {
        var blobs = BlobEncoder(compression)
        var nullRows = RoaringBitmap()
        for row in 0..<rowCount {
            let bytes = try complexBytes(column, row, name, typeName)
            if bytes == nil { nullRows.append(UInt32(row)) }
            let value = ByteSink(capacity: bytes?.count ?? 0)
            value.append(bytes ?? [])
            defer { extendLifetime(value) }
            try blobs.append(value.bytes)
        }
        main.append(0x7F)
        main.append(0)
        let metadata: JSON = [
            "byteOrder": "LITTLE_ENDIAN", "bitmapSerdeFactory": spec.bitmap.json, "fileNameBase": .string(name),
            "hasNulls": .bool(!nullRows.isEmpty),
        ]
        main.lengthPrefixed(metadata.text)
        try smoosh.add(name, main)
        try blobs.finish(name + ".__complexColumn", smoosh)
        guard !nullRows.isEmpty else { return }
        let sink = ByteSink()
        try appendSizedBitmap(nullRows, spec.bitmap, to: sink)
        try smoosh.add(name + ".__nullIndex", sink)
    }

    /// First and last numbers with their times: cells of a time delta, a null flag and the number, all little-endian.
    ///
    /// Source: Druid's `AbstractSerializablePairLongObjectColumnHeader`, `CellWriter`.
    private func writePairs(
        _ name: String,
        _ column: any ObjectColumn,
        kind: SerializedPair.Kind,
        to sink: ByteSink
    ) throws(LaminaError) {
        var pairs: [SerializedPair?] = []
        pairs.reserveCapacity(rowCount)
        var low = Int64.max
        var high = Int64.min
        for row in 0..<rowCount {
            guard let bytes = try complexBytes(column, row, name, kind.rawValue) else {
                pairs.append(nil)
                continue
            }
            guard let pair = SerializedPair(bytes, kind: kind) else {
                throw .invalidInput("row \(row) of column \(name) is no \(kind.rawValue)")
            }
            low = min(low, pair.time)
            high = max(high, pair.time)
            pairs.append(pair)
        }
        let (span, overflow) = high.subtractingReportingOverflow(low)
        let hasShortTimes = low > high || (!overflow && span <= Int64(Int32.max))
        sink.append(3)
        sink.append(hasShortTimes ? 0x80 : 0)
        sink.zeros(2)
        sink.littleEndian(low)
        let lz4 = BlockCompressor(.lz4, effort: effort)
        var starts = BlockRun(lz4)
        var cells = BlockRun(lz4)
        var end: Int64 = 0
        let cell = ByteSink(capacity: 32)
        defer { extendLifetime(cell) }
        try starts.append(Int64(0))
        for pair in pairs {
            cell.removeAll()
            if let pair { pair.writeCell(base: low, hasShortTime: hasShortTimes, to: cell) }
            try cells.append(cell.bytes)
            end += Int64(cell.count)
            try starts.append(end)
        }
        try starts.finishCells(to: sink)
        try cells.finishCells(to: sink)
    }
}

extension SerializedPair {
    fileprivate func writeCell(base: Int64, hasShortTime: Bool, to cell: ByteSink) {
        let delta = time &- base
        if hasShortTime { cell.littleEndian(Int32(truncatingIfNeeded: delta)) } else { cell.littleEndian(delta) }
        switch value {
        case .long(let number):
            cell.append(0)
            cell.littleEndian(number)
        case .double(let number):
            cell.append(0)
            cell.littleEndian(number.bitPattern)
        case .float(let number):
            cell.append(0)
            cell.littleEndian(number.bitPattern)
        default: cell.append(1)
        }
    }
}
