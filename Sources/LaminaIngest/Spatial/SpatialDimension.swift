import LaminaBase
import LaminaQuery

/// A dimension of points: texts of numbers with commas between them, put together of other fields.
///
/// Stored as strings without a tree of their own: Druid filters such a column value by value, as Lamina does.
/// - Source: `SpatialDimensionSchema`, `NewSpatialDimensionSchema`.
package struct SpatialDimension: Sendable, Hashable {
    package var name: String
    /// The fields of the single numbers; empty: the field of the dimension's own name has the whole text.
    package var fields: [String]

    /// - Parameter nameKey: `dimName` in `spatialDimensions`, `name` among `dimensions`.
    init(_ node: SpecNode, nameKey: String) throws(LaminaError) {
        _ = try node.object()
        name = try node.required(nameKey).string()
        fields = try node.strings("dims")
    }
}

extension BatchPreparation {
    /// Puts the texts of spatial dimensions in their fields: one that is there already, else the single numbers joined. What
    /// is no point is null.
    ///
    /// - Source: `SpatialDimensionRowTransformer`.
    mutating func joinPoints(_ dimensions: [SpatialDimension]) {
        for dimension in dimensions {
            let column = FieldColumn(name: dimension.name, capacity: batch.rowCount)
            owners.append(column)
            var texts: [UInt8] = []
            for row in 0..<batch.rowCount where states[row] == RowState.kept {
                guard let text = point(dimension, row) else { continue }
                let start = texts.count
                texts.append(contentsOf: text.utf8)
                column.setText(row, kind: FieldKind.string, start: start, length: texts.count - start)
            }
            let base = texts.withUnsafeBytes { arena.copy($0) }
            fields[dimension.name] = FieldView(column, base: base)
        }
    }

    private mutating func point(_ dimension: SpatialDimension, _ row: Int) -> String? {
        let whole = fields[dimension.name]?.javaStrings(row) ?? []
        if whole.count > 1 {
            details[row, default: []].append("Spatial dimension value must be in an array!")
            return nil
        }
        if let text = whole.first {
            let parts = text.split(separator: ",", omittingEmptySubsequences: false)
            return parts.allSatisfy { parseJavaDouble(String($0)) != nil } ? text : nil
        }
        var parts: [String] = []
        for name in dimension.fields {
            let values = fields[name]?.javaStrings(row) ?? []
            if values.allSatisfy({ parseJavaDouble($0) != nil }) { parts += values }
        }
        return parts.isEmpty || parts.count != dimension.fields.count ? nil : parts.joined(separator: ",")
    }
}
