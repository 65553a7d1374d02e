import LaminaBase
import LaminaQuery

/// The outcome of a condition in three-valued logic.
enum Truth {
    case yes, no, unknown

    init(_ flag: Bool) { self = flag ? .yes : .no }

    /// Whether a row with this outcome passes, when unknown counts as passing or not.
    func passes(includingUnknown: Bool) -> Bool { self == .yes || includingUnknown && self == .unknown }
}

/// A condition on the values of one column, in the form each column type needs.
///
/// Unknown arises from null only; every other value gives yes or no.
struct Leaf {
    /// What null gives.
    var onNull: Truth
    /// What null gives in a column of numbers, where that differs: of longs, and of doubles and floats.
    var onNullNumber: (long: Truth, double: Truth)?
    /// Whether nested values are looked at; to other conditions a nested column is null in every row.
    var seesNested = false
    /// What a text gives.
    var text: (String) -> Bool
    /// What is known of the texts that pass, to find them in a dictionary.
    var shape: TextShape = .any
    var long: NumberTest<Int64>
    var double: NumberTest<Double>
    var float: NumberTest<Float>
    /// What a value of another type (array, json, …) gives; nil: tested as its text.
    var other: ((Value) -> Truth)?

    /// A condition on text alone: numbers are tested as Java prints them.
    init(onNull: Truth, shape: TextShape = .any, text: @escaping (String) -> Bool) {
        self.onNull = onNull
        self.text = text
        self.shape = shape
        long = .predicate { text(String($0)) }
        double = .predicate { text(javaText($0)) }
        float = .predicate { text(javaText($0)) }
    }

    init(
        onNull: Truth,
        shape: TextShape = .any,
        text: @escaping (String) -> Bool,
        long: NumberTest<Int64>,
        double: NumberTest<Double>,
        float: NumberTest<Float>
    ) {
        self.onNull = onNull
        self.text = text
        self.shape = shape
        self.long = long
        self.double = double
        self.float = float
    }

    /// The same condition on a column of numbers.
    func overNumbers(_ type: ColumnType) -> Leaf {
        guard let onNullNumber else { return self }
        let onNull = type == .long ? onNullNumber.long : onNullNumber.double
        var leaf = self
        leaf.onNull = onNull
        if let extracted { leaf.extracted = { $0.isNull ? onNull : extracted($0) } }
        return leaf
    }

    func truth(_ text: String?) -> Truth { text.map { Truth(self.text($0)) } ?? onNull }

    /// The same condition on what an extraction function makes of the values.
    func extracting(_ function: ExtractionFunction?) -> Leaf {
        guard let function else { return self }
        let inner = self
        // Yes, no and unknown may come from any value, since the function may turn it to null; what follows asks this alone.
        let truth = { (value: Value) -> Truth in inner.truth(function.apply(value)) }
        var leaf = Leaf(onNull: truth(.null)) { truth(.string($0)) == .yes }
        leaf.extracted = truth
        // Predicates on numbers never see null.
        leaf.onNullNumber = (.unknown, .unknown)
        return leaf
    }

    /// The same condition on a column of arrays: an array is no null, whatever it holds.
    func overArrays() -> Leaf {
        guard other == nil, extracted == nil else { return self }
        let inner = self
        var leaf = self
        leaf.other = { value in
            guard case .array(let elements) = value else {
                return value.isNull ? inner.onNull : inner.truth(value.asText)
            }
            return Truth(elements.contains { !$0.isNull && LaminaEngine.passes($0, inner, false) })
        }
        return leaf
    }

    /// With an extraction function: the outcome of any value.
    var extracted: ((Value) -> Truth)?

    /// Whether a text passes.
    func passes(_ value: String, includingUnknown: Bool) -> Bool {
        if let extracted { return extracted(.string(value)).passes(includingUnknown: includingUnknown) }
        return text(value)
    }
}

/// What a dictionary can use of a text condition.
enum TextShape {
    /// Exactly these values.
    case values([String])
    /// Values between bounds in dictionary order; nil: unbounded.
    case range(lower: String?, lowerOpen: Bool, upper: String?, upperOpen: Bool)
    /// Only values with this prefix, and of them those that pass the test.
    case prefix(String)
    case any
}

/// A condition on numbers of one type; comparisons in Java's order (-0.0 before 0.0, NaN last).
enum NumberTest<Number: VectorNumber> {
    case never
    case range(lower: Number?, lowerOpen: Bool, upper: Number?, upperOpen: Bool)
    case values(Set<Number>)
    case predicate((Number) -> Bool)
}
