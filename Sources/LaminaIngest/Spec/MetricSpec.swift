package import LaminaBase
package import LaminaEngine
package import LaminaQuery

/// One metric of an ingestion spec.
///
/// Source: Druid's aggregator factories that can ingest.
package struct MetricSpec: Sendable {
    package enum Operation: Sendable {
        case count
        case number(Aggregator.NumberType, Aggregator.Fold)
        /// Anything else: rows fold into states, which are stored as sketches, pairs or numbers.
        case states(any ValueAggregation, [FieldForm])
    }

    package enum Input: Sendable {
        case none
        case field(String)
        case expression(Expression)
    }

    package var name: String
    package var operation: Operation
    package var input: Input
    /// Only rows that pass are aggregated (type `filtered`).
    package var filter: Filter?
    /// As Druid prints the aggregator itself.
    package private(set) var json: JSON
    /// The combining form of states, without its name.
    private var combining: JSONObject?

    package init(_ node: SpecNode) throws(LaminaError) {
        var given = try node.object()
        let type = try node.required("type").string()
        if type == "filtered" {
            self = try MetricSpec(node.required("aggregator"))
            let condition = try node.required("filter")
            let outer = try QueryDecoder().filter(condition.json, at: condition.path)
            filter = filter.map { .and([outer, $0]) } ?? outer
            if let name = try node.optionalString("name"), !name.isEmpty { self.name = name }
            json = ["type": "filtered", "aggregator": json, "filter": condition.json, "name": .string(name)]
            return
        }
        guard let name = try node.optionalString("name") else {
            throw node.error("must have a name: a valid, non-null aggregator name")
        }
        self.name = name
        for (key, value) in given.entries where value.isNull { given[key] = nil }
        json = .object(given)
        if let operation = Self.operations[type] {
            self.operation = operation
            input = try Self.input(node, operation)
            return
        }
        let aggregator: Aggregator
        let rule: (any ValueAggregation)?
        do throws(LaminaError) {
            aggregator = try QueryDecoder().aggregator(node.json, at: node.path)
            rule = try makeValueAggregation(aggregator)
        } catch {
            guard !error.message.contains(node.path) else { throw error }
            throw LaminaError(
                error.category,
                code: error.code,
                "\(node.path): \(error.message)",
                context: error.context
            )
        }
        guard let rule else { throw .unsupported("\(node.path): the metric type \"\(type)\"") }
        operation = .states(rule, FieldForm.forms(of: aggregator, rule))
        input = .none
        combining = aggregator.combiningJSON?.objectValue
    }

    private static func input(_ node: SpecNode, _ operation: Operation) throws(LaminaError) -> Input {
        if case .count = operation { return .none }
        let field = try node.optionalString("fieldName")
        if let expression = node.child("expression") {
            guard field == nil else { throw node.error("must have either fieldName or expression, not both") }
            return .expression(try Expression(parsing: expression.string()))
        }
        guard let field else { throw node.error("must have a fieldName or an expression") }
        return .field(field)
    }

    private static let operations: [String: Operation] = [
        "count": .count,
        "longSum": .number(.long, .sum), "longMin": .number(.long, .min), "longMax": .number(.long, .max),
        "doubleSum": .number(.double, .sum), "doubleMin": .number(.double, .min), "doubleMax": .number(.double, .max),
        "floatSum": .number(.float, .sum), "floatMin": .number(.float, .min), "floatMax": .number(.float, .max),
    ]

    /// The fields it reads.
    package var fields: [String] {
        if case .states(let rule, _) = operation { return rule.inputs }
        switch input {
        case .none: return []
        case .field(let name): return [name]
        case .expression(let expression): return expression.requiredColumns
        }
    }

    /// The type of plain numbers.
    package var type: Aggregator.NumberType {
        if case .number(let type, _) = operation { return type }
        return .long
    }

    /// How plain numbers of equal rows combine.
    package var fold: Aggregator.Fold {
        if case .number(_, let fold) = operation { return fold }
        return .sum
    }

    /// Refuses what a segment cannot store, as Druid does when the task runs.
    package func checkStorable() throws(LaminaError) {
        guard case .states(let rule, _) = operation else { return }
        switch rule.storedType {
        case .long?, .float?, .double?, .complex?: return
        case let other:
            throw LaminaError(
                .runtimeFailure,
                code: "notStorable",
                "Unable to handle type[\(other.map { "\($0)" } ?? "null")] for metric [\(name)] of type"
                    + " [\(json["type"]?.stringValue ?? "")]: it can be used in queries only"
            )
        }
    }

    /// The combining form, as Druid records it in `metadata.drd`: a `count` has become a `longSum` of itself.
    package var combiningJSON: JSON {
        guard case .states = operation else {
            return ["type": .string(type.rawValue + fold.rawValue), "name": .string(name), "fieldName": .string(name)]
        }
        var object = combining ?? JSONObject()
        object["name"] = .string(name)
        if object["fieldName"] != nil { object["fieldName"] = .string(name) }
        return .object(object)
    }
}
