package import LaminaBase
import LaminaQuery
import LaminaSketches

/// The states of one aggregation for every group of a partial: flat columns that merge group by group.
package struct AggregateColumn: Sendable {
    var numbers: Numbers
    /// One byte a group, 0 where nothing but null was seen; empty when every group has a value.
    var seen: [UInt8]
    let fold: Fold

    enum Numbers: Sendable {
        case long([Int64])
        case float([Float])
        case double([Double])
        /// Aggregations that are not numbers alone; nil where nothing was seen.
        case states([AggregateState?], any ValueAggregation)
    }

    enum Fold: Sendable {
        case sum, min, max
    }

    init(numbers: Numbers, seen: [UInt8], fold: Fold) {
        self.numbers = numbers
        self.seen = seen
        self.fold = fold
    }

    package var count: Int {
        switch numbers {
        case .long(let values): values.count
        case .float(let values): values.count
        case .double(let values): values.count
        case .states(let states, _): states.count
        }
    }

    /// The state column of an aggregation with `count` groups that have seen nothing.
    static func empty(_ aggregator: Aggregator, count: Int) throws(LaminaError) -> AggregateColumn {
        switch aggregator {
        case .count:
            return AggregateColumn(numbers: .long(Array(repeating: 0, count: count)), seen: [], fold: .sum)
        case .grouping: return AggregateColumn(groupingID: 0, count: count)
        case .number(_, let type, let fold, _):
            let seen = [UInt8](repeating: 0, count: count)
            let kind: Fold = fold == .sum ? .sum : fold == .min ? .min : .max
            switch type {
            case .long: return make(Int64.self, kind, count, seen) { .long($0) }
            case .float: return make(Float.self, kind, count, seen) { .float($0) }
            case .double: return make(Double.self, kind, count, seen) { .double($0) }
            }
        case .filtered(_, let inner, _): return try empty(inner, count: count)
        default:
            guard let rule = try makeValueAggregation(aggregator) else {
                throw .unsupported("aggregator \(aggregator.name)")
            }
            return AggregateColumn(numbers: .states(Array(repeating: nil, count: count), rule), seen: [], fold: .sum)
        }
    }

    private static func make<Number: VectorNumber>(
        _ type: Number.Type,
        _ fold: Fold,
        _ count: Int,
        _ seen: [UInt8],
        _ wrap: ([Number]) -> Numbers
    ) -> AggregateColumn {
        let start = fold == .sum ? Number.zero : Number.extremeStart(greatest: fold == .max)
        return AggregateColumn(numbers: wrap(Array(repeating: start, count: count)), seen: seen, fold: fold)
    }

    /// The finished values of all groups of an aggregation that is not numbers alone; nil when it is.
    func finishedStates() throws(LaminaError) -> [Value]? {
        guard case .states(let states, let rule) = numbers else { return nil }
        var values: [Value] = []
        values.reserveCapacity(states.count)
        for state in states { values.append(try rule.finished(state)) }
        return values
    }

    /// Whether results show finished values of this column; false for `shouldFinalize: false`.
    var showsFinished: Bool {
        if case .states(_, let rule) = numbers { rule.showsFinished } else { true }
    }

    /// The unfinished value of a group: what is shown under `finalize: false`, and what queries over this one read.
    package func unfinished(_ group: Int) -> Value {
        guard case .states(let states, let rule) = numbers else { return value(group) }
        return rule.shown(states[group])
    }

    /// The sketch of a group; nil for aggregations without sketches.
    func sketch(_ group: Int) -> (any Sketch)? {
        guard case .states(let states, let rule) = numbers else { return nil }
        return rule.sketch(states[group])
    }

    /// The finished value of a group; only of numbers.
    package func value(_ group: Int) -> Value {
        if !seen.isEmpty, seen[group] == 0 { return .null }
        switch numbers {
        case .long(let values): return .long(values[group])
        case .float(let values): return .float(values[group])
        case .double(let values): return .double(values[group])
        case .states: preconditionFailure("states are finished all at once")
        }
    }

    /// Folds another partial's groups into this one's: its group i into group `targets[i]`.
    ///
    /// - Source: `AggregatorFactory.combine`.
    mutating func merge(_ other: AggregateColumn, targets: [UInt32]) throws(LaminaError) {
        switch (numbers, other.numbers) {
        case (.long(var mine), .long(let theirs)):
            numbers = .long([])
            mergeValues(&mine, theirs, other.seen, targets)
            numbers = .long(mine)
        case (.float(var mine), .float(let theirs)):
            numbers = .float([])
            mergeValues(&mine, theirs, other.seen, targets)
            numbers = .float(mine)
        case (.double(var mine), .double(let theirs)):
            numbers = .double([])
            mergeValues(&mine, theirs, other.seen, targets)
            numbers = .double(mine)
        case (.states(var mine, let rule), .states(let theirs, _)):
            numbers = .states([], rule)
            for (index, target) in targets.enumerated() {
                guard let other = theirs[index] else { continue }
                if mine[Int(target)] == nil {
                    mine[Int(target)] = other
                } else {
                    try rule.merge(other, into: &mine[Int(target)])
                }
            }
            numbers = .states(mine, rule)
        default: preconditionFailure("states of different aggregations do not merge")
        }
        if !seen.isEmpty {
            for (index, target) in targets.enumerated() where other.seen.isEmpty || other.seen[index] != 0 {
                seen[Int(target)] = 1
            }
        }
    }

    private func mergeValues<Number: VectorNumber>(
        _ mine: inout [Number],
        _ theirs: [Number],
        _ seen: [UInt8],
        _ targets: [UInt32]
    ) {
        mine.withUnsafeMutableBufferPointer { mine in
            theirs.withUnsafeBufferPointer { theirs in
                targets.withUnsafeBufferPointer { targets in
                    guard let into = mine.baseAddress, let from = theirs.baseAddress, let groups = targets.baseAddress
                    else { return }
                    let rows = SlotSet(slots: nil, count: targets.count)
                    // States that saw nothing hold the fold's neutral value, so they need no test.
                    if fold == .sum {
                        Number.sumGroups(from, rows, groups, into: into)
                    } else {
                        let vector = Vector(values: from, nulls: nil)
                        Number.extremeGroups(vector, rows, groups, into: into, greatest: fold == .max)
                    }
                }
            }
        }
    }

    /// The states of some groups, in the given order.
    func picking(_ groups: [UInt32]) -> AggregateColumn {
        var picked = self
        switch numbers {
        case .long(let values): picked.numbers = .long(pick(values, groups))
        case .float(let values): picked.numbers = .float(pick(values, groups))
        case .double(let values): picked.numbers = .double(pick(values, groups))
        case .states(let states, let rule): picked.numbers = .states(pick(states, groups), rule)
        }
        picked.seen = seen.isEmpty ? [] : pick(seen, groups)
        return picked
    }

    /// Bytes held for each group.
    static let bytesPerGroup = 9

    /// Bytes held for each group of this column.
    var bytesPerGroup: Int { if case .states(_, let rule) = numbers { rule.expectedBytes } else { Self.bytesPerGroup } }

    /// Bytes held for each group by all of some aggregations.
    static func bytesPerGroup(_ aggregators: [Aggregator]) throws(LaminaError) -> Int {
        var bytes = 0
        for aggregator in aggregators { bytes += try makeValueAggregation(aggregator)?.expectedBytes ?? bytesPerGroup }
        return bytes
    }
}

/// values[groups[i]] for every i
func pick<Element: BitwiseCopyable>(_ values: UnsafePointer<Element>, _ groups: [UInt32]) -> [Element] {
    [Element](unsafeUninitializedCapacity: groups.count) { buffer, count in
        for index in 0..<groups.count { buffer.initializeElement(at: index, to: values[Int(groups[index])]) }
        count = groups.count
    }
}

/// values[groups[i]] for every i
func pick<Element>(_ values: [Element], _ groups: [UInt32]) -> [Element] {
    [Element](unsafeUninitializedCapacity: groups.count) { buffer, count in
        values.withUnsafeBufferPointer { values in
            for index in 0..<groups.count {
                buffer.initializeElement(at: index, to: values[Int(groups[index])])
            }
        }
        count = groups.count
    }
}
