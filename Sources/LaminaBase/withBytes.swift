extension Array where Element == UInt8 {
    /// `withUnsafeBytes`, which of arrays does not carry typed errors.
    @inline(__always)
    package func withBytes<Result>(
        _ body: (UnsafeRawBufferPointer) throws(LaminaError) -> Result
    ) throws(LaminaError) -> Result {
        try withUnsafeBufferPointer { (bytes) throws(LaminaError) in try body(UnsafeRawBufferPointer(bytes)) }
    }
}

extension String {
    /// The UTF-8 of the text; `withUTF8` does not carry typed errors.
    package mutating func withUTF8Bytes<Result>(
        _ body: (UnsafeRawBufferPointer) throws(LaminaError) -> Result
    ) throws(LaminaError) -> Result {
        try withUTF8 { (bytes) -> Swift.Result<Result, LaminaError> in
            do throws(LaminaError) { return .success(try body(UnsafeRawBufferPointer(bytes))) } catch {
                return .failure(error)
            }
        }.get()
    }
}
