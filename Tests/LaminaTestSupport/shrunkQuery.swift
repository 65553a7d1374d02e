package import LaminaBase

/// A query with everything left out that a test on it does not need: tries smaller ones as long as one passes.
package func shrunkQuery(_ query: JSON, _ stillFails: (JSON) -> Bool) -> JSON {
    var best = query
    var tries = 0
    var isShrinking = true
    while isShrinking {
        isShrinking = false
        for smaller in reductions(best) {
            tries += 1
            if tries > 600 { return best }
            guard stillFails(smaller) else { continue }
            best = smaller
            isShrinking = true
            break
        }
    }
    return best
}

/// Members without which a query means something else to the two sides.
private let needed: Set<String> = [
    "queryType", "dataSource", "intervals", "columns", "type", "granularity", "name", "outputName", "fieldName",
    "fields",
    "metric", "values", "dimension", "initialValue", "fold", "query", "ordering", "threshold", "outputType",
    "elements",
    "column", "matchValueType", "matchValue", "elementMatchValueType", "timeZone", "value", "dimensionOrder",
    "columnNames", "columnTypes", "rows", "base", "left", "right", "virtualColumn", "rightPrefix", "condition",
    "joinType",
    "expression", "path", "lookup", "dataSources", "delegate",
]

/// Members that are kept as they are.
private let whole: Set<String> = ["intervals", "columns", "columnNames", "columnTypes", "rows"]

/// The value with one member or element less, or a member replaced by one of its own parts.
private func reductions(_ json: JSON) -> [JSON] {
    var results: [JSON] = []
    switch json {
    case .object(let object):
        if let field = object["field"], object["type"] != nil { results.append(field) }
        for part in object["fields"]?.arrayValue ?? []
        where object["type"]?.stringValue == "and" || object["type"]?.stringValue == "or" {
            results.append(part)
        }
        for (key, value) in object.entries where !needed.contains(key) {
            var less = object
            less[key] = nil
            results.append(.object(less))
        }
        for (key, value) in object.entries where !whole.contains(key) {
            for smaller in reductions(value) {
                var changed = object
                changed[key] = smaller
                results.append(.object(changed))
            }
        }
    case .array(let items):
        for index in items.indices {
            var less = items
            less.remove(at: index)
            results.append(.array(less))
            for smaller in reductions(items[index]) {
                var changed = items
                changed[index] = smaller
                results.append(.array(changed))
            }
        }
    default: break
    }
    return results
}
