/// Druid's `alphanumeric` string order: runs of digits compare by value (then by how many zeros lead them) and come before
/// other text, which compares with letter case ignored; at last the shorter text comes first.
func compareAlphanumeric(_ left: String, _ right: String) -> Int {
    let first = Array(left.unicodeScalars)
    let second = Array(right.unicodeScalars)
    if first.isEmpty || second.isEmpty { return first.count == second.count ? 0 : (first.isEmpty ? -1 : 1) }
    var leftPlace = 0
    var rightPlace = 0
    while leftPlace < first.count, rightPlace < second.count {
        let isLeftDigit = digitValue(first[leftPlace]) != nil
        let isRightDigit = digitValue(second[rightPlace]) != nil
        guard isLeftDigit == isRightDigit else { return isLeftDigit ? -1 : 1 }
        let leftRun = run(in: first, from: &leftPlace, digits: isLeftDigit)
        let rightRun = run(in: second, from: &rightPlace, digits: isLeftDigit)
        let order = isLeftDigit ? compareDigits(leftRun, rightRun) : compareIgnoringCase(leftRun, rightRun)
        if order != 0 { return order }
    }
    let (leftCount, rightCount) = (left.utf16.count, right.utf16.count)
    return leftCount == rightCount ? 0 : (leftCount < rightCount ? -1 : 1)
}

/// The value of a digit of the scripts Druid knows: Latin, Arabic, extended Arabic, Devanagari, full width.
private func digitValue(_ scalar: Unicode.Scalar) -> UInt32? {
    for zero: UInt32 in [0x30, 0x660, 0x6F0, 0x966, 0xFF10] where scalar.value &- zero <= 9 {
        return scalar.value - zero
    }
    return nil
}

private func run(in text: [Unicode.Scalar], from place: inout Int, digits: Bool) -> ArraySlice<Unicode.Scalar> {
    let start = place
    while place < text.count, (digitValue(text[place]) != nil) == digits { place += 1 }
    return text[start..<place]
}

private func compareDigits(_ left: ArraySlice<Unicode.Scalar>, _ right: ArraySlice<Unicode.Scalar>) -> Int {
    let leftDigits = left.drop { digitValue($0) == 0 }
    let rightDigits = right.drop { digitValue($0) == 0 }
    if leftDigits.count != rightDigits.count { return leftDigits.count < rightDigits.count ? -1 : 1 }
    for (one, other) in zip(leftDigits, rightDigits) {
        let (oneValue, otherValue) = (digitValue(one) ?? 0, digitValue(other) ?? 0)
        if oneValue != otherValue { return oneValue < otherValue ? -1 : 1 }
    }
    return (left.count - leftDigits.count) - (right.count - rightDigits.count)
}

/// Java's `String.CASE_INSENSITIVE_ORDER`: every UTF-16 unit upper-cased, then lower-cased.
private func compareIgnoringCase(_ left: ArraySlice<Unicode.Scalar>, _ right: ArraySlice<Unicode.Scalar>) -> Int {
    func units(_ scalars: ArraySlice<Unicode.Scalar>) -> [UInt16] {
        var result: [UInt16] = []
        for scalar in scalars {
            let upper = single(scalar.properties.uppercaseMapping) ?? scalar
            result.append(
                contentsOf: UTF16.encode(single(upper.properties.lowercaseMapping) ?? upper)
                    ?? UTF16.encodedReplacementCharacter
            )
        }
        return result
    }
    func single(_ mapping: String) -> Unicode.Scalar? {
        mapping.unicodeScalars.count == 1 ? mapping.unicodeScalars.first : nil
    }
    let (leftUnits, rightUnits) = (units(left), units(right))
    for (one, other) in zip(leftUnits, rightUnits) where one != other { return one < other ? -1 : 1 }
    return leftUnits.count - rightUnits.count
}
