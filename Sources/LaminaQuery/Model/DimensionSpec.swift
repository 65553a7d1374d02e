package import LaminaBase

/// How a column becomes a grouping key.
package indirect enum DimensionSpec: Sendable {
    case `default`(dimension: String, outputName: String, outputType: ColumnType)
    case extraction(dimension: String, outputName: String, outputType: ColumnType, function: ExtractionFunction)
    /// Of each row's values only some are kept; a row left without any counts under null.
    case filtered(delegate: DimensionSpec, values: ValueFilter)

    /// Which values of a row a filtered dimension keeps. Null is no value of a list, pattern or prefix, unless listed.
    package enum ValueFilter: Sendable, Hashable {
        case list(Set<ExactText?>, isAllowList: Bool)
        case regex(Regex)
        case prefix(String)

        /// Whether the value is kept. A pattern must match it whole (Druid's `regexFiltered`).
        package func keeps(_ value: String?) -> Bool {
            switch self {
            case .list(let values, let isAllowList): values.contains(value.map { ExactText($0) }) == isAllowList
            case .regex(let regex): value.map { regex.matchesWhole($0) } ?? false
            case .prefix(let prefix): value?.utf8.starts(with: prefix.utf8) ?? false
            }
        }
    }

    package var dimension: String {
        switch self {
        case .default(let dimension, _, _), .extraction(let dimension, _, _, _): dimension
        case .filtered(let delegate, _): delegate.dimension
        }
    }

    package var outputName: String {
        switch self {
        case .default(_, let name, _), .extraction(_, let name, _, _): name
        case .filtered(let delegate, _): delegate.outputName
        }
    }

    package var outputType: ColumnType {
        switch self {
        case .default(_, _, let type), .extraction(_, _, let type, _): type
        case .filtered(let delegate, _): delegate.outputType
        }
    }

    /// The extraction function, inside filtered dimensions too.
    package var extraction: ExtractionFunction? {
        switch self {
        case .default: nil
        case .extraction(_, _, _, let function): function
        case .filtered(let delegate, _): delegate.extraction
        }
    }
}

/// A function from a string (or null) to a string (or null): druid-surface 4.
package indirect enum ExtractionFunction: Sendable {
    case upper
    case lower
    /// Length in UTF-16 units.
    case strlen
    /// Indices in UTF-16 units.
    case substring(index: Int, length: Int?)
    case identity
    case cascade([ExtractionFunction])
    case timeFormat(TimeFormatExtraction)
    case time(TimeExtraction)
    /// A group of the first match; without a match `replacement` when `replacesMissing`, else the value itself.
    case regex(Regex, group: Int, replacesMissing: Bool, replacement: String?)
    /// The value when the pattern is found in it, else null.
    case partial(Regex)
    /// The value when the search accepts it, else null.
    case searchQuery(SearchSpec)
    case lookup(LookupTable, retainsMissing: Bool, replacement: String?)
    case stringFormat(format: String, nullHandling: NullHandling)
    /// Numbers floored to multiples of `size` beginning at `offset`; other text becomes null.
    case bucket(size: Double, offset: Double)

    package enum NullHandling: String, Sendable {
        case nullString, emptyString, returnNull
    }
}

/// A column computed from others; only `expression` ones at first.
package struct VirtualColumn: Sendable {
    package var name: String
    package var expression: Expression
    /// nil: inferred from the inputs.
    package var outputType: ColumnType?

    /// The type of its values for inputs of the given types; FLOAT when nothing can be said, as in Druid.
    package func type(_ columnType: (String) -> ColumnType?) -> ColumnType {
        outputType ?? expression.outputType(columnType) ?? .float
    }

    package init(name: String, expression: Expression, outputType: ColumnType?) {
        self.name = name
        self.expression = expression
        self.outputType = outputType
    }
}
