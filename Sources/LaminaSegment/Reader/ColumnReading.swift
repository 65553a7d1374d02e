import LaminaBase

/// What the parts of a column need to know of their segment while they are opened.
struct ColumnReading: Sendable {
    let container: SegmentContainer
    let cache: BlockCache
    let rowCount: Int

    /// An internal file that must be there.
    func require(_ name: String) throws(LaminaError) -> MappedBytes {
        guard let file = container.file(name) else {
            throw .corrupt("there is no internal file '\(name)'", at: container.place)
        }
        return file
    }

    func list(_ cursor: inout ByteCursor) throws(LaminaError) -> GenericIndexed {
        let container = container
        return try GenericIndexed(&cursor) { container.file($0) }
    }

    func dictionary(_ cursor: inout ByteCursor, order: ByteOrder) throws(LaminaError) -> StringDictionary {
        let container = container
        return try StringDictionary(&cursor, order: order) { container.file($0) }
    }
}
