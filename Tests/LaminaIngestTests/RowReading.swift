import LaminaBase
import LaminaIngest

/// Everything an input gave, row by row, for tests.
struct ReadRows {
    var rows: [JSON] = []
    var bad: [BadRecord] = []
    var fields: [String] = []
    var batches = 0
    var inputBytes: Int64 = 0
    var firstRecords: [Int] = []

    init(
        source: JSON,
        format: JSON,
        wanted: Set<String>? = nil,
        inputRoot: String? = nil
    ) throws(LaminaError) {
        let rowSource = try openRows(
            try InputSource(json: source, path: "inputSource"),
            try InputFormat(json: format, path: "inputFormat"),
            RowSourceOptions(wantedFields: wanted, inputRoot: inputRoot)
        )
        while let batch = try rowSource.nextBatch() { add(batch) }
    }

    init(_ text: String, _ format: JSON, wanted: Set<String>? = nil) throws(LaminaError) {
        try self.init(source: ["type": "inline", "data": .string(text)], format: format, wanted: wanted)
    }

    init(batches: [RowBatch]) {
        for batch in batches { add(batch) }
    }

    private mutating func add(_ batch: RowBatch) {
        batches += 1
        inputBytes += batch.inputBytes
        firstRecords.append(batch.firstRecord)
        for row in 0..<batch.rowCount {
            var object = JSONObject()
            for field in batch.fields {
                if !fields.contains(field.name) { fields.append(field.name) }
                if let value = value(field, row, batch) { object[field.name] = value }
            }
            rows.append(.object(object))
        }
        bad += batch.badRecords
    }

    private func value(_ field: FieldColumn, _ row: Int, _ batch: RowBatch) -> JSON? {
        let payload = field.payloads[row]
        switch field.kinds[row] {
        case FieldKind.missing: return nil
        case FieldKind.null: return .null
        case FieldKind.string: return .string(String(decoding: batch.text(payload), as: UTF8.self))
        case FieldKind.long: return .int(Int64(bitPattern: payload))
        case FieldKind.double: return .double(Double(bitPattern: payload))
        case FieldKind.bool: return .bool(payload != 0)
        default: return try? JSONParser.parse(Array(batch.text(payload)))
        }
    }
}
