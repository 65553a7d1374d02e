import LaminaBase
import LaminaSketches

/// What a post-aggregation works on or gives: a plain value, or a sketch in memory.
enum PostOperand {
    case value(Value)
    case sketch(any Sketch)

    /// As results show it: sketches as their bytes.
    var value: Value {
        switch self {
        case .value(let value): value
        case .sketch(let sketch): .complex(type: sketch.typeName, bytes: sketch.bytes)
        }
    }
}

/// One row of a table under construction, as post-aggregations read it.
struct PostRow {
    let columns: [ResultTable.Column]
    let row: Int

    /// The finished value of a column.
    func value(_ column: Int) -> Value { columns[column].value(row) }

    /// A column's sketch, or its value when it has none.
    func operand(_ column: Int) -> PostOperand {
        if case .states(_, let states, _) = columns[column], let sketch = states.sketch(row) { return .sketch(sketch) }
        return .value(columns[column].value(row))
    }
}
