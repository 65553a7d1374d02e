extension Filter {
    /// Whether both surely pass the same rows: the same filter, part by part.
    package func isEquivalent(to other: Filter) -> Bool {
        switch (self, other) {
        case (.true, .true), (.false, .false): return true
        case (.and(let one), .and(let other)), (.or(let one), .or(let other)):
            guard one.count == other.count else { return false }
            for (left, right) in zip(one, other) where !left.isEquivalent(to: right) { return false }
            return true
        case (.not(let one), .not(let other)), (.isTrue(let one), .isTrue(let other)),
            (.isFalse(let one), .isFalse(let other)):
            return one.isEquivalent(to: other)
        case (.selector(let one, let value, nil), .selector(let other, let otherValue, nil)):
            return one == other && value == otherValue
        case (.equals(let one, let type, let value), .equals(let other, let otherType, let otherValue)),
            (
                .arrayContainsElement(let one, let type, let value),
                .arrayContainsElement(let other, let otherType, let otherValue)
            ):
            return one == other && type == otherType && value == otherValue
        case (.null(let one), .null(let other)): return one == other
        case (.spatial(let one, let bound), .spatial(let other, let otherBound)):
            return one == other && bound == otherBound
        case (.range(let a, let b, let c, let d, let e, let f), .range(let g, let h, let i, let j, let k, let l)):
            return a == g && b == h && c == i && d == j && e == k && f == l
        case (
            .bound(let a, let b, let c, let d, let e, let f, nil), .bound(let g, let h, let i, let j, let k, let l, nil)
        ):
            return a == g && b == h && c == i && d == j && e == k && f == l
        case (.in(let one, let values, nil), .in(let other, let otherValues, nil)):
            return one == other && Set(values) == Set(otherValues)
        case (.inType(let one, let type, let values), .inType(let other, let otherType, let otherValues)):
            return one == other && type == otherType && Set(values) == Set(otherValues)
        case (.interval(let one, let intervals, nil), .interval(let other, let otherIntervals, nil)):
            return one == other && intervals == otherIntervals
        case (.expression(let one, let columns), .expression(let other, let otherColumns)):
            return columns.isEmpty && otherColumns.isEmpty && one.isEquivalent(to: other)
        default: return false
        }
    }
}
