package import LaminaBase

/// How a column becomes a grouping key.
package indirect enum DimensionSpec: Sendable {
    case `default`(dimension: String, outputName: String, outputType: ColumnType)
    case extraction(dimension: String, outputName: String, outputType: ColumnType, function: ExtractionFunction)

    package var dimension: String {
        switch self {
        case .default(let dimension, _, _), .extraction(let dimension, _, _, _): dimension
        }
    }

    package var outputName: String {
        switch self {
        case .default(_, let name, _), .extraction(_, let name, _, _): name
        }
    }

    package var outputType: ColumnType {
        switch self {
        case .default(_, _, let type), .extraction(_, _, let type, _): type
        }
    }
}

/// A function from a string (or null) to a string (or null): druid-surface 4. Cases are added as they are built.
package indirect enum ExtractionFunction: Sendable {
    case upper
    case lower
    case strlen
    case substring(index: Int, length: Int?)
    case identity
    case cascade([ExtractionFunction])
}

/// A column computed from others; only `expression` ones at first.
package struct VirtualColumn: Sendable {
    package var name: String
    package var expression: Expression
    /// nil: inferred from the inputs.
    package var outputType: ColumnType?

    package init(name: String, expression: Expression, outputType: ColumnType?) {
        self.name = name
        self.expression = expression
        self.outputType = outputType
    }
}
