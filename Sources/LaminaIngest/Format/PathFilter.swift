import LaminaBase

/// A filter `[?(…)]` of a path.
indirect enum PathFilter: Sendable {
    enum Operand: Sendable {
        case path(FlattenPath)
        case literal(JSON)

        func value(_ element: JSON) -> JSON? {
            switch self {
            case .path(let path): path.find(in: element)
            case .literal(let json): json
            }
        }
    }

    case exists(FlattenPath)
    case compare(Operand, String, Operand)
    case all([PathFilter])
    case any([PathFilter])
    case not(PathFilter)

    func accepts(_ element: JSON) -> Bool {
        switch self {
        case .exists(let path): return path.exists(in: element)
        case .all(let filters): return filters.allSatisfy { $0.accepts(element) }
        case .any(let filters): return filters.contains { $0.accepts(element) }
        case .not(let filter): return !filter.accepts(element)
        case .compare(let left, "in", let right):
            guard let value = left.value(element), let list = right.value(element)?.arrayValue else { return false }
            return list.contains { Self.isSame($0, value) }
        case .compare(let left, "nin", let right):
            return !PathFilter.compare(left, "in", right).accepts(element)
        case .compare(let left, let name, let right):
            guard let a = left.value(element), let b = right.value(element) else { return name == "!=" }
            if let x = a.doubleValue, let y = b.doubleValue { return Self.holds(name, x < y ? -1 : x == y ? 0 : 1) }
            if let x = a.stringValue, let y = b.stringValue { return Self.holds(name, x < y ? -1 : x == y ? 0 : 1) }
            return name == "==" ? a == b : name == "!=" ? a != b : false
        }
    }

    private static func isSame(_ a: JSON, _ b: JSON) -> Bool {
        if let x = a.doubleValue, let y = b.doubleValue { return x == y }
        return a == b
    }

    private static func holds(_ name: String, _ order: Int) -> Bool {
        switch name {
        case "==": order == 0
        case "!=": order != 0
        case "<": order < 0
        case "<=": order <= 0
        case ">": order > 0
        default: order >= 0
        }
    }
}
