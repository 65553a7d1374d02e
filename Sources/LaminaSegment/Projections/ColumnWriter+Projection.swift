import LaminaBase

/// How many values the dictionary of each column written has.
final class DictionarySizes {
    var sizes: [String: Int] = [:]
}

/// Projections: their columns as files `<projection>/<column>`.
///
/// - Source: Druid's `IndexMergerV9.makeProjections`.
extension ColumnWriter {
    /// Writes the columns of a projection of the table whose columns this writer has written before: time, aggregators,
    /// dimensions.
    func write(
        _ projection: any ProjectionView,
        baseDimensions: [String],
        storage: [String: ColumnStorage]
    ) throws(LaminaError) {
        let schema = projection.schema
        var writer = self
        writer.rowCount = projection.rowCount
        if let time = schema.timeColumn {
            guard case .long(let times)? = try projection.column(time) else {
                throw LaminaError(.defensive, code: "noTime", "projection \(schema.name) has no time column \(time)")
            }
            try writer.writeLongs(schema.fileName(time), times)
        }
        for name in schema.metrics {
            let file = schema.fileName(name)
            guard try writer.write(file, projection.column(name), storage[file] ?? .plain) == .stored else {
                throw .unsupported("a projection's aggregator without a type (\(file))")
            }
        }
        for name in schema.dimensions {
            let file = schema.fileName(name)
            writer.parent = baseDimensions.contains(name) ? name : nil
            let form = storage[file] ?? storage[name] ?? .plain
            // A column without values is kept in projections whatever the base table does with it.
            if try writer.write(file, projection.column(name), form) == .dropped {
                try writer.writeAllNull(file, numRows: projection.rowCount)
            }
        }
    }

    /// Whether a column's dictionary is to be written; a projection's column has that of its parent, which must be the same.
    func needsDictionary(_ name: String, _ size: Int) throws(LaminaError) -> Bool {
        guard let parent else {
            dictionaries?.sizes[name] = size
            return true
        }
        guard dictionaries?.sizes[parent] == size else {
            throw LaminaError(
                .defensive,
                code: "projectionDictionary",
                "column \(name) of a projection has \(size) values, its base table \(dictionaries?.sizes[parent] ?? -1)"
            )
        }
        return false
    }
}
