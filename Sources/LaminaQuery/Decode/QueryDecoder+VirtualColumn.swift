import LaminaBase

/// Virtual columns that are expressions under another name.
extension QueryDecoder {
    /// `nested-field`: a path into a nested column. Source: `NestedFieldVirtualColumn`.
    func nestedField(_ fields: Fields) throws(LaminaError) -> VirtualColumn {
        let column = quotedIdentifier(try fields.requiredString("columnName"))
        let path = try path(fields)
        let place = fields.place("path")
        let text = quotedText(path.text)
        if try fields.bool("processFromRaw", default: false) {
            return VirtualColumn(
                name: try fields.requiredString("outputName"),
                expression: try expression("json_query(\(column), \(text))", at: place),
                outputType: try fields.type("expectedType") ?? .complex("json")
            )
        }
        let expected = try fields.type("expectedType")
        let type = expected.map { ", \(quotedText($0.description))" } ?? ""
        return VirtualColumn(
            name: try fields.requiredString("outputName"),
            expression: try expression("json_value(\(column), \(text)\(type))", at: place),
            outputType: expected ?? (path.steps.isEmpty ? .complex("json") : .string)
        )
    }

    private func path(_ fields: Fields) throws(LaminaError) -> JSONPath {
        guard let parts = try fields.array("pathParts") else {
            let text = try fields.requiredString("path")
            let isJQ = try fields.bool("useJqSyntax", default: false)
            return isJQ ? try JSONPath(parsingJQ: text) : try JSONPath(parsing: text)
        }
        var steps: [JSONPath.Step] = []
        for (index, json) in parts.enumerated() {
            let part = try Fields(json, at: "\(fields.place("pathParts"))[\(index)]")
            switch try part.requiredString("type") {
            case "field": steps.append(.field(try part.requiredString("field")))
            case "arrayElement": steps.append(.element(Int(clamping: try part.int("index", default: 0))))
            case let other: throw part.fail("unknown type '\(other)'")
            }
        }
        return JSONPath(steps: steps)
    }

    /// `mv-filtered`: of each row's values those in a list, or not in it. Source: `ListFilteredVirtualColumn`.
    func filteredValues(_ fields: Fields) throws(LaminaError) -> VirtualColumn {
        let values = try fields.strings("values") ?? []
        guard !values.isEmpty else { throw fields.fail("values must hold at least one value") }
        let list = values.map { $0.map(quotedText) ?? "null" }.joined(separator: ", ")
        let test = "array_contains(<STRING>[\(list)], array(x))"
        return try filteredValues(
            fields,
            where: try fields.bool("isAllowList", default: true) ? test : "!\(test)"
        )
    }

    /// `mv-prefix-filtered`, `mv-regex-filtered`: of each row's values those that begin so, or match a pattern as a whole.
    ///
    /// - Source: `PrefixFilteredVirtualColumn`, `RegexFilteredVirtualColumn`.
    func patternFilteredValues(_ type: String, _ fields: Fields) throws(LaminaError) -> VirtualColumn {
        if type == "mv-prefix-filtered" {
            return try filteredValues(
                fields,
                where: "strpos(x, \(quotedText(try fields.requiredString("prefix")))) == 0"
            )
        }
        let pattern = try fields.requiredString("pattern")
        _ = try regex(pattern, at: fields.place("pattern"))
        return try filteredValues(fields, where: "regexp_like(x, \(quotedText("^(?:\(pattern))$")))")
    }

    private func filteredValues(_ fields: Fields, where test: String) throws(LaminaError) -> VirtualColumn {
        let delegate = try dimension(try fields.required("delegate"), at: fields.place("delegate"))
        guard case .default(let column, _, _) = delegate else { throw fields.fail("delegate must be a plain column") }
        return VirtualColumn(
            name: try fields.requiredString("name"),
            expression: try expression(
                // Null is a value that the list may name, so a row of null must not come through unfiltered.
                "filter((x) -> \(test), mv_harmonize_nulls(\(quotedIdentifier(column))))",
                at: fields.path
            ),
            outputType: .string
        )
    }
}

/// A text as a literal of the expression language.
package func quotedText(_ text: String) -> String { "'\(escaped(text, "'"))'" }

/// A column name as an identifier of the expression language.
package func quotedIdentifier(_ name: String) -> String { "\"\(escaped(name, "\""))\"" }

private func escaped(_ text: String, _ quote: Unicode.Scalar) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
        if scalar == quote || scalar == "\\" { result.append("\\") }
        result.append(scalar)
    }
    return String(result)
}
