import LaminaBase
import LaminaSegment

/// Dictionary ids of a string column, batch by batch.
final class IDInput {
    let column: any StringColumn
    private var single: (any ValueReader<UInt32>)?
    private var multi: (any MultiIDReader)?
    private var serial = -1
    private var loaded: UnsafePointer<UInt32>?
    private var multiSerial = -1
    private var loadedMulti: MultiIDs?

    init(_ column: any StringColumn) { self.column = column }

    /// One id a slot; only for single-value columns.
    func ids(_ batch: Batch) throws(LaminaError) -> UnsafePointer<UInt32> {
        if serial == batch.serial, let loaded { return loaded }
        let reader = single ?? column.makeIDReader()
        single = reader
        let ids = try StoredReader(reader: reader).load(batch)
        serial = batch.serial
        loaded = ids
        return ids
    }

    /// All ids of each slot.
    func multiIDs(_ batch: Batch) throws(LaminaError) -> MultiIDs {
        if multiSerial == batch.serial, let loadedMulti { return loadedMulti }
        let reader = multi ?? column.makeMultiIDReader()
        multi = reader
        let ids =
            if let gathered = batch.gathered {
                try reader.gather(UnsafeBufferPointer(start: gathered, count: batch.slotCount))
            } else {
                try reader.read(batch.rows)
            }
        guard ids.offsets.count > batch.slotCount else {
            throw .corrupt("a column holds fewer rows than its segment", at: "row \(batch.rows.lowerBound)")
        }
        multiSerial = batch.serial
        loadedMulti = ids
        return ids
    }
}
