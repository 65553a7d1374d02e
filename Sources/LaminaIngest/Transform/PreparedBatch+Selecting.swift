/// Parts of a batch, for rows that go to several segments.
extension PreparedBatch {
    /// The given rows alone, ascending. Texts stay where they are. Without counts and errors, which belong to the whole batch.
    func selecting(_ rows: [Int]) -> PreparedBatch {
        let part = PreparedBatch(sequence: sequence, inputBytes: 0)
        part.count = rows.count
        part.times = rows.map { times[$0] }
        part.places = places
        part.placeOfRow = rows.map { placeOfRow[$0] }
        part.dimensions = dimensions.map { $0.selecting(rows) }
        part.metrics = metrics.map { $0.selecting(rows) }
        part.discovered = discovered.map {
            DiscoveredColumn(name: $0.name, kind: $0.kind, column: $0.column.selecting(rows))
        }
        part.owners = owners + [self]
        return part
    }
}

extension PreparedColumn {
    func selecting(_ rows: [Int]) -> PreparedColumn {
        let part: PreparedColumn
        if let bits {
            part = PreparedColumn(numbers: rows.count)
            if let out = part.bits { for (place, row) in rows.enumerated() { out[place] = bits[row] } }
        } else if let texts {
            part = PreparedColumn(texts: rows.count)
            // Lists keep their numbers.
            part.lists = lists
            part.elements = elements
            if let out = part.texts { for (place, row) in rows.enumerated() { out[place] = texts[row] } }
        } else {
            let width = count > 0 ? values.count / count : 0
            part = PreparedColumn(values: rows.count, width: width)
            for row in rows { part.values.append(contentsOf: values[row * width..<(row + 1) * width]) }
        }
        if let nulls { for (place, row) in rows.enumerated() where nulls[row] != 0 { part.setNull(place) } }
        return part
    }
}
