/// The least 63-bit hashes met, each with a few numbers: the core of theta and tuple sketches.
///
/// Keeps at least the `nominal` least hashes and forgets those from `theta` on, so that count / theta estimates how many distinct ones
/// came. The table and its growth are those of DataSketches, which decides the order in which tuple sketches are written.
///
/// Source: `HeapQuickSelectSketch`, `ArrayOfDoublesQuickSelectSketch`, `HashOperations`.
struct HashSample: Sendable {
    static let noTheta = UInt64(Int64.max)

    let lgNominal: Int
    let width: Int
    /// Hashes from here on are not sampled.
    private(set) var theta = HashSample.noTheta
    /// Nothing was ever offered.
    private(set) var isEmpty = true
    /// 0 where a place is empty.
    private(set) var keys: [UInt64]
    /// `width` numbers a place.
    private(set) var values: [Double]
    private(set) var count = 0

    /// - Parameters:
    ///   - lgNominal: 4 to 26.
    ///   - width: numbers a hash.
    init(lgNominal: Int, width: Int = 0) {
        self.lgNominal = lgNominal
        self.width = width
        // Tables grow eightfold up to twice the nominal number of entries.
        let size = 1 << (lgNominal + 1 <= 5 ? 5 : (lgNominal + 1 - 5) % 3 + 5)
        keys = Array(repeating: 0, count: size)
        values = Array(repeating: 0, count: size * width)
    }

    var bytesHeld: Int { 128 + keys.capacity * 8 + values.capacity * 8 }

    mutating func setNotEmpty() { isEmpty = false }

    /// No hash from `theta` on belongs to the sample any more.
    mutating func lower(theta limit: UInt64) { theta = min(theta, limit) }

    /// Offers a hash; the place it has, or nil when it is not sampled. A new place's numbers are 0. The place holds until the
    /// next call.
    @discardableResult
    mutating func offer(_ hash: UInt64) -> Int? {
        isEmpty = false
        guard hash < theta, hash != 0 else { return nil }
        if let place = place(adding: hash) { return place }
        guard makeRoom() else { return place(adding: hash, mustFit: true) }
        // Making room may have thrown out the hash's range.
        guard hash < theta else { return nil }
        return place(adding: hash, mustFit: true)
    }

    func place(of hash: UInt64) -> Int? {
        let lgSize = keys.count.trailingZeroBitCount
        let mask = keys.count - 1
        let stride = 2 * Int(hash >> UInt64(lgSize) & 0x7F) + 1
        var place = Int(truncatingIfNeeded: hash) & mask
        for _ in 0..<keys.count {
            if keys[place] == hash { return place }
            if keys[place] == 0 { return nil }
            place = (place &+ stride) & mask
        }
        return nil
    }

    /// Nil when the table has to grow or shrink first.
    private mutating func place(adding hash: UInt64, mustFit: Bool = false) -> Int? {
        let size = keys.count
        let lgSize = size.trailingZeroBitCount
        let limit = lgSize > lgNominal ? size / 16 * 15 : size / 2
        let isFull = count >= limit && !mustFit
        let found = keys.withUnsafeMutableBufferPointer { keys -> (place: Int, isNew: Bool) in
            let mask = size &- 1
            let stride = 2 &* Int(truncatingIfNeeded: hash >> UInt64(lgSize) & 0x7F) &+ 1
            var place = Int(truncatingIfNeeded: hash) & mask
            for _ in 0..<size {
                if keys[place] == hash { return (place, false) }
                if keys[place] == 0 {
                    if isFull { return (-1, true) }
                    keys[place] = hash
                    return (place, true)
                }
                place = (place &+ stride) & mask
            }
            return (-1, true)
        }
        if found.place < 0 { return nil }
        if found.isNew {
            count += 1
            for column in 0..<width { values[found.place * width + column] = 0 }
        }
        return found.place
    }

    /// Grows the table, or when it may not grow lowers theta to the nominal number of hashes; true when theta changed.
    private mutating func makeRoom() -> Bool {
        let lgSize = keys.count.trailingZeroBitCount
        if lgSize <= lgNominal {
            rebuild(lgSize: min(lgSize + 3, lgNominal + 1))
            return false
        }
        theta = min(theta, nominalTheta ?? theta)
        rebuild(lgSize: lgSize)
        return true
    }

    private mutating func rebuild(lgSize: Int) {
        let oldKeys = keys
        let oldValues = values
        keys = Array(repeating: 0, count: 1 << lgSize)
        values = Array(repeating: 0, count: (1 << lgSize) * width)
        count = 0
        for (old, key) in oldKeys.enumerated() where key != 0 && key < theta {
            guard let place = place(adding: key, mustFit: true) else { continue }
            for column in 0..<width { values[place * width + column] = oldValues[old * width + column] }
        }
    }

    /// Adds to the numbers of a place.
    @inline(__always)
    mutating func add(_ number: Double, column: Int, at place: Int) { values[place * width + column] += number }

    /// The least hash beyond the nominal number of them; nil when there are no more.
    private var nominalTheta: UInt64? {
        let nominal = 1 << lgNominal
        guard count > nominal else { return nil }
        var sampled: [UInt64] = []
        sampled.reserveCapacity(count)
        for key in keys where key != 0 && key < theta { sampled.append(key) }
        guard sampled.count > nominal else { return nil }
        return selected(&sampled, nominal)
    }

    /// The sample as results show it: at most the nominal number of hashes, in the table's order.
    func result(sorted: Bool) -> HashResult {
        let limit = min(theta, nominalTheta ?? theta)
        var result = HashResult(theta: limit, isEmpty: isEmpty, width: width)
        var places: [Int] = []
        for (place, key) in keys.enumerated() where key != 0 && key < limit { places.append(place) }
        if sorted { places.sort { keys[$0] < keys[$1] } }
        result.keys = places.map { keys[$0] }
        if width > 0 {
            result.values.reserveCapacity(places.count * width)
            for place in places { result.values += values[place * width..<(place + 1) * width] }
        }
        return result
    }
}

/// A finished sample: hashes below theta, with their numbers.
struct HashResult: Sendable {
    var theta = HashSample.noTheta
    var isEmpty = true
    var width = 0
    var keys: [UInt64] = []
    var values: [Double] = []

    var thetaFraction: Double { Double(theta) / Double(HashSample.noTheta) }

    /// Nothing is left, and nothing was left out: the same as never having seen anything.
    mutating func settle() {
        if keys.isEmpty, theta == HashSample.noTheta { isEmpty = true }
        if isEmpty { theta = HashSample.noTheta }
    }

    func numbers(_ index: Int) -> ArraySlice<Double> { values[index * width..<(index + 1) * width] }
}

/// The element that would be at `index` if the list were sorted; reorders the list.
private func selected(_ list: inout [UInt64], _ index: Int) -> UInt64 {
    var low = 0
    var high = list.count - 1
    while low < high {
        let pivot = list[low + (high - low) / 2]
        var left = low
        var right = high
        while left <= right {
            while list[left] < pivot { left += 1 }
            while list[right] > pivot { right -= 1 }
            if left <= right {
                list.swapAt(left, right)
                left += 1
                right -= 1
            }
        }
        if index <= right { high = right } else if index >= left { low = left } else { return list[index] }
    }
    return list[low]
}
