import LaminaBase
import LaminaBitmaps
import LaminaSegment

/// The rows of one place of a spilled piece, as a segment. Numbers are read where they lie.
final class PieceView: SegmentView {
    private let piece: Piece
    private let rows: Range<Int>
    let dataInterval: Interval
    let ordering: [OrderedColumn]
    /// Listed dimensions and those that have a value somewhere in the piece.
    let dimensions: [String]
    let metrics: [String]

    init(_ piece: Piece, rows: Range<Int>, interval: Interval, ordering: [OrderedColumn]) {
        self.piece = piece
        self.rows = rows
        dataInterval = interval
        self.ordering = ordering
        dimensions = piece.dimensions.filter { Self.hasValues($0, piece, rows) }.map(\.schema.name)
        metrics = piece.metrics.map(\.name)
    }

    /// Dimensions that rows brought along count only where some row here has a value.
    private static func hasValues(_ dimension: Piece.Dimension, _ piece: Piece, _ rows: Range<Int>) -> Bool {
        guard case .texts(let ranks, _, _, _) = dimension.values, !dimension.isListed else { return true }
        let pointer = piece.file.pointer(ranks, as: UInt32.self)
        return rows.contains { pointer[$0] != 0 }
    }

    var rowCount: Int { rows.count }
    var metadata: JSON? { nil }
    var sizeBytes: Int64 { 0 }

    var timeBounds: (min: Int64, max: Int64)? {
        get throws(LaminaError) {
            guard !rows.isEmpty else { return nil }
            let times = UnsafeBufferPointer(
                start: piece.file.pointer(piece.times, as: Int64.self) + rows.lowerBound,
                count: rows.count
            )
            var bounds = (min: times[0], max: times[0])
            for time in times {
                bounds.min = min(bounds.min, time)
                bounds.max = max(bounds.max, time)
            }
            return bounds
        }
    }

    func column(_ name: String) throws(LaminaError) -> Column? {
        if name == "__time" { return .long(SliceNumberColumn(shared(piece.times), nullRows: nil)) }
        if let dimension = piece.dimensions.first(where: { $0.schema.name == name }) {
            return column(dimension.values, dimension.schema.kind)
        }
        return piece.metrics.first { $0.name == name }.flatMap { column($0.values, .long) }
    }

    private func shared<Element: BitwiseCopyable>(_ place: PieceFile.Place) -> SharedValues<Element> {
        SharedValues(
            UnsafeMutablePointer(mutating: piece.file.pointer(place, as: Element.self)) + rows.lowerBound,
            count: rows.count,
            owner: piece.file
        )
    }

    private func nullRows(_ place: PieceFile.Place?) -> RoaringBitmap? {
        guard let place else { return nil }
        let flags = piece.file.pointer(place, as: UInt8.self) + rows.lowerBound
        var bitmap = RoaringBitmap()
        for row in 0..<rows.count where flags[row] != 0 { bitmap.append(UInt32(row)) }
        return bitmap.isEmpty ? nil : bitmap
    }

    private func column(_ values: Piece.Values, _ kind: DimensionSchema.Kind) -> Column? {
        switch values {
        case .longs(let place, let nulls): return .long(SliceNumberColumn(shared(place), nullRows: nullRows(nulls)))
        case .doubles(let place, let nulls): return .double(SliceNumberColumn(shared(place), nullRows: nullRows(nulls)))
        case .floats(let place, let nulls): return .float(SliceNumberColumn(shared(place), nullRows: nullRows(nulls)))
        case .objects(let starts, let bytes, let typeName):
            return .object(PieceBlobColumn(piece, starts: starts, bytes: bytes, rows: rows, typeName: typeName))
        case .texts(let place, let texts, let count, let lists):
            let codes: SharedValues<UInt32> = shared(place)
            let source = TextSource.piece(texts)
            if case .auto = kind { return .object(SliceObjectColumn(source, owner: piece, ids: codes)) }
            return .string(
                SliceStringColumn(
                    ranks: codes,
                    lists: lists,
                    ids: nil,
                    dictionarySize: count,
                    texts: source,
                    prefix: 0,
                    owner: piece
                )
            )
        }
    }
}
