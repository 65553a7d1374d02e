import LaminaBase
import LaminaEngine
import LaminaQuery

/// How the field of an input row becomes the value that an aggregation folds.
///
/// Source: `getExtractor` of Druid's `ComplexMetricSerde`s.
package enum FieldForm: Sendable, Hashable {
    /// As it stands.
    case raw
    /// Its texts, numbers too.
    case texts
    /// A stored value of the type in base64.
    case stored(String)
    /// A number, a text of one, or a stored value in base64.
    case numberOrStored(String)

    /// Of each column that the aggregation reads.
    static func forms(of aggregator: Aggregator, _ rule: any ValueAggregation) -> [FieldForm] {
        var forms = [FieldForm](repeating: .raw, count: rule.inputs.count)
        switch aggregator {
        case .cardinality: forms = forms.map { _ in .texts }
        case .hyperUnique(_, _, let isInput, _): forms = forms.map { _ in isInput ? .stored("hyperUnique") : .texts }
        case .sketch(let sketch):
            guard !forms.isEmpty else { return forms }
            switch sketch.kind {
            case .hll(let options): if options.isMerge { forms[0] = .stored(sketch.typeName) }
            case .theta(let options): if options.isInputSketch { forms[0] = .stored(sketch.typeName) }
            case .tuple(let options): if options.metricColumns == nil { forms[0] = .stored(sketch.typeName) }
            default: forms[0] = .numberOrStored(sketch.typeName)
            }
        default: break
        }
        return forms
    }
}
