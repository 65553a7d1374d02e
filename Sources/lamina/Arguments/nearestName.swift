/// The name a misspelled word was most likely meant to be: one it begins, or the one with the fewest wrong letters (at most a
/// third of them); nil when none is near.
func nearestName(to word: String, among names: [String]) -> String? {
    let lowered = word.lowercased()
    if lowered.count >= 2, let begun = names.first(where: { $0.hasPrefix(lowered) }) { return begun }
    let best = names.map { (name: $0, distance: editDistance(lowered, $0)) }.min { $0.distance < $1.distance }
    guard let best, best.distance <= max(1, max(word.count, best.name.count) / 3) else { return nil }
    return best.name
}

/// Insertions, deletions, replacements and swaps of neighbours that lead from one word to the other.
func editDistance(_ left: String, _ right: String) -> Int {
    let a = Array(left)
    let b = Array(right)
    var rows = [Array(0...b.count)]
    for i in 0..<a.count {
        var row = [i + 1]
        for j in 0..<b.count {
            var cost = min(rows[i][j + 1] + 1, row[j] + 1, rows[i][j] + (a[i] == b[j] ? 0 : 1))
            if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, rows[i - 1][j - 1] + 1) }
            row.append(cost)
        }
        rows.append(row)
    }
    return rows[a.count][b.count]
}
