import LaminaBase

/// A HyperLogLog sketch of Apache DataSketches: a list of up to seven coupons, then a hash set of them, then registers.
///
/// A coupon is 26 bits of address below six bits of value. Registers are held a byte each whatever the type; the type only says
/// how they are written. Equal updates in equal order give estimates equal to DataSketches'.
///
/// Source: `HllSketch`, `CouponList`, `CouponHashSet`, `HllArray` (org.apache.datasketches.hll, 4.2).
package struct HLLSketch: Sketch {
    package static let lgKRange = 4...21

    /// Registers: 2^lgK. A union shrinks to the least of those merged into it.
    package internal(set) var lgK: Int
    /// Bits of a register as written: 4, 6 or 8.
    package internal(set) var registerBits: Int
    var mode = Mode.list
    /// List: coupons in order of arrival. Set: hash table, 0 where empty.
    var coupons: [UInt32] = []
    var couponCount = 0
    /// A byte each; empty before register mode.
    var registers: [UInt8] = []
    var zeroCount = 0
    /// The estimate gathered as values came (historic inverse probability); void once sketches were merged.
    var hip = 0.0
    /// Sums of 2^-register, of registers below 32 and above.
    var inverses = (low: 0.0, high: 0.0)
    var isOutOfOrder = false
    /// It is what a union holds, to which sketches were merged.
    package internal(set) var isUnion = false

    enum Mode: UInt8 { case list, set, registers }

    static let listCapacity = 8
    static let firstSetBits = 5

    /// - Parameters:
    ///   - lgK: within `lgKRange`.
    ///   - registerBits: 4, 6 or 8.
    package init(lgK: Int, registerBits: Int = 4) {
        self.lgK = min(max(lgK, Self.lgKRange.lowerBound), Self.lgKRange.upperBound)
        self.registerBits = registerBits
    }

    package var typeName: String { "HLLSketch" }
    package var isEmpty: Bool { mode != .registers && couponCount == 0 }
    package var bytesHeld: Int { 128 + coupons.capacity * 4 + registers.capacity }

    // MARK: Coupons of values

    /// The coupon of a 128-bit hash with DataSketches' seed.
    package static func coupon(_ hash: (low: UInt64, high: UInt64)) -> UInt32 {
        let value = UInt32(min(hash.high.leadingZeroBitCount, 62) + 1)
        return value << 26 | UInt32(truncatingIfNeeded: hash.low) & 0x3FF_FFFF
    }

    package static func coupon(_ number: Int64) -> UInt32 { coupon(updateHash(number)) }
    package static func coupon(_ number: Double) -> UInt32 { coupon(updateHash(number)) }
    /// Nil for the empty text, which DataSketches does not count.
    package static func coupon(_ text: String, utf8: Bool) -> UInt32? { updateHash(text, utf8: utf8).map(coupon) }

    // MARK: Updates

    package mutating func update(coupon: UInt32) {
        switch mode {
        case .registers: raise(Int(coupon) & ((1 << lgK) - 1), to: UInt8(coupon >> 26))
        case .list: addToList(coupon)
        case .set: addToSet(coupon)
        }
    }

    private mutating func addToList(_ coupon: UInt32) {
        if coupons.contains(coupon) { return }
        coupons.append(coupon)
        couponCount += 1
        guard couponCount >= Self.listCapacity else { return }
        if lgK < 8 { return promoteToRegisters() }
        let list = coupons
        mode = .set
        coupons = Array(repeating: 0, count: 1 << Self.firstSetBits)
        couponCount = 0
        for coupon in list { addToSet(coupon) }
    }

    private mutating func addToSet(_ coupon: UInt32) {
        guard Self.insert(coupon, into: &coupons) else { return }
        couponCount += 1
        guard 4 * couponCount > 3 * coupons.count else { return }
        // At an eighth of the registers the set is as large as it gets.
        if coupons.count >= 1 << (lgK - 3) { return promoteToRegisters() }
        var larger = [UInt32](repeating: 0, count: coupons.count * 2)
        for known in coupons where known != 0 { _ = Self.insert(known, into: &larger) }
        coupons = larger
    }

    /// Puts a coupon into a table of a power of two of places; false when it is there. The order of places decides the bytes.
    static func insert(_ coupon: UInt32, into table: inout [UInt32]) -> Bool {
        table.withUnsafeMutableBufferPointer { table in
            let mask = table.count - 1
            let stride = Int(coupon & 0x3FF_FFFF) >> table.count.trailingZeroBitCount | 1
            var place = Int(coupon) & mask
            for _ in 0..<table.count {
                if table[place] == 0 {
                    table[place] = coupon
                    return true
                }
                if table[place] == coupon { return false }
                place = (place &+ stride) & mask
            }
            return false
        }
    }

    /// Registers take over; what the coupons counted becomes the running estimate.
    private mutating func promoteToRegisters() {
        let estimate = couponEstimate
        let old = coupons
        makeRegisters()
        for coupon in old where coupon != 0 { update(coupon: coupon) }
        hip = estimate
    }

    mutating func makeRegisters() {
        mode = .registers
        coupons = []
        couponCount = 0
        registers = Array(repeating: 0, count: 1 << lgK)
        zeroCount = 1 << lgK
        hip = 0
        inverses = (Double(1 << lgK), 0)
    }

    /// Raises a register, and with it the running estimate and sums.
    private mutating func raise(_ slot: Int, to value: UInt8) {
        let old = registers[slot]
        guard value > old else { return }
        registers[slot] = value
        hip += Double(1 << lgK) / (inverses.low + inverses.high)
        if old < 32 { inverses.low -= inversePower(old) } else { inverses.high -= inversePower(old) }
        if value < 32 { inverses.low += inversePower(value) } else { inverses.high += inversePower(value) }
        if old == 0 { zeroCount -= 1 }
    }
}

/// 2^-exponent
@inline(__always)
func inversePower(_ exponent: UInt8) -> Double { Double(bitPattern: UInt64(1023 &- Int(exponent)) << 52) }
