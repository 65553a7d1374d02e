import LaminaBase
import LaminaBitmaps

/// An `auto` column whose rows are arrays or of several types: ids into a value space of four dictionaries.
///
/// Ids: 0 null, then strings, longs, doubles, arrays. Source: `VariantColumn`, `VariantColumnAndIndexSupplier`.
final class VariantColumn: ObjectColumn {
    let type: ColumnType
    let values: GlobalDictionary
    let ids: IDPayload
    let bitmaps: BitmapList
    /// For each value that occurs inside an array, the rows whose arrays hold it.
    let elements: FixedIndexed
    let elementBitmaps: BitmapList
    /// Bits of the types present, where they are mixed.
    let typeSet: UInt8?
    let rowCount: Int
    let hasNulls: Bool

    init(
        type: ColumnType,
        values: GlobalDictionary,
        ids: IDPayload,
        bitmaps: BitmapList,
        elements: FixedIndexed,
        elementBitmaps: BitmapList,
        typeSet: UInt8?,
        rowCount: Int
    ) throws(LaminaError) {
        self.type = type
        self.values = values
        self.ids = ids
        self.bitmaps = bitmaps
        self.elements = elements
        self.elementBitmaps = elementBitmaps
        self.typeSet = typeSet
        self.rowCount = rowCount
        hasNulls = bitmaps.count > 0 ? try !bitmaps.rows(0).isEmpty : false
    }

    func id(row: Int) throws(LaminaError) -> Int {
        precondition(row >= 0 && row < rowCount, "row out of range")
        let store = ids.store
        let index = row >> store.shift
        let block = try store.block(index)
        let place = row - store.rows(index).lowerBound
        return withExtendedLifetime(block) {
            switch store.width {
            case 1: Int(block.base.load(fromByteOffset: place, as: UInt8.self))
            case 2: Int(block.base.load(fromByteOffset: 2 * place, as: UInt16.self))
            default: Int(block.base.load(fromByteOffset: 4 * place, as: UInt32.self))
            }
        }
    }

    func value(row: Int) throws(LaminaError) -> Value { try values.value(try id(row: row)) }

    var valueDictionary: (any ValueDictionary)? {
        StoredValueColumn(rowCount: rowCount, values: values, globals: nil, ids: ids, bitmaps: bitmaps)
    }
}
