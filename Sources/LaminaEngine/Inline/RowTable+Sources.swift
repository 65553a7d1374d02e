package import LaminaBase
package import LaminaQuery

extension RowTable {
    /// The rows of an inline datasource.
    package convenience init(_ source: InlineSource) throws(LaminaError) {
        var inputs: [Input] = []
        for (index, name) in source.names.enumerated() {
            inputs.append(Input(name: name, type: source.types[index], values: source.columns[index]))
        }
        try self.init(inputs, rowCount: source.rowCount)
    }

    /// The entries of a look-up as columns `k` and `v`, in the order of their keys.
    package convenience init(_ lookup: LookupTable) throws(LaminaError) {
        let keys = lookup.map.keys.sorted { compareTextUTF16($0, $1) < 0 }
        let values = keys.map { lookup.map[$0].map(Value.string) ?? .null }
        try self.init(
            [
                Input(name: "k", type: .string, values: keys.map { .string($0) }),
                Input(name: "v", type: .string, values: values),
            ],
            rowCount: keys.count
        )
    }
}
