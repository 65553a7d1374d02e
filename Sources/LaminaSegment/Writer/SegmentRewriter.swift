package import LaminaBase

/// Writes a stored segment anew: every part decoded and encoded again with the options it was written with.
package enum SegmentRewriter {
    /// Reads `segment` and writes it to `directory`. With `compressesHard` (as Druid compresses) a segment of Druid's comes out
    /// the same byte for byte.
    package static func rewrite(_ segment: Segment, to directory: String) throws(LaminaError) -> WrittenSegment {
        try SegmentWriter.write(segment, to: directory, options: options(of: segment))
    }

    /// The options by which a segment would be written as it is.
    package static func options(of segment: Segment) throws(LaminaError) -> SegmentWriteOptions {
        var options = SegmentWriteOptions()
        options.interval = segment.dataInterval
        options.metadata = segment.metadata
        options.compressesHard = true
        options.indexSpec.bitmap = segment.bitmap
        var found = FoundSpec()
        for name in segment.columnNames {
            guard let descriptor = try segment.descriptor(name), let column = try segment.column(name) else { continue }
            options.storage[name] = storage(descriptor, column)
            found.note(column, descriptor)
        }
        for projection in try segment.projections {
            for name in projection.schema.metrics + projection.schema.dimensions {
                guard let column = try projection.column(name) else { continue }
                let file = projection.schema.fileName(name)
                options.storage[file] = storage(try segment.descriptor(ofFile: file), column)
            }
        }
        found.apply(to: &options.indexSpec)
        return options
    }

    private static func storage(_ descriptor: ColumnDescriptor, _ column: Column) -> ColumnStorage {
        switch descriptor.part {
        case .null(let rows, _): return .allNull(numRows: rows)
        case .stringDictionary:
            if case .string(let strings) = column { return .plain(bitmapIndex: strings.hasBitmaps) }
            return .plain
        case .nestedCommonFormat(let format):
            var auto = AutoStorage()
            // Mixed and nested columns find their type again; a type of one's own is kept even where no value shows it.
            let isFree = format.isVariant || format.logicalType == .complex("json")
            auto.declaredType = isFree ? nil : format.logicalType
            auto.enforcesType = format.enforceLogicalType
            return .auto(auto)
        case .number: return .plain
        case .complex:
            if case .object(let column as StoredComplexColumn) = column {
                return .complex(isAscending: column.list.allowsReverseLookup)
            }
            return .plain
        }
    }
}

/// What the columns of a segment tell of its indexSpec.
private struct FoundSpec {
    private var numbers: IndexSpec.Compression?
    private var dimensions: IndexSpec.Compression?
    private var json: IndexSpec.Compression?
    private var complex: IndexSpec.Compression?
    private var strings: IndexSpec.StringEncoding?
    private var packsLongs = false

    func apply(to spec: inout IndexSpec) {
        // A segment without plain numbers of its own has __time.
        if let numbers { spec.metricCompression = numbers }
        if let dimensions { spec.dimensionCompression = dimensions }
        if let strings { spec.stringEncoding = strings }
        spec.complexMetricCompression = complex
        spec.jsonCompression = json
        spec.longEncoding = packsLongs ? .auto : .longs
    }

    mutating func note(_ column: Column, _ descriptor: ColumnDescriptor) {
        if case .null = descriptor.part { return }
        var isAuto = false
        if case .nestedCommonFormat = descriptor.part { isAuto = true }
        switch column {
        case .string(let column as StoredStringColumn):
            note(column.dictionary)
            switch column.ids {
            case .single(let ids): noteIDs(ids.codec.map { .init($0) }, isAuto: isAuto)
            case .multiple(let ids): noteIDs(ids.codec.map { .init($0) }, isAuto: isAuto)
            }
        case .long(let column as StoredLongColumn): note(column.payload, isAuto: isAuto)
        case .float(let column as StoredFloatColumn): note(column.payload, isAuto: isAuto)
        case .double(let column as StoredDoubleColumn): note(column.payload, isAuto: isAuto)
        case .object(let column as CompressedComplexColumn): complex = .init(column.blobs.codec)
        case .object(let column as NestedColumn):
            json = .init(column.raw.codec)
            note(column.values.strings)
        case .object(let column as VariantColumn):
            note(column.values.strings)
            noteIDs(column.ids.codec.map { .init($0) }, isAuto: true)
        default: break
        }
    }

    private mutating func note(_ dictionary: StringDictionary) {
        switch dictionary.form {
        case .plain: strings = strings ?? .utf8
        case .frontCoded(let values):
            strings = .frontCoded(bucketSize: values.frame.bucketSize, formatVersion: Int(values.frame.version))
        }
    }

    private mutating func noteIDs(_ codec: IndexSpec.Compression?, isAuto: Bool) {
        // Ids of auto columns are compressed even when dimensions are not.
        if isAuto, dimensions != nil { return }
        dimensions = codec ?? .uncompressed
    }

    private mutating func note(_ payload: NumberPayload, isAuto: Bool) {
        if isAuto {
            // Numbers of auto columns follow the compression of dimensions.
            dimensions = .init(payload.codec)
        } else {
            numbers = .init(payload.codec)
        }
        if case .plain = payload.encoding { return }
        packsLongs = true
    }
}
