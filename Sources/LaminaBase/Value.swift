/// One value of any type: what results, rows of the general path, and expressions carry. Never used per row in kernels.
package enum Value: Sendable, Hashable {
    case null
    case long(Int64)
    case float(Float)
    case double(Double)
    case string(String)
    /// Arrays, and rows of multi-value strings.
    case array([Value])
    /// A nested (`COMPLEX<json>`) value.
    case json(JSON)
    /// A serialized complex value (sketch, hyperUnique, …); results print it as base64.
    case complex(type: String, bytes: [UInt8])
}
