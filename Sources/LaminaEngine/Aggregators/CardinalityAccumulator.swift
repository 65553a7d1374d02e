import LaminaBase
import LaminaQuery

/// Distinct values of dimensions, or distinct rows of them.
///
/// - Source: `CardinalityAggregator` and its column selector strategies.
final class CardinalityAccumulator: StateAccumulator {
    private let fields: [Field]
    private let byRow: Bool

    /// One dimension: its values as they are, and what a dimension spec makes of each.
    final class Field {
        let input: ValueInput
        let dimension: DimensionSpec

        init(_ input: ValueInput, _ dimension: DimensionSpec) {
            self.input = input
            self.dimension = dimension
        }

        /// The values of a row; null values are left out, except inside rows of several values.
        func values(_ slot: Int) throws(LaminaError) -> [Value] {
            let value = try input.value(slot)
            var elements = [value]
            if case .array(let several) = value { elements = several }
            return elements.compactMap { transformed($0, dimension) }
        }

        private func transformed(_ value: Value, _ dimension: DimensionSpec) -> Value? {
            switch dimension {
            case .default: return value
            case .extraction(_, _, _, let function): return function.apply(value).map(Value.string) ?? .null
            case .filtered(let delegate, let filter):
                guard let inner = transformed(value, delegate), filter.keeps(inner.asText) else { return nil }
                return inner
            }
        }
    }

    init(_ fields: [Field], byRow: Bool, round: Bool) {
        self.fields = fields
        self.byRow = byRow
        super.init(.sketch(round: round))
    }

    override func load(_ batch: Batch) throws(LaminaError) {
        for field in fields { try field.input.load(batch) }
    }

    override func fold(_ slot: Int, into state: inout AggregateState?) throws(LaminaError) {
        var sketch = HyperLogLog()
        if case .sketch(let known) = state { sketch = known }
        state = nil
        if byRow {
            var bytes: [UInt8] = []
            for (index, field) in fields.enumerated() {
                if index > 0 { bytes.append(0) }
                Self.appendRow(try field.values(slot), to: &bytes)
            }
            sketch.add(hash: murmur128(bytes))
        } else {
            var bytes: [UInt8] = []
            for field in fields {
                for value in try field.values(slot) where !value.isNull {
                    bytes.removeAll(keepingCapacity: true)
                    Self.append(value, to: &bytes)
                    sketch.add(hash: murmur128(bytes))
                }
            }
        }
        state = .sketch(sketch)
    }

    /// The values of one dimension of a row: several ones sorted, parted by U+0001, null as U+0000.
    private static func appendRow(_ values: [Value], to bytes: inout [UInt8]) {
        if values.count == 1 {
            if !values[0].isNull { append(values[0], to: &bytes) }
            return
        }
        guard values.contains(where: { !$0.isNull }) else { return }
        let texts = values.map { $0.asText ?? "\u{0}" }.sorted { javaCompare($0, $1) < 0 }
        for (index, text) in texts.enumerated() {
            if index > 0 { bytes += [1, 0] }
            LaminaEngine.append(text, to: &bytes)
        }
    }

    /// The bytes Druid hashes for a value: UTF-16 units of texts, little-endian numbers.
    private static func append(_ value: Value, to bytes: inout [UInt8]) {
        switch value {
        case .long(let number): withUnsafeBytes(of: number.littleEndian) { bytes += $0 }
        case .float(let number):
            let bits = number.isNaN ? 0x7FC0_0000 : number.bitPattern
            withUnsafeBytes(of: bits.littleEndian) { bytes += $0 }
        case .double(let number):
            let bits = number.isNaN ? 0x7FF8_0000_0000_0000 : number.bitPattern
            withUnsafeBytes(of: bits.littleEndian) { bytes += $0 }
        default: LaminaEngine.append(value.asText ?? "", to: &bytes)
        }
    }
}
