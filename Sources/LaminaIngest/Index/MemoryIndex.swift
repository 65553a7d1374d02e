import LaminaBase

/// Rows in memory, column by column, across all time chunks; rolled up as they come when the spec says so.
///
/// Rows are in order of arrival until `sorted` is asked. Used by one thread.
final class MemoryIndex {
    /// Rows at which the job has something to do, by place.
    struct Limits {
        /// Dynamic partitions: rows of one segment, spilled ones included.
        var rowsPerPlace = Int.max
        var rowsInAll = Int.max
        /// Rows of the index itself, at which it is to be spilled.
        var rowsInMemory = Int.max
    }

    let rollsUp: Bool
    private(set) var dimensions: [DimensionStore] = []
    private(set) var metrics: [MetricStore] = []
    private var dimensionNumbers: [String: Int] = [:]
    let times = GrowBuffer<Int64>()
    let placeOfRow = GrowBuffer<UInt32>()
    private(set) var rowCount = 0
    private let listedCount: Int
    private var rollup: RollupTable
    private var keys: [UnsafeMutablePointer<UInt64>] = []
    private let keyCapacity = 1 << 14

    /// - Parameter discovered: dimensions that rows brought along before, in their order.
    init(
        dimensions schemas: [DimensionSchema],
        discovered: [DimensionSchema] = [],
        metrics specs: [MetricSpec],
        rollsUp: Bool
    ) {
        self.rollsUp = rollsUp
        listedCount = schemas.count
        rollup = RollupTable()
        metrics = specs.map { MetricStore($0) }
        for schema in schemas { addDimension(schema, isListed: true) }
        for schema in discovered { addDimension(schema, isListed: false) }
    }

    deinit { for pointer in keys { pointer.deallocate() } }

    var bytes: Int {
        var total = times.bytes + placeOfRow.bytes + rollup.bytes
        for dimension in dimensions { total += dimension.bytes }
        for metric in metrics { total += metric.bytes }
        return total
    }

    /// The rows as they are now, at a cost by columns, not rows.
    func snapshot() -> MemorySnapshot {
        MemorySnapshot(
            rowCount: rowCount,
            times: times.shared(rowCount),
            dimensions: dimensions.map { $0.snapshot(rowCount) },
            metrics: metrics.map { $0.snapshot(rowCount) }
        )
    }

    private func addDimension(_ schema: DimensionSchema, isListed: Bool) {
        let store = DimensionStore(schema, isListed: isListed)
        store.appendNulls(rowCount)
        dimensionNumbers[schema.name] = dimensions.count
        dimensions.append(store)
        keys.append(UnsafeMutablePointer<UInt64>.allocate(capacity: keyCapacity))
    }

    /// Takes in rows of a batch from `first` on.
    ///
    /// - Parameters:
    ///   - last: the row before which it ends; nil: that of the batch's end.
    ///   - places: the number of each of the batch's places.
    ///   - rowsOfPlace: rows of each place so far, kept up to date here.
    ///   - total: rows of all places so far, kept up to date here.
    /// - Returns: the first row that was not taken: the end of the batch, or behind the row that reached a limit.
    /// - Errors: those of aggregations; the index is of no use then.
    func append(
        _ batch: PreparedBatch,
        from first: Int,
        upTo last: Int? = nil,
        places: [UInt32],
        rowsOfPlace: inout [Int],
        total: inout Int,
        limits: Limits
    ) throws(LaminaError) -> Int {
        var end = min(last ?? batch.count, first + min(keyCapacity, max(1, limits.rowsInMemory - rowCount)))
        if !rollsUp { end = cut(batch, first..<end, places, &rowsOfPlace, &total, limits) }
        let columns = align(batch)
        for (number, column) in columns.enumerated() {
            if let column { dimensions[number].encode(column, first..<end, into: keys[number]) }
        }
        if rollsUp { return try appendRollingUp(batch, first..<end, columns, places, &rowsOfPlace, &total, limits) }
        let count = end - first
        for (number, column) in columns.enumerated() {
            if let column {
                dimensions[number].append(keys[number], column, rows: first..<end, places: nil)
            } else {
                dimensions[number].appendNulls(count)
            }
        }
        for (number, metric) in metrics.enumerated() { try metric.append(batch.metrics[number], first..<end) }
        let newTimes = times.extend(count)
        let newPlaces = placeOfRow.extend(count)
        for row in first..<end {
            newTimes[row - first] = batch.times[row]
            newPlaces[row - first] = places[Int(batch.placeOfRow[row])]
        }
        rowCount += count
        return end
    }

    /// Ends the range behind the row that reaches a limit, and counts its rows.
    private func cut(
        _ batch: PreparedBatch,
        _ rows: Range<Int>,
        _ places: [UInt32],
        _ rowsOfPlace: inout [Int],
        _ total: inout Int,
        _ limits: Limits
    ) -> Int {
        for row in rows {
            let place = Int(places[Int(batch.placeOfRow[row])])
            rowsOfPlace[place] += 1
            total += 1
            if rowsOfPlace[place] >= limits.rowsPerPlace || total >= limits.rowsInAll { return row + 1 }
        }
        return rows.upperBound
    }

    /// The batch's column for each dimension, nil where it has none; makes dimensions that are new.
    private func align(_ batch: PreparedBatch) -> [PreparedColumn?] {
        for discovered in batch.discovered where dimensionNumbers[discovered.name] == nil {
            addDimension(
                DimensionSchema(name: discovered.name, kind: discovered.kind),
                isListed: false
            )
        }
        var columns = [PreparedColumn?](repeating: nil, count: dimensions.count)
        for number in 0..<listedCount { columns[number] = batch.dimensions[number] }
        for discovered in batch.discovered {
            if let number = dimensionNumbers[discovered.name] { columns[number] = discovered.column }
        }
        return columns
    }

    private func appendRollingUp(
        _ batch: PreparedBatch,
        _ rows: Range<Int>,
        _ columns: [PreparedColumn?],
        _ places: [UInt32],
        _ rowsOfPlace: inout [Int],
        _ total: inout Int,
        _ limits: Limits
    ) throws(LaminaError) -> Int {
        let hashes = hash(batch, rows, columns, places)
        var targets: [UInt32] = []
        targets.reserveCapacity(rows.count)
        var fresh: [Int32] = []
        var end = rows.lowerBound
        // New rows are appended one by one, so that equal rows within the batch find each other.
        for row in rows {
            let offset = row - rows.lowerBound
            let place = places[Int(batch.placeOfRow[row])]
            let time = batch.times[row]
            let hash = hashes[offset]
            let found = rollup.find(hash) { stored in
                isSame(stored, time, place, columns, offset, row, firstFresh: rowCount, fresh, rows.lowerBound)
            }
            end = row + 1
            if let found {
                targets.append(found)
                continue
            }
            let number = UInt32(truncatingIfNeeded: rowCount + fresh.count)
            rollup.insert(hash, number)
            targets.append(number)
            fresh.append(Int32(offset))
            times.append(time)
            placeOfRow.append(place)
            rowsOfPlace[Int(place)] += 1
            total += 1
            if rowsOfPlace[Int(place)] >= limits.rowsPerPlace || total >= limits.rowsInAll { break }
        }
        for (number, column) in columns.enumerated() {
            if let column {
                dimensions[number].append(keys[number], column, rows: rows.lowerBound..<end, places: fresh)
            } else {
                dimensions[number].appendNulls(fresh.count)
            }
        }
        rowCount += fresh.count
        for (number, metric) in metrics.enumerated() {
            try metric.fold(batch.metrics[number], rows.lowerBound..<end, targets: targets, rowCount: rowCount)
        }
        return end
    }

    private func hash(
        _ batch: PreparedBatch,
        _ rows: Range<Int>,
        _ columns: [PreparedColumn?],
        _ places: [UInt32]
    ) -> [UInt64] {
        var hashes = [UInt64](repeating: 0, count: rows.count)
        for row in rows {
            let place = UInt64(places[Int(batch.placeOfRow[row])])
            hashes[row - rows.lowerBound] = mixBits(
                UInt64(bitPattern: batch.times[row]) ^ (place &* 0x9E37_79B9_7F4A_7C15) ^ 0x5851_F42D_4C95_7F2D
            )
        }
        for (number, column) in columns.enumerated() {
            // An absent column is null throughout: the same for all rows, and equal to stored nulls below.
            let keys = keys[number]
            let nulls = column?.nulls
            let isNumber = dimensions[number].bits != nil
            let empty = dimensions[number].emptyCode.map { UInt64($0) } ?? .max
            for offset in 0..<rows.count {
                let isNull = column == nil || (nulls.map { $0[rows.lowerBound + offset] != 0 } ?? false)
                var key = column == nil || (isNumber && isNull) ? (isNumber ? 0xA076_1D64_78BD_642F : 0) : keys[offset]
                if !isNumber, key == empty { key = 0 }
                hashes[offset] = mixBits((hashes[offset] ^ key) &+ 0xE703_7ED1_A0B4_28DB)
            }
        }
        return hashes
    }

    /// Whether a row of the batch equals a stored one, or an earlier new one of the same batch.
    private func isSame(
        _ stored: Int,
        _ time: Int64,
        _ place: UInt32,
        _ columns: [PreparedColumn?],
        _ offset: Int,
        _ row: Int,
        firstFresh: Int,
        _ fresh: [Int32],
        _ firstRow: Int
    ) -> Bool {
        guard times[stored] == time, placeOfRow[stored] == place else { return false }
        for (number, column) in columns.enumerated() {
            let dimension = dimensions[number]
            let isNull = column.map { $0.nulls.map { $0[row] != 0 } ?? false } ?? true
            let key = column == nil ? 0 : keys[number][offset]
            if stored < firstFresh {
                if !dimension.isSame(stored, key, isNull: isNull && dimension.bits != nil) { return false }
                continue
            }
            let other = Int(fresh[stored - firstFresh])
            guard let column else { continue }
            let otherNull = column.nulls.map { $0[firstRow + other] != 0 } ?? false
            if isNull != otherNull { return false }
            if !isNull, keys[number][other] != key {
                if dimension.bits != nil || dimension.grouped(keys[number][other]) != dimension.grouped(key) {
                    return false
                }
            }
        }
        return true
    }
}

/// Stored rows by the hash of their time and dimensions.
struct RollupTable {
    private var entries: [UInt64]
    private var mask: Int
    private var count = 0

    init() {
        entries = [UInt64](repeating: .max, count: 1024)
        mask = 1023
    }

    var bytes: Int { entries.count * 8 }

    /// The first stored row with this hash that `isSame` accepts.
    @inline(__always)
    func find(_ hash: UInt64, _ isSame: (Int) -> Bool) -> UInt32? {
        let tag = hash &>> 32
        var place = Int(truncatingIfNeeded: hash) & mask
        while true {
            let entry = entries[place]
            if entry == .max { return nil }
            if entry &>> 32 == tag, isSame(Int(UInt32(truncatingIfNeeded: entry))) {
                return UInt32(truncatingIfNeeded: entry)
            }
            place = (place &+ 1) & mask
        }
    }

    mutating func insert(_ hash: UInt64, _ row: UInt32) {
        if (count + 1) * 2 > mask { grow() }
        put(hash, row)
        count += 1
    }

    /// Low hash bits choose the place, high ones are the tag; the low bits are kept aside for growing.
    private var lows: [UInt32] = [UInt32](repeating: 0, count: 1024)

    private mutating func put(_ hash: UInt64, _ row: UInt32) {
        var place = Int(truncatingIfNeeded: hash) & mask
        while entries[place] != .max { place = (place &+ 1) & mask }
        entries[place] = (hash &>> 32) &<< 32 | UInt64(row)
        lows[place] = UInt32(truncatingIfNeeded: hash)
    }

    private mutating func grow() {
        let (oldEntries, oldLows) = (entries, lows)
        mask = (mask + 1) * 4 - 1
        entries = [UInt64](repeating: .max, count: mask + 1)
        lows = [UInt32](repeating: 0, count: mask + 1)
        for (place, entry) in oldEntries.enumerated() where entry != .max {
            put((entry &>> 32) &<< 32 | UInt64(oldLows[place]), UInt32(truncatingIfNeeded: entry))
        }
    }
}
