/// A sketch that ranks and quantiles are read from.
package protocol RankSketch: NumberSketch {
    /// Its items are floats, and so are the quantiles.
    static var holdsFloats: Bool { get }
    /// Items seen.
    var count: UInt64 { get }
    var sortedView: SortedView { get }
    /// NaN while empty.
    var extremes: (least: Double, greatest: Double) { get }
    /// What Druid's `…ToString` shows.
    var summary: String { get }
    /// `bins` - 1 points that part the range of items evenly.
    func evenSplitPoints(_ bins: Int) -> [Double]
}

extension QuantilesSketch: RankSketch {
    package static var holdsFloats: Bool { false }
    package var extremes: (least: Double, greatest: Double) { (minimum, maximum) }
    package func evenSplitPoints(_ bins: Int) -> [Double] { evenPoints(minimum, maximum, bins) }
}

extension KLLSketch: RankSketch where Item: KLLItem {
    package static var holdsFloats: Bool { Item.size == 4 }
    package var extremes: (least: Double, greatest: Double) { (Double(minimum), Double(maximum)) }
    package func evenSplitPoints(_ bins: Int) -> [Double] { evenPoints(minimum, maximum, bins).map { Double($0) } }
}

/// - Source: `equallySpacedPoints` of Druid's histogram post-aggregators, in the arithmetic of the items.
private func evenPoints<Item: BinaryFloatingPoint>(_ minimum: Item, _ maximum: Item, _ bins: Int) -> [Item] {
    let width = (maximum - minimum) / Item(bins)
    return (1..<max(bins, 1)).map { minimum + width * Item($0) }
}
