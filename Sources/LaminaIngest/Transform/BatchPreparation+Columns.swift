import LaminaBase
import LaminaQuery

/// Coercion of fields into the types of dimensions and metrics.
extension BatchPreparation {
    mutating func dimension(_ schema: DimensionSchema) -> PreparedColumn {
        guard let field = fields[schema.name] else { return absent(schema.kind) }
        switch schema.kind {
        case .string: return texts(field)
        case .long: return dimensionNumbers(field, "long") { Self.long($0, $1) }
        case .double: return dimensionNumbers(field, "double") { Self.double($0, $1)?.bitPattern }
        case .float:
            return dimensionNumbers(field, "float") {
                Self.double($0, $1).map { UInt64(Float($0).bitPattern) }
            }
        case .auto(let cast): return encodedValues(field, cast: cast, typed: true)
        }
    }

    private func absent(_ kind: DimensionSchema.Kind) -> PreparedColumn {
        switch kind {
        case .string, .auto: return PreparedColumn(texts: rows.count)
        case .long, .float, .double:
            let column = PreparedColumn(numbers: rows.count)
            for row in 0..<rows.count { column.setNull(row) }
            return column
        }
    }

    // MARK: discovery

    mutating func discover() {
        guard let discovery = plan.discovery else { return }
        for field in batch.fields where !discovery.excluded.contains(field.name) && !field.name.isEmpty {
            guard let view = fields[field.name] else { continue }
            let raw = FieldView(field, base: batch.bytes.baseAddress)
            guard rows.contains(where: { isDiscoverable(raw, Int($0), typed: discovery.typed) }) else { continue }
            let column = discovery.typed ? encodedValues(view, cast: nil, typed: true) : texts(view, flatOnly: true)
            let kind: DimensionSchema.Kind = discovery.typed ? .auto(cast: nil) : .string(.sortedArray)
            out.discovered.append(DiscoveredColumn(name: field.name, kind: kind, column: column))
        }
    }

    /// Source: `JSONFlattenerMaker.discoverRootFields`.
    private func isDiscoverable(_ field: FieldView, _ row: Int, typed: Bool) -> Bool {
        switch field.kinds[row] {
        case FieldKind.missing: false
        case FieldKind.null: typed || plan.discovery?.listsNulls == true
        case FieldKind.json: typed || isFlatList(field, row)
        default: true
        }
    }

    private func isFlatList(_ field: FieldView, _ row: Int) -> Bool {
        let text = field.text(row)
        guard text.first == UInt8(ascii: "[") else { return false }
        guard case .array(let elements) = field.json(row) else { return false }
        return elements.allSatisfy {
            switch $0 {
            case .array, .object: false
            default: true
            }
        }
    }

    // MARK: strings

    /// Text of every row as Druid's `StringDimensionIndexer` takes it in; arrays become several values.
    func texts(_ field: FieldView, flatOnly: Bool = false) -> PreparedColumn {
        let column = PreparedColumn(texts: rows.count)
        guard let refs = column.texts else { return column }
        for (kept, batchRow) in rows.enumerated() {
            let row = Int(batchRow)
            switch field.kinds[row] {
            case FieldKind.string: refs[kept] = TextRef(field.text(row))
            case FieldKind.missing, FieldKind.null: break
            case FieldKind.json:
                if flatOnly, !isFlatList(field, row) { continue }
                refs[kept] = nestedText(field.json(row), column)
            default:
                if let text = field.javaString(row) { refs[kept] = TextRef(arena.copy(text)) }
            }
        }
        return column
    }

    private func nestedText(_ json: JSON, _ column: PreparedColumn) -> TextRef {
        guard case .array(let elements) = json else { return TextRef(arena.copy(javaString(of: json))) }
        var refs: [TextRef] = []
        for element in elements { refs.append(element.isNull ? .null : TextRef(arena.copy(javaString(of: element)))) }
        if refs.count == 1 { return refs[0] }
        let start = column.elements.count
        column.elements.append(contentsOf: refs)
        column.lists.append(start..<column.elements.count)
        return TextRef(pointer: nil, length: TextRef.listLength, hash: UInt32(column.lists.count - 1))
    }

    // MARK: numbers

    private static func long(_ field: FieldView, _ row: Int) -> UInt64? {
        switch field.kinds[row] {
        case FieldKind.long: field.payloads[row]
        case FieldKind.double: UInt64(bitPattern: javaLong(field.double(row)))
        case FieldKind.float: UInt64(bitPattern: javaLong(Double(field.float(row))))
        case FieldKind.bool: field.payloads[row]
        case FieldKind.string:
            parseExactLong(field.text(row).assumingMemoryBound(to: UInt8.self)).map { UInt64(bitPattern: $0) }
        default: nil
        }
    }

    private static func double(_ field: FieldView, _ row: Int) -> Double? {
        switch field.kinds[row] {
        case FieldKind.long: Double(field.long(row))
        case FieldKind.double: field.double(row)
        case FieldKind.float: Double(field.float(row))
        case FieldKind.bool: field.payloads[row] == 0 ? 0 : 1
        case FieldKind.string: parseDouble(field.text(row).assumingMemoryBound(to: UInt8.self))
        default: nil
        }
    }

    private mutating func dimensionNumbers(
        _ field: FieldView,
        _ type: String,
        _ read: (FieldView, Int) -> UInt64?
    ) -> PreparedColumn {
        let column = PreparedColumn(numbers: rows.count)
        guard let bits = column.bits else { return column }
        for (kept, batchRow) in rows.enumerated() {
            let row = Int(batchRow)
            if let value = read(field, row) {
                bits[kept] = value
                continue
            }
            column.setNull(kept)
            switch field.kinds[row] {
            case FieldKind.missing, FieldKind.null: break
            case FieldKind.json where field.text(row).first == UInt8(ascii: "["):
                details[row, default: []].append("Numeric columns do not support multivalue rows.")
            default:
                details[row, default: []].append(
                    "Could not convert value [\(field.javaString(row) ?? "null")] to \(type) for dimension [\(field.name)]."
                )
            }
        }
        return column
    }

    /// Source: Druid's `Rows.objectToNumber` and the number aggregators.
    mutating func metric(_ metric: MetricSpec, _ filter: RowFilter?) -> PreparedColumn {
        if case .states(let rule, let forms) = metric.operation { return stateInputs(metric, rule, forms, filter) }
        let column = PreparedColumn(numbers: rows.count)
        guard let bits = column.bits else { return column }
        if case .count = metric.operation {
            for (kept, row) in rows.enumerated() { bits[kept] = passes(filter, Int(row)) ? 1 : 0 }
            return column
        }
        let field: FieldView?
        switch metric.input {
        case .none: field = nil
        case .field(let name): field = name == "__time" ? timeField() : fields[name]
        case .expression(let expression): field = expressionField(expression, metric.name)
        }
        guard let field else {
            for kept in 0..<rows.count { column.setNull(kept) }
            return column
        }
        for (kept, batchRow) in rows.enumerated() {
            let row = Int(batchRow)
            if !passes(filter, row) {
                column.setNull(kept)
                continue
            }
            if let value = metricBits(field, row, metric.type) { bits[kept] = value } else { column.setNull(kept) }
        }
        return column
    }

    /// Whether a filtered aggregator takes a row; a filter that fails, fails the task.
    func passes(_ filter: RowFilter?, _ row: Int) -> Bool {
        guard let filter else { return true }
        do throws(LaminaError) {
            return try filter.passes(row: row, time: times[row], fields: fields)
        } catch {
            fail(row, error)
            return false
        }
    }

    private mutating func metricBits(_ field: FieldView, _ row: Int, _ type: Aggregator.NumberType) -> UInt64? {
        switch field.kinds[row] {
        case FieldKind.long:
            switch type {
            case .long: return field.payloads[row]
            case .double: return Double(field.long(row)).bitPattern
            case .float: return UInt64(Float(field.long(row)).bitPattern)
            }
        case FieldKind.double: return Self.bits(field.double(row), type)
        case FieldKind.float:
            return type == .float ? field.payloads[row] : Self.bits(Double(field.float(row)), type)
        case FieldKind.missing, FieldKind.null: return nil
        case FieldKind.string: break
        default:
            let kind =
                switch field.kinds[row] {
                case FieldKind.bool: "Boolean"
                case FieldKind.complex: field.complexType ?? "complex"
                default: field.text(row).first == 0x5B ? "List" : "Map"
                }
            details[row, default: []].append("Unknown type[class \(kind)] for field[\(field.name)]")
            return nil
        }
        let text = field.text(row)
        if let whole = parseWhole(text.assumingMemoryBound(to: UInt8.self)), type == .long {
            return UInt64(bitPattern: whole)
        }
        if type != .long, let number = parseDouble(text.assumingMemoryBound(to: UInt8.self)) {
            return Self.bits(number, type)
        }
        // Spaces around and commas inside are dropped, as Druid does.
        let mended = text.filter { $0 != UInt8(ascii: ",") }
        let bare = trimmed(mended)
        if let whole = bare.withUnsafeBufferPointer({ parseWhole($0) }) {
            return type == .long ? UInt64(bitPattern: whole) : Self.bits(Double(whole), type)
        }
        if let number = bare.withUnsafeBufferPointer({ parseDouble($0) }) {
            return Self.bits(number, type)
        }
        details[row, default: []].append("Unable to parse value[\(field.string(row))] for field[\(field.name)]")
        return nil
    }

    private static func bits(_ number: Double, _ type: Aggregator.NumberType) -> UInt64 {
        switch type {
        case .long: UInt64(bitPattern: javaLong(number))
        case .double: number.bitPattern
        case .float: UInt64(Float(number).bitPattern)
        }
    }

    private func trimmed(_ bytes: [UInt8]) -> ArraySlice<UInt8> {
        var slice = bytes[...]
        while let first = slice.first, first <= 0x20 { slice = slice.dropFirst() }
        while let last = slice.last, last <= 0x20 { slice = slice.dropLast() }
        return slice
    }

    private mutating func timeField() -> FieldView {
        let column = FieldColumn(name: "__time", capacity: batch.rowCount)
        owners.append(column)
        for row in 0..<batch.rowCount { column.set(row, kind: FieldKind.long, payload: UInt64(bitPattern: times[row])) }
        return FieldView(column, base: nil)
    }

    private mutating func expressionField(_ expression: Expression, _ name: String) -> FieldView {
        compute(RowPreparer.ComputedField(name: name, expression: expression))
    }

    // MARK: auto columns

    /// Values of `auto` columns as self-describing bytes: a tag, then the value; see `EncodedValue`.
    mutating func encodedValues(_ field: FieldView, cast: ColumnType?, typed: Bool) -> PreparedColumn {
        let column = PreparedColumn(texts: rows.count)
        guard let refs = column.texts else { return column }
        for (kept, batchRow) in rows.enumerated() {
            let row = Int(batchRow)
            if let cast {
                let value = field.value(row).cast(to: cast)
                if case .null = value { continue }
                refs[kept] = EncodedValue.encode(value, arena)
                continue
            }
            switch field.kinds[row] {
            case FieldKind.string: refs[kept] = EncodedValue.encode(EncodedValue.string, field.text(row), arena)
            case FieldKind.long: refs[kept] = EncodedValue.encode(EncodedValue.long, field.payloads[row], arena)
            case FieldKind.bool: refs[kept] = EncodedValue.encode(EncodedValue.long, field.payloads[row], arena)
            case FieldKind.double: refs[kept] = EncodedValue.encode(EncodedValue.double, field.payloads[row], arena)
            case FieldKind.float:
                refs[kept] = EncodedValue.encode(EncodedValue.double, Double(field.float(row)).bitPattern, arena)
            case FieldKind.json: refs[kept] = EncodedValue.encode(EncodedValue.json, field.text(row), arena)
            default: break
            }
        }
        return column
    }
}

/// `(long) number` of Java: towards zero, clamped, NaN is 0.
func javaLong(_ number: Double) -> Int64 {
    if let whole = Int64(exactly: number.rounded(.towardZero)) { return whole }
    return number.isNaN ? 0 : number < 0 ? Int64.min : Int64.max
}
