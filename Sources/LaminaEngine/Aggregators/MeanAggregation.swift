import LaminaBase
import LaminaQuery

/// The mean of the values that are numbers.
///
/// - Source: `DoubleMeanAggregatorFactory`, `DoubleMeanHolder`.
struct MeanAggregation: ValueAggregation {
    let field: String

    var inputs: [String] { [field] }

    func fold(_ values: [Value], into state: inout AggregateState?) throws(LaminaError) {
        var sum = 0.0
        var count: Int64 = 0
        if case .mean(let known, let seen) = state { (sum, count) = (known, seen) }
        if case .array(let several) = values[0] {
            for case let number? in several.map(\.asDouble) {
                sum += number
                count += 1
            }
        } else if !values[0].isNull {
            // A text that is no number counts as 0.
            sum += values[0].asDouble ?? 0
            count += 1
        }
        state = .mean(sum: sum, count: count)
    }

    func merge(_ other: AggregateState, into state: inout AggregateState?) throws(LaminaError) {
        guard case .mean(let sum, let count) = state, case .mean(let more, let others) = other else {
            state = state ?? other
            return
        }
        state = .mean(sum: sum + more, count: count + others)
    }

    func finished(_ state: AggregateState?) throws(LaminaError) -> Value {
        guard case .mean(let sum, let count) = state else { return .null }
        return .double(count == 0 ? 0 : sum / Double(count))
    }

    /// Sum and count, eight bytes each, high byte first.
    func stored(_ state: AggregateState?) -> Value {
        var bytes: [UInt8] = []
        var total = 0.0
        var seen: Int64 = 0
        if case .mean(let sum, let count) = state { (total, seen) = (sum, count) }
        withUnsafeBytes(of: total.bitPattern.bigEndian) { bytes.append(contentsOf: $0) }
        withUnsafeBytes(of: seen.bigEndian) { bytes.append(contentsOf: $0) }
        return .complex(type: "doubleMean", bytes: bytes)
    }

    func state(fromStored value: Value) throws(LaminaError) -> AggregateState? {
        guard case .complex(_, let bytes) = value else { return nil }
        guard bytes.count == 16 else { throw .corrupt("a doubleMean of \(bytes.count) bytes", at: "its column") }
        let sum = bytes[..<8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let count = bytes[8...].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return .mean(sum: Double(bitPattern: sum), count: Int64(bitPattern: count))
    }

    var storedType: ColumnType? { nil }
    var expectedBytes: Int { 64 }
}
