package import LaminaBase

/// The values of a column that keeps each distinct one once, of any types: ids by row, with bitmaps, and what they stand for.
package protocol ValueDictionary: AnyObject, Sendable {
    /// Ids by row, their bitmaps and the id of null. Texts are those of the values; sorted only where all values are texts.
    var ids: any StringColumn { get }
    /// The value of an id; precondition: below `ids.cardinality`.
    func value(_ id: UInt32) throws(LaminaError) -> Value
}

/// One path of a nested column.
package struct NestedPathColumn: Sendable {
    /// The values as a column of their type, when they are all texts, all longs or all doubles (nulls aside).
    package let column: Column?
    package let dictionary: any ValueDictionary

    package init(column: Column?, dictionary: any ValueDictionary) {
        self.column = column
        self.dictionary = dictionary
    }
}

/// A nested column whose paths are stored as columns.
package protocol NestedPaths: ObjectColumn {
    /// The column of a path by its normal text (`$.a['odd name'][2]`); nil when no row has a value there.
    func path(_ text: String) throws(LaminaError) -> NestedPathColumn?
    /// Whether paths can be asked for at all: columns of Druid 24 and 25 are only read whole.
    var hasPaths: Bool { get }
}

extension ObjectColumn {
    package var valueDictionary: (any ValueDictionary)? { nil }
}
