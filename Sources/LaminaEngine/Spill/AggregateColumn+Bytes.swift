import LaminaBase
import LaminaQuery

extension AggregateColumn {
    /// Appends the states of all groups in a form that `init(reading:count:like:)` reads.
    func appendBytes(to bytes: inout [UInt8]) {
        bytes.append(seen.isEmpty ? 0 : 1)
        if !seen.isEmpty { ValueCode.appendRaw(seen, to: &bytes) }
        switch numbers {
        case .long(let values): ValueCode.appendRaw(values, to: &bytes)
        case .float(let values): ValueCode.appendRaw(values, to: &bytes)
        case .double(let values): ValueCode.appendRaw(values, to: &bytes)
        case .states(let states, let rule):
            for state in states {
                if let state { rule.append(state, to: &bytes) } else { bytes.append(0) }
            }
        }
    }

    /// Reads states of the same aggregation as another column's.
    init(reading reader: inout SpillReader, count: Int, like model: AggregateColumn) throws(LaminaError) {
        let seen = reader.raw(UInt8.self) == 0 ? [] : reader.raws(UInt8.self, count: count)
        let numbers: Numbers
        switch model.numbers {
        case .long: numbers = .long(reader.raws(Int64.self, count: count))
        case .float: numbers = .float(reader.raws(Float.self, count: count))
        case .double: numbers = .double(reader.raws(Double.self, count: count))
        case .states(_, let rule):
            var states: [AggregateState?] = []
            states.reserveCapacity(count)
            for _ in 0..<count { states.append(try rule.state(&reader)) }
            numbers = .states(states, rule)
        }
        self.init(numbers: numbers, seen: seen, fold: model.fold)
    }
}

extension ValueAggregation {
    /// Appends the bytes of a state: plain ones as they are, sketches in the form they are stored in.
    fileprivate func append(_ state: AggregateState, to bytes: inout [UInt8]) {
        switch state {
        case .timed(let time, let value):
            bytes.append(1)
            ValueCode.appendRaw(time, to: &bytes)
            ValueCode.append(value, to: &bytes)
        case .value(let value):
            bytes.append(2)
            ValueCode.append(value, to: &bytes)
        case .mean(let sum, let count):
            bytes.append(3)
            ValueCode.appendRaw(sum, to: &bytes)
            ValueCode.appendRaw(count, to: &bytes)
        case .sketch:
            bytes.append(4)
            ValueCode.append(stored(state), to: &bytes)
        }
    }

    /// The state whose bytes come next.
    fileprivate func state(_ reader: inout SpillReader) throws(LaminaError) -> AggregateState? {
        switch reader.raw(UInt8.self) {
        case 1: .timed(reader.raw(Int64.self), try reader.value())
        case 2: .value(try reader.value())
        case 3: .mean(sum: reader.raw(Double.self), count: reader.raw(Int64.self))
        case 4: try state(fromStored: try reader.value())
        default: nil
        }
    }
}
