import LaminaBase

/// The rows of a native answer as one table, whatever its query type's shape (druid-surface 1.2 to 1.9).
func resultTable(of answer: JSON) -> TextTable {
    var builder = TableBuilder()
    for element in answer.arrayValue ?? [answer] {
        guard let object = element.objectValue else {
            builder.add(JSONObject([("value", element)]))
            continue
        }
        if let events = object["events"]?.arrayValue {
            addScan(events, columns: object["columns"]?.arrayValue ?? [], to: &builder)
        } else if let event = object["event"]?.objectValue {
            builder.add(stamped(object["timestamp"], event))
        } else if let results = object["result"]?.arrayValue {
            for result in results {
                builder.add(stamped(object["timestamp"], result.objectValue ?? JSONObject([("value", result)])))
            }
        } else if let result = object["result"]?.objectValue {
            builder.add(stamped(object["timestamp"], result))
        } else if let columns = object["columns"]?.objectValue {
            for column in columns.entries {
                var row = JSONObject([("column", .string(column.key))])
                for entry in column.value.objectValue?.entries ?? [] where entry.key != "typeSignature" {
                    row[entry.key] = entry.value
                }
                builder.add(row)
            }
        } else {
            builder.add(object)
        }
    }
    return builder.table()
}

private func stamped(_ timestamp: JSON?, _ values: JSONObject) -> JSONObject {
    var row = JSONObject([("timestamp", timestamp ?? .null)])
    for entry in values.entries { row[entry.key] = entry.value }
    return row
}

private func addScan(_ events: [JSON], columns: [JSON], to builder: inout TableBuilder) {
    let names = columns.compactMap(\.stringValue)
    for name in names { builder.column(name) }
    for event in events {
        if let cells = event.arrayValue {
            builder.add(JSONObject(Array(zip(names, cells))))
        } else if let object = event.objectValue {
            builder.add(object)
        }
    }
}

/// Collects rows whose columns become known one by one.
private struct TableBuilder {
    private var places: [String: Int] = [:]
    private var names: [String] = []
    private var rows: [[(Int, JSON)]] = []

    @discardableResult
    mutating func column(_ name: String) -> Int {
        if let place = places[name] { return place }
        places[name] = names.count
        names.append(name)
        return names.count - 1
    }

    mutating func add(_ object: JSONObject) {
        var row: [(Int, JSON)] = []
        for entry in object.entries { row.append((column(entry.key), entry.value)) }
        rows.append(row)
    }

    func table() -> TextTable {
        var table = TextTable(columns: names)
        for row in rows {
            var cells = [JSON](repeating: .null, count: names.count)
            for (place, value) in row { cells[place] = value }
            table.rows.append(cells)
        }
        return table
    }
}
