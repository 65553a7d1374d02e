package import LaminaBase

/// When rows of a join belong together: a conjunction of equalities between an expression over the left columns and a right
/// column, and constants.
///
/// - Source: `JoinConditionAnalysis`, `Exprs.decomposeEquals`.
package struct JoinCondition: Sendable {
    package struct Equality: Sendable {
        package var left: Expression
        /// Without the prefix.
        package var rightColumn: String
        /// `notdistinctfrom`: null equals null.
        package var matchesNull: Bool
    }

    package var text: String
    package var equalities: [Equality]
    /// A constant among the conjuncts is not true.
    package var isNever: Bool

    /// Every left row meets every right row.
    package var isAlways: Bool { equalities.isEmpty && !isNever }

    /// - Errors: a conjunct that is neither a constant nor such an equality; a text that does not parse.
    package init(parsing text: String, rightPrefix: String, lookups: LookupResolver? = nil) throws(LaminaError) {
        self.text = text
        equalities = []
        isNever = false
        let expression = try Expression(parsing: text, lookups: lookups)
        for conjunct in expression.conjuncts {
            if let constant = conjunct.constant {
                if !constant.asBool { isNever = true }
                continue
            }
            guard let equality = Self.equality(conjunct, rightPrefix) else {
                throw .invalidInput(
                    "Cannot join on the condition '\(text)': every part of it must be a constant or say that an expression of "
                        + "left columns equals one right column (whose name begins with '\(rightPrefix)')"
                )
            }
            equalities.append(equality)
        }
    }

    private static func equality(_ conjunct: Expression, _ prefix: String) -> Equality? {
        guard let (one, two, matchesNull) = conjunct.equatedParts else { return nil }
        for (left, right) in [(one, two), (two, one)] {
            guard let column = right.identifier, column.hasPrefixBytes(prefix),
                !left.requiredColumns.contains(where: { $0.hasPrefixBytes(prefix) })
            else { continue }
            return Equality(
                left: left,
                rightColumn: String(decoding: column.utf8.dropFirst(prefix.utf8.count), as: UTF8.self),
                matchesNull: matchesNull
            )
        }
        return nil
    }
}

extension String {
    /// Whether the text begins with the very bytes of another.
    package func hasPrefixBytes(_ prefix: String) -> Bool { utf8.starts(with: prefix.utf8) }
}
