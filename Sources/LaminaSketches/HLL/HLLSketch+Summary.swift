import LaminaBase

extension HLLSketch {
    /// The text Druid shows of a sketch. Source: `HllSketch.toString`.
    package var summary: String {
        let modeName = mode == .list ? "LIST" : mode == .set ? "SET" : "HLL"
        var lines = [
            "### HLL SKETCH SUMMARY: ", "  Log Config K   : \(lgK)", "  Hll Target     : HLL_\(registerBits)",
            "  Current Mode   : \(modeName)", "  Memory         : false",
            "  LB             : \(javaText(lowerBound(1)))",
            "  Estimate       : \(javaText(estimate))", "  UB             : \(javaText(upperBound(1)))",
            "  OutOfOrder Flag: \(isOutOfOrder)",
        ]
        if mode == .registers {
            let least = registerBits == 4 ? registers.min() ?? 0 : 0
            let count = registers.reduce(0) { $0 + ($1 == least ? 1 : 0) }
            lines += [
                "  CurMin         : \(least)", "  NumAtCurMin    : \(count)", "  HipAccum       : \(javaText(hip))",
                "  KxQ0           : \(javaText(inverses.low))", "  KxQ1           : \(javaText(inverses.high))",
                "  Rebuild KxQ Flg: false",
            ]
        } else {
            lines.append("  Coupon Count   : \(couponCount)")
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
