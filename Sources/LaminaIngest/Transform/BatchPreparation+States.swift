import LaminaBase
import LaminaEngine
import LaminaQuery
import LaminaSketches

/// The values that metrics with states fold.
extension BatchPreparation {
    /// One value for every column the aggregation reads, row by row; rows that a filter drops are marked as null.
    mutating func stateInputs(
        _ metric: MetricSpec,
        _ rule: any ValueAggregation,
        _ forms: [FieldForm],
        _ filter: RowFilter?
    ) -> PreparedColumn {
        let names = rule.inputs
        let column = PreparedColumn(values: rows.count, width: names.count)
        let inputs = names.map { $0 == "__time" ? nil : fields[$0] }
        for (kept, batchRow) in rows.enumerated() {
            let row = Int(batchRow)
            if !passes(filter, row) { column.setNull(kept) }
            for (place, input) in inputs.enumerated() {
                // The row's own time, not what it is truncated to.
                if names[place] == "__time" {
                    column.values.append(.long(times[row]))
                    continue
                }
                do throws(LaminaError) {
                    let absent: Value = forms[place] == .texts ? .array([]) : .null
                    column.values.append(try input?.value(row, forms[place]) ?? absent)
                } catch {
                    column.values.append(.null)
                    fail(row, error)
                }
            }
            if stream != nil { tryFold(rule, column, kept, row) }
        }
        return column
    }

    /// Stored states come from outside and may be malformed, or none of the metric's kind, which shows when they are folded: too late
    /// for a stream, whose index would be of no use then. What folds into no state folds into any other, as states begin with the
    /// metric's own parameters; only the items that some sketches count may be too many together (`sketchItems`).
    private func tryFold(_ rule: any ValueAggregation, _ column: PreparedColumn, _ kept: Int, _ row: Int) {
        let width = rule.inputs.count
        let values = column.values[kept * width..<(kept + 1) * width]
        guard values.contains(where: { if case .complex = $0 { true } else { false } }) else { return }
        var state: AggregateState?
        do throws(LaminaError) {
            try rule.fold(Array(values), into: &state)
        } catch {
            return fail(row, error)
        }
        if case .sketch(let sketch)? = state, sketch.itemCount > 0 {
            out.sketchItems.append((Int32(row), sketch.itemCount))
        }
    }
}

extension FieldView {
    /// The value in the form an aggregation wants it.
    func value(_ row: Int, _ form: FieldForm) throws(LaminaError) -> Value {
        let kind = kinds[row]
        // As texts, nothing is a list without any: the sketch is there, and empty.
        if kind == FieldKind.missing || kind == FieldKind.null { return form == .texts ? .array([]) : .null }
        if kind == FieldKind.complex { return value(row) }
        switch form {
        case .raw: return kind == FieldKind.bool ? .string(javaString(row) ?? "") : value(row)
        case .texts:
            guard kind == FieldKind.json else { return .string(javaString(row) ?? "") }
            let texts = javaStrings(row).map { Value.string($0) }
            return texts.count == 1 ? texts[0] : .array(texts)
        case .stored(let type):
            guard kind == FieldKind.string else { throw notStored(row, type) }
            return try storedValue(row, type)
        case .numberOrStored(let type):
            switch kind {
            case FieldKind.long: return .double(Double(long(row)))
            case FieldKind.double: return .double(double(row))
            case FieldKind.float: return .double(Double(float(row)))
            case FieldKind.string:
                if let number = parseDouble(text(row).assumingMemoryBound(to: UInt8.self)) { return .double(number) }
                return try storedValue(row, type)
            default: throw notStored(row, type)
            }
        }
    }

    private func storedValue(_ row: Int, _ type: String) throws(LaminaError) -> Value {
        if text(row).isEmpty { return .null }
        guard let bytes = base64Decoded(string(row)) else { throw notStored(row, type) }
        return .complex(type: type, bytes: bytes)
    }

    private func notStored(_ row: Int, _ type: String) -> LaminaError {
        .invalidInput("The value [\(javaString(row) ?? "null")] of field [\(name)] is no \(type)")
    }
}
