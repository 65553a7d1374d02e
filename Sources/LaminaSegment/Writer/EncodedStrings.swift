import LaminaBase

/// A string column read whole and recoded for writing: a sorted dictionary of the values that occur, and ids in its order.
final class EncodedStrings {
    let rowCount: Int
    let hasMultipleValues: Bool
    /// Recoded ids: one a row, or all values of all rows.
    let ids: UnsafeMutableBufferPointer<UInt32>
    /// Multi-value columns: row i has `ids[offsets[i]..<offsets[i + 1]]`; else empty.
    let offsets: UnsafeMutableBufferPointer<UInt32>
    private(set) var table = StringTable()
    /// Places in `table` of the dictionary's strings, ascending; null is not among them.
    private(set) var order: [UInt32] = []
    /// Null (or a row without values) occurs, or null is kept in any case; it then has id 0.
    private(set) var hasNull = false
    /// Some row is null or without values.
    private(set) var hasNullRows = false

    var cardinality: Int { order.count + (hasNull ? 1 : 0) }
    /// No row has a value.
    var isAllNull: Bool { order.isEmpty }

    init(_ column: any StringColumn, count: Int, keepsNull: Bool = false) throws(LaminaError) {
        rowCount = count
        hasMultipleValues = column.hasMultipleValues
        if hasMultipleValues {
            (ids, offsets) = try Self.readMulti(column.makeMultiIDReader(), count: count)
        } else {
            ids = try Self.readSingle(column.makeIDReader(), count: count)
            offsets = .allocate(capacity: 0)
        }
        recode(column, keepsNull: keepsNull)
    }

    deinit {
        ids.deallocate()
        offsets.deallocate()
    }

    private static func readSingle(
        _ reader: any ValueReader<UInt32>,
        count: Int
    ) throws(LaminaError) -> UnsafeMutableBufferPointer<UInt32> {
        let ids = UnsafeMutableBufferPointer<UInt32>.allocate(capacity: count)
        var start = 0
        do throws(LaminaError) {
            while start < count {
                let end = min(start + 16384, count)
                let part = try reader.read(start..<end)
                _ = UnsafeMutableBufferPointer(rebasing: ids[start..<end]).initialize(from: part)
                start = end
            }
        } catch {
            ids.deallocate()
            throw error
        }
        return ids
    }

    private static func readMulti(
        _ reader: any MultiIDReader,
        count: Int
    ) throws(LaminaError) -> (UnsafeMutableBufferPointer<UInt32>, UnsafeMutableBufferPointer<UInt32>) {
        var ids: [UInt32] = []
        var offsets: [UInt32] = [0]
        offsets.reserveCapacity(count + 1)
        var start = 0
        while start < count {
            let end = min(start + 8192, count)
            let part = try reader.read(start..<end)
            guard let first = part.offsets.first, let last = part.offsets.last else { break }
            let shift = UInt32(ids.count) &- first
            guard ids.count + Int(last - first) <= Int(Int32.max) else {
                throw .resourceLimit("a multi-value column has more than 2147483647 values: make smaller segments")
            }
            for row in 1...(end - start) { offsets.append(part.offsets[row] &+ shift) }
            ids.append(contentsOf: UnsafeBufferPointer(rebasing: part.ids[Int(first)..<Int(last)]))
            start = end
        }
        let idMemory = UnsafeMutableBufferPointer<UInt32>.allocate(capacity: ids.count)
        _ = idMemory.initialize(from: ids)
        let offsetMemory = UnsafeMutableBufferPointer<UInt32>.allocate(capacity: offsets.count)
        _ = offsetMemory.initialize(from: offsets)
        return (idMemory, offsetMemory)
    }

    /// Keeps the values that occur, sorts them and puts their places in place of the column's ids.
    private func recode(_ column: any StringColumn, keepsNull: Bool) {
        let inputCardinality = column.cardinality
        var isUsed = [Bool](repeating: false, count: inputCardinality)
        for id in ids { isUsed[Int(id)] = true }
        let nullID = column.nullID
        if let nullID, isUsed[Int(nullID)] { hasNullRows = true }
        if hasMultipleValues {
            for row in 0..<rowCount where offsets[row] == offsets[row &+ 1] {
                hasNullRows = true
                break
            }
        }
        hasNull = hasNullRows || keepsNull
        table = StringTable(dictionaryOf: column)
        var used: [UInt32] = []
        used.reserveCapacity(inputCardinality)
        for id in 0..<UInt32(inputCardinality) where isUsed[Int(id)] && id != nullID { used.append(id) }
        order = column.isSorted ? used : sortStrings(table, used)
        let first: UInt32 = hasNull ? 1 : 0
        let isSame =
            order.count == inputCardinality - (nullID == nil ? 0 : 1) && column.isSorted && hasNull == (nullID == 0)
        if isSame { return }
        var recoded = [UInt32](repeating: 0, count: inputCardinality)
        for (place, id) in order.enumerated() { recoded[Int(id)] = UInt32(place) &+ first }
        for place in ids.indices { ids[place] = recoded[Int(ids[place])] }
    }

    var idBuffer: UnsafeBufferPointer<UInt32> { UnsafeBufferPointer(ids) }
    var offsetBuffer: UnsafeBufferPointer<UInt32> { UnsafeBufferPointer(offsets) }

    func rowsByID() -> RowsByID {
        if !hasMultipleValues { return RowsByID(ids: idBuffer, cardinality: cardinality) }
        return RowsByID(ids: idBuffer, offsets: offsetBuffer, cardinality: cardinality, emptyID: hasNull ? 0 : nil)
    }
}
