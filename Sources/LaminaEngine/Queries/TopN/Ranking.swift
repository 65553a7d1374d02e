import LaminaBase
import LaminaQuery

/// The order of a topN query over the groups of a partial.
struct Ranking {
    private let keys: KeyColumn
    /// For metrics: the value of each group as a number, greater is better; ties by dimension value.
    private var scores: [Double] = []
    /// Longs are compared as such: beyond 2^53 doubles would tie.
    private var longScores: [Int64]?
    /// One byte a group, 0 where the score is null; empty: none is.
    private var longSeen: [UInt8] = []
    private var isScored = false
    /// For dimension order: the place of each key value; ascending.
    private var places: [Int] = []
    private var previousStop: Int?
    private let isInverted: Bool

    init(_ topN: TopNQuery, _ groups: GroupPartial, key: Int, _ run: QueryRun) throws(LaminaError) {
        keys = groups.keys[key]
        var metric = topN.metric
        var inverted = false
        while case .inverted(let inner) = metric {
            inverted.toggle()
            metric = inner
        }
        isInverted = inverted
        switch metric {
        case .numeric(let name):
            isScored = true
            try score(topN, groups, name, run)
        case .dimension(let ordering, let previousStop): try order(ordering, previousStop)
        case .inverted: preconditionFailure("unwrapped above")
        }
    }

    private mutating func score(
        _ topN: TopNQuery,
        _ groups: GroupPartial,
        _ name: String,
        _ run: QueryRun
    ) throws(LaminaError) {
        if let index = topN.aggregations.firstIndex(where: { sameText($0.name, name) }) {
            let column = groups.states[index]
            if case .long(let values) = column.numbers {
                longScores = values
                longSeen = column.seen
                return
            }
            let values = try column.finishedStates() ?? (0..<groups.groupCount).map { column.value($0) }
            scores = scored(values, null: topN.aggregations[index].isFirstOrLast ? -.infinity : nullScore)
            return
        }
        let table = try ResultTable(
            dimensions: [topN.dimension.outputName],
            groups,
            firstDimension: groups.keys.count - 1,
            topN.aggregations,
            topN.postAggregations,
            finalizes: true,
            run
        )
        guard let index = table.index(of: name) else { return }
        scores = scored((0..<groups.groupCount).map { table.columns[index].value($0) }, null: nullScore)
    }

    /// Null comes last whichever way the order goes.
    private var nullScore: Double { isInverted ? .infinity : -.infinity }

    /// Values as numbers that order as they do: texts by their places among each other.
    private func scored(_ values: [Value], null last: Double) -> [Double] {
        var texts: [String] = []
        for case .string(let text) in values { texts.append(text) }
        if texts.isEmpty { return values.map { $0.asDouble ?? last } }
        texts.sort { javaCompare($0, $1) < 0 }
        var places: [ExactText: Double] = [:]
        for (place, text) in texts.enumerated() { places[ExactText(text)] = Double(place) }
        return values.map { value in
            if case .string(let text) = value { places[ExactText(text)] ?? last } else { last }
        }
    }

    /// Ranks the distinct values by a string ordering.
    private mutating func order(_ ordering: StringOrdering, _ stop: String?) throws(LaminaError) {
        let texts = (0..<keys.values.count).map { keys.values.value(UInt32($0)).asText }
        var order = Array(texts.indices)
        order.sort { ordering.compare(texts[$0], texts[$1]) < 0 }
        places = Array(repeating: 0, count: texts.count)
        // Values that the ordering holds equal share a place; the dictionary decides between them.
        var place = 0
        for (number, index) in order.enumerated() {
            if number > 0, ordering.compare(texts[order[number - 1]], texts[index]) != 0 { place = number }
            places[index] = place
        }
        guard let stop else { return }
        // As a count of places: those below it, or for the inverted order from it on, were on an earlier page.
        previousStop =
            isInverted
            ? order.firstIndex { ordering.compare(texts[$0], stop) >= 0 } ?? order.count
            : order.firstIndex { ordering.compare(texts[$0], stop) > 0 } ?? order.count
    }

    /// Whether a group ranks before another.
    private func precedes(_ left: UInt32, _ right: UInt32) -> Bool {
        let one = keys.ids[Int(left)]
        let two = keys.ids[Int(right)]
        if !isScored {
            // A null value stays first whichever way the order goes.
            if one == 0 || two == 0 { return one == 0 && two != 0 }
            if places[Int(one)] == places[Int(two)] { return one < two }
            return isInverted ? places[Int(one)] > places[Int(two)] : places[Int(one)] < places[Int(two)]
        }
        if let longScores {
            let firstIsNull = !longSeen.isEmpty && longSeen[Int(left)] == 0
            let secondIsNull = !longSeen.isEmpty && longSeen[Int(right)] == 0
            // Null comes last whichever way the order goes.
            if firstIsNull != secondIsNull { return secondIsNull }
            if firstIsNull { return one < two }
            let first = longScores[Int(left)]
            let second = longScores[Int(right)]
            if first != second { return isInverted ? first < second : first > second }
            return one < two
        }
        let first = scores[Int(left)]
        let second = scores[Int(right)]
        if javaLess(second, first) { return !isInverted }
        if javaLess(first, second) { return isInverted }
        return one < two
    }

    /// The first groups in rank order.
    func first(_ count: Int, of groups: [UInt32]) -> [UInt32] {
        var groups = groups
        if let previousStop {
            groups.removeAll {
                let id = keys.ids[Int($0)]
                return isInverted ? id == 0 || places[Int(id)] >= previousStop : places[Int(id)] < previousStop
            }
        }
        if groups.count <= count * 4 || groups.count < 256 {
            groups.sort(by: precedes)
            return Array(groups.prefix(count))
        }
        return firstByHeap(count, of: groups)
    }

    /// Keeps the best `count` in a heap whose root is the worst of them.
    private func firstByHeap(_ count: Int, of groups: [UInt32]) -> [UInt32] {
        var heap = Array(groups.prefix(count))
        makeHeap(&heap) { precedes($1, $0) }
        for group in groups.dropFirst(count) where precedes(group, heap[0]) {
            heap[0] = group
            siftDown(&heap, from: 0) { precedes($1, $0) }
        }
        heap.sort(by: precedes)
        return heap
    }
}

extension Aggregator {
    /// Whether Druid ranks it by pairs of time and value: a null value is less than all others then.
    ///
    /// - Source: `SerializablePair.createNullHandlingComparator`.
    fileprivate var isFirstOrLast: Bool {
        switch self {
        case .firstLast: true
        case .filtered(_, let inner, _): inner.isFirstOrLast
        default: false
        }
    }
}
