import LaminaBase
import LaminaQuery
import LaminaSegment

/// Sorted rows of all places, spilled: every column one array, the rows of a place beside each other.
final class Piece: Sendable {
    enum Values: Sendable {
        /// Ranks in the piece's dictionary, or numbers of lists with the high bit set.
        case texts(ranks: PieceFile.Place, PieceTexts, count: Int, lists: [[UInt32]])
        case longs(PieceFile.Place, nulls: PieceFile.Place?)
        case doubles(PieceFile.Place, nulls: PieceFile.Place?)
        case floats(PieceFile.Place, nulls: PieceFile.Place?)
        /// Serialized values, one start a row and one more.
        case objects(starts: PieceFile.Place, bytes: PieceFile.Place, typeName: String)
    }

    struct Dimension: Sendable {
        var schema: DimensionSchema
        var isListed: Bool
        var values: Values
    }

    struct Metric: Sendable {
        var name: String
        var values: Values
    }

    let file: PieceFile
    /// Rows by place number; places without rows are absent.
    let rowsOfPlace: [Int: Range<Int>]
    let times: PieceFile.Place
    let dimensions: [Dimension]
    let metrics: [Metric]

    init(
        file: PieceFile,
        rowsOfPlace: [Int: Range<Int>],
        times: PieceFile.Place,
        dimensions: [Dimension],
        metrics: [Metric]
    ) {
        self.file = file
        self.rowsOfPlace = rowsOfPlace
        self.times = times
        self.dimensions = dimensions
        self.metrics = metrics
    }

    /// The rows of a place as a segment; nil when there are none.
    func view(of place: Int, interval: Interval, ordering: [OrderedColumn]) -> PieceView? {
        rowsOfPlace[place].map { PieceView(self, rows: $0, interval: interval, ordering: ordering) }
    }

    /// Drops the rows of a place from memory; they are not needed again.
    func release(_ place: Int) {
        guard let rows = rowsOfPlace[place] else { return }
        file.release(times, stride: 8, rows)
        for values in dimensions.map(\.values) + metrics.map(\.values) {
            switch values {
            case .texts(let ranks, _, _, _): file.release(ranks, stride: 4, rows)
            case .longs(let numbers, _), .doubles(let numbers, _): file.release(numbers, stride: 8, rows)
            case .floats(let numbers, _): file.release(numbers, stride: 4, rows)
            case .objects(let starts, let bytes, _):
                let places = file.pointer(starts, as: Int.self)
                file.release(bytes, stride: 1, places[rows.lowerBound]..<places[rows.upperBound])
            }
        }
    }
}

/// One array to be written.
private enum PieceJob {
    case times(PieceFile.Place)
    case ranks(dimension: Int, PieceFile.Place)
    case dictionary(dimension: Int, starts: PieceFile.Place, bytes: PieceFile.Place)
    case numbers(GrowBuffer<UInt64>, PieceFile.Place, isFloat: Bool)
    case nulls(GrowBuffer<UInt8>, PieceFile.Place)
}

/// Writes a sorted index as a piece.
///
/// `@unchecked Sendable`: the index behind it is only read.
struct PieceBuilder: @unchecked Sendable {
    private let sorted: SortedIndex
    /// Rows of the index in the order of the piece.
    private let rows: [UInt32]
    private let rowsOfPlace: [Int: Range<Int>]

    init(_ sorted: SortedIndex, threads: Int) throws(LaminaError) {
        self.sorted = sorted
        let places = sorted.places
        let orders = ResultSlots<[UInt32]>(count: places.count)
        try runParallel(count: places.count, threads: threads) { number throws(LaminaError) in
            orders.set(number, sorted.order(of: places[number], arrivalOrder: false).rows)
        }
        var rows: [UInt32] = []
        rows.reserveCapacity(sorted.index.rowCount)
        var rowsOfPlace: [Int: Range<Int>] = [:]
        for (place, order) in zip(places, orders.values) {
            let first = rows.count
            rows.append(contentsOf: order ?? [])
            rowsOfPlace[place] = first..<rows.count
        }
        self.rows = rows
        self.rowsOfPlace = rowsOfPlace
    }

    func write(to path: String, threads: Int) throws(LaminaError) -> Piece {
        let file = try PieceFile(path: path)
        let index = sorted.index
        let times = file.reserve(rows.count, stride: 8)
        var jobs: [PieceJob] = [.times(times)]
        var dimensions: [Piece.Dimension] = []
        for (number, store) in index.dimensions.enumerated() {
            let values = plan(store, number, file, &jobs)
            dimensions.append(Piece.Dimension(schema: store.schema, isListed: store.isListed, values: values))
        }
        var metrics: [Piece.Metric] = []
        for metric in index.metrics {
            let values: Piece.Values
            switch metric.stored {
            case .numbers(let bits, let nulls, let type): values = planNumbers(bits, nulls, type, file, &jobs)
            case .objects(let states, let type): values = try writeObjects(states, type, file)
            }
            metrics.append(Piece.Metric(name: metric.spec.name, values: values))
        }
        let work = UncheckedBox(jobs)
        let builder = self
        try runParallel(count: jobs.count, threads: threads) { number throws(LaminaError) in
            try builder.run(work.value[number], file)
        }
        try file.map()
        return Piece(file: file, rowsOfPlace: rowsOfPlace, times: times, dimensions: dimensions, metrics: metrics)
    }

    private func plan(
        _ store: DimensionStore,
        _ number: Int,
        _ file: PieceFile,
        _ jobs: inout [PieceJob]
    ) -> Piece.Values {
        guard let texts = store.texts, let order = sorted.orders[number] else {
            var type = Aggregator.NumberType.long
            if case .double = store.schema.kind { type = .double }
            if case .float = store.schema.kind { type = .float }
            return planNumbers(store.bits ?? GrowBuffer(), store.nulls, type, file, &jobs)
        }
        let ranks = file.reserve(rows.count, stride: 4)
        let starts = file.reserve(texts.count + 1, stride: 8)
        let bytes = file.reserve(texts.textBytes, stride: 1)
        jobs.append(.ranks(dimension: number, ranks))
        jobs.append(.dictionary(dimension: number, starts: starts, bytes: bytes))
        let source = PieceTexts(file: file, starts: starts, bytes: bytes)
        return .texts(ranks: ranks, source, count: texts.count, lists: order.rankedLists)
    }

    /// Written at once: only what is written tells how long it is.
    private func writeObjects(
        _ states: StateStore,
        _ type: ColumnType,
        _ file: PieceFile
    ) throws(LaminaError) -> Piece.Values {
        let starts = file.reserve(rows.count + 1, stride: 8)
        var places = PieceWriter<Int>(file, starts)
        var total = 0
        let bytes = try file.append { (writer) throws(LaminaError) in
            for row in rows {
                try places.append(total)
                guard case .complex(_, let content) = states.stored(Int(row)) else { continue }
                total += content.count
                try content.withBytes { (raw) throws(LaminaError) in try writer.append(contentsOf: raw) }
            }
        }
        try places.append(total)
        try places.flush()
        var name = "json"
        if case .complex(let typeName) = type { name = typeName }
        return .objects(starts: starts, bytes: bytes, typeName: name)
    }

    private func planNumbers(
        _ bits: GrowBuffer<UInt64>,
        _ nulls: GrowBuffer<UInt8>?,
        _ type: Aggregator.NumberType,
        _ file: PieceFile,
        _ jobs: inout [PieceJob]
    ) -> Piece.Values {
        let values = file.reserve(rows.count, stride: type == .float ? 4 : 8)
        jobs.append(.numbers(bits, values, isFloat: type == .float))
        var flags: PieceFile.Place?
        if let nulls {
            let place = file.reserve(rows.count, stride: 1)
            jobs.append(.nulls(nulls, place))
            flags = place
        }
        switch type {
        case .long: return .longs(values, nulls: flags)
        case .double: return .doubles(values, nulls: flags)
        case .float: return .floats(values, nulls: flags)
        }
    }

    private func run(_ job: PieceJob, _ file: PieceFile) throws(LaminaError) {
        switch job {
        case .times(let place): try gather(sorted.index.times.pointer, file, place)
        case .numbers(let bits, let place, isFloat: false): try gather(bits.pointer, file, place)
        case .numbers(let bits, let place, isFloat: true):
            try eachPart(file, place) { (rows, out: UnsafeMutablePointer<UInt32>) in
                for row in rows.indices { out[row] = UInt32(truncatingIfNeeded: bits.pointer[Int(rows[row])]) }
            }
        case .nulls(let nulls, let place): try gather(nulls.pointer, file, place)
        case .ranks(let number, let place):
            guard let codes = sorted.index.dimensions[number].codes, let order = sorted.orders[number] else { return }
            try order.valueRank.withUnsafeBufferPointer { valueRank throws(LaminaError) in
                try eachPart(file, place) { (rows, out: UnsafeMutablePointer<UInt32>) in
                    for row in rows.indices {
                        let code = codes.pointer[Int(rows[row])]
                        out[row] = code & DimensionStore.listBit != 0 ? code : valueRank[Int(code)]
                    }
                }
            }
        case .dictionary(let number, let starts, let bytes): try writeDictionary(number, file, starts, bytes)
        }
    }

    private func gather<Element: BitwiseCopyable>(
        _ source: UnsafeMutablePointer<Element>,
        _ file: PieceFile,
        _ place: PieceFile.Place
    ) throws(LaminaError) {
        try eachPart(file, place) { (rows, out: UnsafeMutablePointer<Element>) in
            for row in rows.indices { out[row] = source[Int(rows[row])] }
        }
    }

    /// Fills and writes an array part by part: tight loops without throws let the memory's latencies overlap.
    private func eachPart<Element: BitwiseCopyable>(
        _ file: PieceFile,
        _ place: PieceFile.Place,
        _ fill: (UnsafeBufferPointer<UInt32>, UnsafeMutablePointer<Element>) -> Void
    ) throws(LaminaError) {
        let partMax = 1 << 14
        let stride = MemoryLayout<Element>.stride
        let buffer = UnsafeMutablePointer<Element>.allocate(capacity: partMax)
        defer { buffer.deallocate() }
        var first = 0
        while first < rows.count {
            let count = min(partMax, rows.count - first)
            rows.withUnsafeBufferPointer { fill(UnsafeBufferPointer(rebasing: $0[first..<first + count]), buffer) }
            let bytes = UnsafeRawBufferPointer(start: buffer, count: count * stride)
            try file.write(bytes, at: place.offset + first * stride)
            first += count
        }
    }

    private func writeDictionary(
        _ number: Int,
        _ file: PieceFile,
        _ starts: PieceFile.Place,
        _ bytes: PieceFile.Place
    ) throws(LaminaError) {
        guard let texts = sorted.index.dimensions[number].texts, let order = sorted.orders[number] else { return }
        var writer = PieceWriter<Int>(file, starts)
        var total = 0
        for id in order.sorted {
            try writer.append(total)
            total += texts.text(id).count
        }
        try writer.append(total)
        try writer.flush()
        var bytesWriter = PieceWriter<UInt8>(file, bytes)
        for id in order.sorted { try bytesWriter.append(contentsOf: texts.text(id)) }
        try bytesWriter.flush()
    }
}

/// Lets threads read what nobody changes meanwhile.
struct UncheckedBox<Value>: @unchecked Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
}
