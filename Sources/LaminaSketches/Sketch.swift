package import LaminaBase

/// A summary of the values an aggregation has seen. A value type whose storage is copied only when shared: it is changed in
/// place by whoever holds it alone.
package protocol Sketch: Sendable {
    /// The complex type's name in segments and signatures, as Druid's serde is registered: `HLLSketch`, `thetaSketch`, ….
    var typeName: String { get }
    /// The bytes Druid stores, and prints as base64.
    var bytes: [UInt8] { get }
    /// Roughly the bytes of memory it holds.
    var bytesHeld: Int { get }
    /// How many items it stands for, where it can count only so many; 0 where a merge never ends at that.
    var itemCount: UInt64 { get }
    /// Adds all that another sketch has seen. Throws when it is of another kind or its parameters do not fit.
    mutating func merge(_ other: any Sketch) throws(LaminaError)
}

extension Sketch {
    package var itemCount: UInt64 { 0 }
}

/// The error of merging sketches of different kinds.
func notMergeable(_ mine: any Sketch, _ other: any Sketch) -> LaminaError {
    .invalidInput("A sketch of type \(other.typeName) cannot be merged into one of type \(mine.typeName)")
}
