// Folds of values into groups: group number i belongs to the i-th row of the set.

/// Counts rows by group.
func countGroups(_ groups: UnsafePointer<UInt32>, count: Int, into counts: UnsafeMutablePointer<Int64>) {
    for index in 0..<count { counts[Int(groups[index])] &+= 1 }
}

/// Marks the groups that occur.
func markGroups(_ groups: UnsafePointer<UInt32>, count: Int, into marks: UnsafeMutablePointer<UInt8>) {
    for index in 0..<count { marks[Int(groups[index])] = 1 }
}

/// Marks the groups of rows whose value is not null.
func markNotNull(
    _ nulls: UnsafePointer<UInt64>,
    _ rows: SlotSet,
    _ groups: UnsafePointer<UInt32>,
    into marks: UnsafeMutablePointer<UInt8>
) {
    for index in 0..<rows.count {
        let slot = rows.slots.map { Int($0[index]) } ?? index
        if !maskTest(nulls, slot) { marks[Int(groups[index])] = 1 }
    }
}

/// Adds doubles to their groups' sums. Nulls hold 0.
func sumGroupsDouble(
    _ values: UnsafePointer<Double>,
    _ rows: SlotSet,
    _ groups: UnsafePointer<UInt32>,
    into sums: UnsafeMutablePointer<Double>
) {
    if let slots = rows.slots {
        for index in 0..<rows.count { sums[Int(groups[index])] += values[Int(slots[index])] }
    } else {
        for index in 0..<rows.count { sums[Int(groups[index])] += values[index] }
    }
}

/// Adds longs to their groups' sums, wrapping. Nulls hold 0.
func sumGroupsInt64(
    _ values: UnsafePointer<Int64>,
    _ rows: SlotSet,
    _ groups: UnsafePointer<UInt32>,
    into sums: UnsafeMutablePointer<Int64>
) {
    if let slots = rows.slots {
        for index in 0..<rows.count { sums[Int(groups[index])] &+= values[Int(slots[index])] }
    } else {
        for index in 0..<rows.count { sums[Int(groups[index])] &+= values[index] }
    }
}

/// Adds floats to their groups' float sums, row by row as Druid does. Nulls hold 0.
func sumGroupsFloat(
    _ values: UnsafePointer<Float>,
    _ rows: SlotSet,
    _ groups: UnsafePointer<UInt32>,
    into sums: UnsafeMutablePointer<Float>
) {
    if let slots = rows.slots {
        for index in 0..<rows.count { sums[Int(groups[index])] += values[Int(slots[index])] }
    } else {
        for index in 0..<rows.count { sums[Int(groups[index])] += values[index] }
    }
}

@inline(__always)
private func extremeGroups<T: Comparable>(
    _ vector: Vector<T>,
    _ rows: SlotSet,
    _ groups: UnsafePointer<UInt32>,
    _ best: UnsafeMutablePointer<T>,
    _ greatest: Bool
) {
    if vector.nulls == nil, rows.slots == nil {
        for index in 0..<rows.count {
            let group = Int(groups[index])
            best[group] = keepExtreme(best[group], vector.values[index], greatest: greatest)
        }
        return
    }
    for index in 0..<rows.count {
        let slot = rows.slots.map { Int($0[index]) } ?? index
        if vector.isNull(slot) { continue }
        let group = Int(groups[index])
        best[group] = keepExtreme(best[group], vector.values[slot], greatest: greatest)
    }
}

/// Keeps the least or greatest non-null value of each group.
func extremeGroupsInt64(
    _ vector: Vector<Int64>,
    _ rows: SlotSet,
    _ groups: UnsafePointer<UInt32>,
    into best: UnsafeMutablePointer<Int64>,
    greatest: Bool
) {
    greatest
        ? extremeGroups(vector, rows, groups, best, true) : extremeGroups(vector, rows, groups, best, false)
}

func extremeGroupsDouble(
    _ vector: Vector<Double>,
    _ rows: SlotSet,
    _ groups: UnsafePointer<UInt32>,
    into best: UnsafeMutablePointer<Double>,
    greatest: Bool
) {
    greatest
        ? extremeGroups(vector, rows, groups, best, true) : extremeGroups(vector, rows, groups, best, false)
}

func extremeGroupsFloat(
    _ vector: Vector<Float>,
    _ rows: SlotSet,
    _ groups: UnsafePointer<UInt32>,
    into best: UnsafeMutablePointer<Float>,
    greatest: Bool
) {
    greatest
        ? extremeGroups(vector, rows, groups, best, true) : extremeGroups(vector, rows, groups, best, false)
}
