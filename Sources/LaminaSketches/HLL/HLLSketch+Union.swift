package import LaminaBase

extension HLLSketch {
    package mutating func merge(_ other: any Sketch) throws(LaminaError) {
        guard let other = other as? HLLSketch else { throw notMergeable(self, other) }
        union(with: other, lgMaxK: lgK)
    }

    /// What a union that has met only this sketch holds: registers of at most 2^lgMaxK.
    ///
    /// - Parameter entersAgain: coupons are entered one by one, as into a union in a buffer, which may change their order.
    package func asUnion(lgMaxK: Int, entersAgain: Bool = false) -> HLLSketch {
        var result = HLLSketch(lgK: lgMaxK, registerBits: registerBits)
        result.isUnion = true
        result.absorb(self, lgMaxK: lgMaxK, entersAgain: entersAgain)
        return result
    }

    /// Merges as DataSketches' union does that has met this sketch and then another one.
    package mutating func union(with other: HLLSketch, lgMaxK: Int) {
        if !isUnion { self = asUnion(lgMaxK: lgMaxK) }
        absorb(other, lgMaxK: lgMaxK)
    }

    /// The same sketch written with other registers.
    package func with(registerBits: Int) -> HLLSketch {
        var copy = self
        copy.registerBits = registerBits
        return copy
    }

    /// Source: `Union.unionImpl`.
    private mutating func absorb(_ source: HLLSketch, lgMaxK: Int, entersAgain: Bool = false) {
        if source.isEmpty { return }
        if source.mode == .set, isEmpty, source.lgK == lgK, !entersAgain {
            let bits = registerBits
            self = source
            registerBits = bits
            isUnion = true
            return
        }
        guard source.mode == .registers else {
            for coupon in source.coupons where coupon != 0 { update(coupon: coupon) }
            return
        }
        if mode != .registers {
            // The registers become the union's; what it had is entered into them.
            let bits = registerBits
            let known = coupons
            self = source.lgK > lgMaxK ? source.downsampled(to: lgMaxK) : source
            registerBits = bits
            isUnion = true
            for coupon in known where coupon != 0 { update(coupon: coupon) }
            return
        }
        if source.lgK < lgK {
            let bits = registerBits
            self = downsampled(to: source.lgK)
            registerBits = bits
            isUnion = true
        }
        raiseAll(source.registers)
        hip = 0
        isOutOfOrder = true
        recount()
    }

    /// The greater of two registers everywhere; more registers fold onto fewer.
    private mutating func raiseAll(_ others: [UInt8]) {
        registers.withUnsafeMutableBufferPointer { mine in
            others.withUnsafeBufferPointer { others in
                let size = mine.count
                for start in stride(from: 0, to: others.count, by: size) {
                    for slot in 0..<min(size, others.count - start) {
                        mine[slot] = max(mine[slot], others[start &+ slot])
                    }
                }
            }
        }
    }

    /// The same with fewer registers; the running estimate stays.
    private func downsampled(to lgK: Int) -> HLLSketch {
        var result = HLLSketch(lgK: lgK, registerBits: registerBits)
        result.makeRegisters()
        result.raiseAll(registers)
        result.recount()
        result.hip = hip
        result.isOutOfOrder = isOutOfOrder
        return result
    }
}
