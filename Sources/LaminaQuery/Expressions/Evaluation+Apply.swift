import LaminaBase

/// Lambdas over arrays. Source: `ApplyFunction`.
extension Evaluation {
    /// A cartesian product of more combinations than this is refused.
    private static let combinationMax = 1_000_000

    mutating func apply(_ application: ExpressionApplication) throws(LaminaError) -> Value {
        var arrays: [[Value]] = []
        let isFold = application.kind == .fold || application.kind == .cartesianFold
        for argument in isFold ? application.arguments.dropLast() : application.arguments[...] {
            guard let elements = try value(of: argument).asElements else {
                // A fold over nothing known is its start value's null; nothing holds for null.
                return application.kind == .any || application.kind == .all ? .long(0) : .null
            }
            arrays.append(elements)
        }
        let depth = locals.count
        defer { locals.removeLast(locals.count - depth) }
        // A lambda may sit where fewer parameters are on the stack than it counts (never more).
        while locals.count < application.firstLocal { locals.append(.null) }
        let base = locals.count
        switch application.kind {
        case .map: return try map(application.body, arrays[0], base)
        case .filter: return try filter(application.body, arrays[0], base)
        case .any, .all: return try test(application.body, arrays[0], base, all: application.kind == .all)
        case .fold, .cartesianFold:
            guard let start = application.arguments.last else { return .null }
            var accumulator = try value(of: start)
            try forEachCombination(arrays) { (evaluation: inout Evaluation, row) throws(LaminaError) in
                evaluation.locals.removeLast(evaluation.locals.count - base)
                evaluation.locals += row
                evaluation.locals.append(accumulator)
                accumulator = try evaluation.value(of: application.body)
            }
            return accumulator
        case .cartesianMap:
            var results: [Value] = []
            try forEachCombination(arrays) { (evaluation: inout Evaluation, row) throws(LaminaError) in
                evaluation.locals.removeLast(evaluation.locals.count - base)
                evaluation.locals += row
                results.append(try evaluation.value(of: application.body))
            }
            return .array(unified(results))
        }
    }

    private mutating func map(_ body: ExpressionNode, _ elements: [Value], _ base: Int) throws(LaminaError) -> Value {
        var results: [Value] = []
        results.reserveCapacity(elements.count)
        for element in elements {
            locals.removeLast(locals.count - base)
            locals.append(element)
            results.append(try value(of: body))
        }
        return .array(unified(results))
    }

    private mutating func filter(_ body: ExpressionNode, _ elements: [Value], _ base: Int) throws(LaminaError) -> Value
    {
        var results: [Value] = []
        for element in elements {
            locals.removeLast(locals.count - base)
            locals.append(element)
            if try value(of: body).asBool { results.append(element) }
        }
        return .array(results)
    }

    private mutating func test(
        _ body: ExpressionNode,
        _ elements: [Value],
        _ base: Int,
        all: Bool
    ) throws(LaminaError) -> Value {
        for element in elements {
            locals.removeLast(locals.count - base)
            locals.append(element)
            if try value(of: body).asBool != all { return .long(all ? 0 : 1) }
        }
        return .long(all ? 1 : 0)
    }

    /// Every combination of one element of each array, the last array varying fastest.
    private mutating func forEachCombination(
        _ arrays: [[Value]],
        _ body: (inout Evaluation, [Value]) throws(LaminaError) -> Void
    ) throws(LaminaError) {
        var count = 1
        for array in arrays {
            count = count.multipliedReportingOverflow(by: array.count).partialValue
            guard count <= Self.combinationMax, array.count <= Self.combinationMax else {
                throw .resourceLimit("a cartesian function has more than \(Self.combinationMax) combinations")
            }
        }
        guard count > 0 else { return }
        var indices = [Int](repeating: 0, count: arrays.count)
        var row = arrays.map { $0[0] }
        while true {
            try body(&self, row)
            var place = arrays.count - 1
            while place >= 0 {
                indices[place] += 1
                if indices[place] < arrays[place].count { break }
                indices[place] = 0
                row[place] = arrays[place][0]
                place -= 1
            }
            if place < 0 { return }
            row[place] = arrays[place][indices[place]]
        }
    }
}

/// Elements in their common type, as arrays have but one.
func unified(_ elements: [Value]) -> [Value] {
    guard let type = elementType(of: elements) else { return elements }
    switch type {
    case .string, .double, .long, .array: return elements.map { $0.columnType == type ? $0 : $0.cast(to: type) }
    default: return elements
    }
}
