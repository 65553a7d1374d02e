package import LaminaBase

/// In which of the format's forms a column is written.
package enum ColumnStorage: Sendable, Hashable {
    /// The form of the column's own type: numbers, dictionary strings (`bitmapIndex`: with row bitmaps), complex bytes.
    case plain(bitmapIndex: Bool)
    /// `nestedCommonFormat`: dimensions of type `auto`, `json` and arrays.
    case auto(AutoStorage)
    /// A string dimension declared but without values (`NullColumnPartSerde`); columns that are null throughout become this on
    /// their own. `numRows` differs from the row count in segments that Druid wrote from several pieces.
    case allNull(numRows: Int)

    /// Complex values of which it is known whether they ascend by their type's own order, which decides a flag in the file.
    case complex(isAscending: Bool)

    package static let plain = ColumnStorage.plain(bitmapIndex: true)
}

/// What is known in advance of a `nestedCommonFormat` column.
package struct AutoStorage: Sendable, Hashable {
    /// The declared type (`castToType`, or the type of a typed array dimension); nil lets the values decide.
    package var declaredType: ColumnType?
    /// Whether readers cast every value to the declared type (`enforceLogicalType`).
    package var enforcesType: Bool

    package init(declaredType: ColumnType? = nil) {
        self.declaredType = declaredType
        enforcesType = declaredType != nil
    }
}
