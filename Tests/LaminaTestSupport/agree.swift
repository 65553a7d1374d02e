package import LaminaBase

/// Equal as data: key order aside, doubles within rounding. The right side may hold the oracle's marks: `{"$any": […]}` for
/// any of several values, `{"$near": n}` for an estimate of a small count.
package func agree(_ left: JSON, _ right: JSON) -> Bool {
    switch (left, right) {
    case (_, .object(let mark)) where mark.count == 1 && mark["$any"] != nil:
        return (mark["$any"]?.arrayValue ?? []).contains { agree(left, $0) }
    case (_, .object(let mark)) where mark.count == 1 && mark["$near"] != nil:
        guard let found = left.doubleValue, let wanted = mark["$near"]?.doubleValue else { return false }
        return abs(found - wanted) <= 3 + 0.1 * wanted
    case (.double(let one), .double(let two)):
        // A sum of floats depends on the order in which segments add up.
        let slack = isFloat(one) && isFloat(two) ? 1e-5 : 1e-9
        return one == two || abs(one - two) <= slack * max(abs(one), abs(two))
    case (.string(let one), .string(let two)): return Array(one.utf8) == Array(two.utf8)
    case (.array(let one), .array(let two)): return one.count == two.count && zip(one, two).allSatisfy { agree($0, $1) }
    case (.object(let one), .object(let two)):
        return one.count == two.count
            && one.entries.allSatisfy { entry in two[entry.key].map { agree(entry.value, $0) } ?? false }
    default: return left == right
    }
}

/// Whether a number was printed in float precision.
private func isFloat(_ number: Double) -> Bool { Double(Float(number).description) == number }

/// Where two answers differ first, and how.
package func firstDifference(_ left: JSON, _ right: JSON, at path: String = "$") -> String? {
    if agree(left, right) { return nil }
    if case .array(let one) = left, case .array(let two) = right {
        for index in 0..<min(one.count, two.count) {
            if let found = firstDifference(one[index], two[index], at: "\(path)[\(index)]") { return found }
        }
        let longer = one.count > two.count ? one : two
        let index = min(one.count, two.count)
        return "\(path): \(one.count) elements, the oracle has \(two.count); the first beyond is \(longer[index].text)"
    }
    if case .object(let one) = left, case .object(let two) = right {
        for (key, value) in one.entries {
            guard let other = two[key] else { return "\(path).\(key): \(value.text), the oracle has no such key" }
            if let found = firstDifference(value, other, at: "\(path).\(key)") { return found }
        }
        return "\(path): keys \(one.keys), the oracle has \(two.keys)"
    }
    return "\(path): \(left.text.prefix(400)), the oracle has \(right.text.prefix(400))"
}
