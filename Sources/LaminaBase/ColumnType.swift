/// The native type of a column or value (Druid's `ColumnType`).
package indirect enum ColumnType: Sendable, Hashable, CustomStringConvertible {
    case long
    case float
    case double
    case string
    case array(ColumnType)
    /// `COMPLEX<name>`; an empty name prints as `COMPLEX`.
    case complex(String)

    /// The signature as Druid prints it: `LONG`, `ARRAY<STRING>`, `COMPLEX<json>`.
    package var description: String {
        switch self {
        case .long: "LONG"
        case .float: "FLOAT"
        case .double: "DOUBLE"
        case .string: "STRING"
        case .array(let element): "ARRAY<\(element)>"
        case .complex(let name): name.isEmpty ? "COMPLEX" : "COMPLEX<\(name)>"
        }
    }

    package var isNumeric: Bool {
        switch self {
        case .long, .float, .double: true
        default: false
        }
    }

    /// Parses a signature, letter case of the simple names ignored; nil when it is none.
    package init?(signature: String) {
        switch signature.uppercased() {
        case "LONG": self = .long
        case "FLOAT": self = .float
        case "DOUBLE": self = .double
        case "STRING": self = .string
        case "COMPLEX": self = .complex("")
        default:
            guard signature.hasSuffix(">") else { return nil }
            let upper = signature.uppercased()
            if upper.hasPrefix("ARRAY<") {
                guard let element = ColumnType(signature: String(signature.dropFirst(6).dropLast())) else { return nil }
                self = .array(element)
            } else if upper.hasPrefix("COMPLEX<") {
                self = .complex(String(signature.dropFirst(8).dropLast()))
            } else {
                return nil
            }
        }
    }
}
