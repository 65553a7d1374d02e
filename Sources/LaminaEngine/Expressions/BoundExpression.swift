import LaminaBase
import LaminaQuery
import LaminaSegment

/// An expression computed row by row over a scan's columns by the interpreter, which is its meaning.
///
/// Where a column holds several values in a row and the expression takes it as one value, the expression is computed for each
/// value (each combination, with several such columns) and gives a row of several values.
///
/// - Source: Druid `Parser.applyUnappliedBindings`, `Expr.BindingAnalysis`.
final class BoundExpression {
    let expression: Expression
    let type: ColumnType?
    private let inputs: [ValueInput]
    /// Slots of columns that are mapped over their values.
    private let mapped: [Int]
    private let givesSeveral: Bool
    private var columns: [Value]
    private var lastInputs: [Value]?
    private var lastValue = Value.null

    /// - Parameter givesSeveral: its arrays are rows of several values of a string dimension.
    init(
        _ expression: Expression,
        type: ColumnType?,
        givesSeveral: Bool = false,
        in scan: SegmentScan
    ) throws(LaminaError) {
        self.expression = expression
        self.givesSeveral = givesSeveral
        var inputs: [ValueInput] = []
        var multiple: Set<Int> = []
        for (slot, name) in expression.requiredColumns.enumerated() {
            inputs.append(try scan.valueInput(name))
            switch try scan.column(name) {
            case .string(let column) where column.hasMultipleValues: multiple.insert(slot)
            case .rows(let inner) where inner.givesMultipleValues: multiple.insert(slot)
            default: break
            }
        }
        self.inputs = inputs
        mapped = scalarSlots(expression.root).intersection(multiple).sorted()
        columns = Array(repeating: .null, count: inputs.count)
        self.type = mapped.isEmpty ? type : .string
    }

    /// Whether rows may come out with several values of a string dimension.
    var givesMultipleValues: Bool { givesSeveral || !mapped.isEmpty }

    func load(_ batch: Batch) throws(LaminaError) {
        for input in inputs { try input.load(batch) }
    }

    /// Whether it goes value by value through a column of several.
    var isMapped: Bool { !mapped.isEmpty }

    /// The expression's value for each value (each combination of values) of the mapped columns of a slot of the loaded batch;
    /// arrays among them stay arrays.
    func eachValue(_ slot: Int) throws(LaminaError) -> [Value] {
        for index in inputs.indices { columns[index] = try inputs[index].value(slot) }
        var results: [Value] = []
        try appendValues(from: 0, to: &results)
        return results
    }

    private func appendValues(from index: Int, to results: inout [Value]) throws(LaminaError) {
        guard index < mapped.count else { return results.append(try expression.evaluate(columns: columns)) }
        let whole = columns[mapped[index]]
        var elements = [whole]
        if case .array(let several) = whole { elements = several.isEmpty ? [.null] : several }
        for element in elements {
            columns[mapped[index]] = element
            try appendValues(from: index + 1, to: &results)
        }
        columns[mapped[index]] = whole
    }

    /// The expression's value for a slot of the loaded batch: of a mapped one the values of all its values in one list, or a
    /// single value.
    func value(_ slot: Int) throws(LaminaError) -> Value {
        for index in inputs.indices { columns[index] = try inputs[index].value(slot) }
        if let lastInputs, zip(lastInputs, columns).allSatisfy({ sameValue($0, $1) }) { return lastValue }
        let value = mapped.isEmpty ? try expression.evaluate(columns: columns) : try mappedValue()
        lastInputs = columns
        lastValue = value
        return value
    }

    /// The value for the loaded inputs.
    private func mappedValue() throws(LaminaError) -> Value {
        let isSingle = mapped.allSatisfy { if case .array(let several) = columns[$0] { several.isEmpty } else { true } }
        var results: [Value] = []
        try appendValues(from: 0, to: &results)
        if isSingle { return results[0] }
        var values: [Value] = []
        for result in results {
            if case .array(let inner) = result { values += inner } else { values.append(result) }
        }
        return .array(values)
    }
}

/// Column slots that an expression reads as single values somewhere.
private func scalarSlots(_ node: ExpressionNode, asArray: Bool = false) -> Set<Int> {
    switch node {
    case .literal, .local: return []
    case .column(_, let slot): return asArray ? [] : [slot]
    case .unary(_, let operand): return scalarSlots(operand)
    case .binary(_, let left, let right): return scalarSlots(left).union(scalarSlots(right))
    case .call(let call):
        var slots: Set<Int> = []
        for (index, argument) in call.arguments.enumerated() {
            slots.formUnion(scalarSlots(argument, asArray: call.function.arrayInputs.contains(index)))
        }
        return slots
    case .apply(let application):
        var slots = scalarSlots(application.body)
        for argument in application.arguments { slots.formUnion(scalarSlots(argument, asArray: true)) }
        return slots
    }
}
