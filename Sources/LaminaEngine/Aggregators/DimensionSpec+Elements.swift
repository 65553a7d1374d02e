import LaminaBase
import LaminaQuery

extension DimensionSpec {
    /// A row's values as this dimension shows them: several ones one by one, those its filter refuses left out.
    func elements(_ value: Value) -> [Value] {
        guard case .array(let several) = value else { return transformed(value).map { [$0] } ?? [] }
        return several.compactMap { transformed($0) }
    }

    private func transformed(_ value: Value) -> Value? {
        switch self {
        case .default: return value
        case .extraction(_, _, _, let function): return function.apply(value).map(Value.string) ?? .null
        case .filtered(let delegate, let filter):
            guard let inner = delegate.transformed(value), filter.keeps(inner.asText) else { return nil }
            return inner
        }
    }
}
