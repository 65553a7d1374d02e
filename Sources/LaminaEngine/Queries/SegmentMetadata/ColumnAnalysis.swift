package import LaminaBase

/// What segmentMetadata says of one column. Source: `ColumnAnalysis`.
package struct ColumnAnalysis: Sendable, Hashable {
    package var type: ColumnType
    package var hasMultipleValues = false
    package var hasNulls = false
    /// Estimated bytes of the values as text.
    package var size: Int64 = 0
    package var cardinality: Int64?
    package var minValue: String?
    package var maxValue: String?
    package var errorMessage: String?

    package init(type: ColumnType) { self.type = type }

    static func failed(_ reason: String) -> ColumnAnalysis {
        var analysis = ColumnAnalysis(type: .string)
        analysis.size = -1
        analysis.errorMessage = "error:\(reason)"
        return analysis
    }

    /// Druid's older `type` field: the bare name of complex types, the kind of all others.
    var typeName: String {
        switch type {
        case .complex(let name): name
        case .array: "ARRAY"
        default: type.description
        }
    }

    /// Both columns as one; of different types they are an error.
    func folded(with other: ColumnAnalysis) -> ColumnAnalysis {
        if let error = errorMessage {
            guard let second = other.errorMessage else { return self }
            return error == second ? self : .failed("multiple_errors")
        }
        if other.errorMessage != nil { return other }
        if typeName != other.typeName {
            return .failed("cannot_merge_diff_types: [\(typeName)] and [\(other.typeName)]")
        }
        if type != other.type { return .failed("cannot_merge_diff_types: [\(type)] and [\(other.type)]") }
        var folded = self
        folded.hasMultipleValues = hasMultipleValues || other.hasMultipleValues
        folded.hasNulls = hasNulls || other.hasNulls
        folded.size = size + other.size
        folded.cardinality = [cardinality, other.cardinality].compactMap { $0 }.max()
        // Null is the least of all values.
        if let low = minValue, let second = other.minValue {
            folded.minValue = javaCompare(low, second) <= 0 ? low : second
        } else {
            folded.minValue = nil
        }
        if let high = maxValue, let second = other.maxValue {
            folded.maxValue = javaCompare(high, second) >= 0 ? high : second
        } else {
            folded.maxValue = maxValue ?? other.maxValue
        }
        return folded
    }

    func write(into writer: inout JSONWriter) {
        func text(_ value: String?) { if let value { writer.string(value) } else { writer.null() } }
        writer.beginObject()
        writer.key("typeSignature")
        writer.string(type.description)
        writer.key("type")
        writer.string(typeName)
        writer.key("hasMultipleValues")
        writer.bool(hasMultipleValues)
        writer.key("hasNulls")
        writer.bool(hasNulls)
        writer.key("size")
        writer.int(size)
        writer.key("cardinality")
        if let cardinality { writer.int(cardinality) } else { writer.null() }
        writer.key("minValue")
        text(minValue)
        writer.key("maxValue")
        text(maxValue)
        writer.key("errorMessage")
        text(errorMessage)
        writer.endObject()
    }
}
