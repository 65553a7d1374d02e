package import LaminaBase

extension IndexSpec.Bitmap {
    /// A `bitmapSerdeFactory`. Missing means concise; `compressRunOnSerialization` of older Druids changes no byte's meaning.
    package init(json: JSON?) throws(LaminaError) {
        guard let json, !json.isNull else {
            self = .concise
            return
        }
        guard let name = json["type"]?.stringValue, let format = IndexSpec.Bitmap(rawValue: name) else {
            throw .unsupported("bitmap format \(json.text)")
        }
        self = format
    }

    package var json: JSON { ["type": .string(rawValue)] }
}

/// The JSON at the head of every column file: what type the column has and how its bytes are laid out.
///
/// Source: `segment.column.ColumnDescriptor`, `segment.serde.ColumnPartSerde`.
package struct ColumnDescriptor: Sendable, Hashable {
    /// `LONG`, `FLOAT`, `DOUBLE`, `STRING`, `COMPLEX`.
    package var valueType: String
    /// Advisory: the flags inside a string part decide.
    package var hasMultipleValues: Bool
    package var part: ColumnPart

    package init(valueType: String, hasMultipleValues: Bool = false, part: ColumnPart) {
        self.valueType = valueType
        self.hasMultipleValues = hasMultipleValues
        self.part = part
    }

    package init(json: JSON) throws(LaminaError) {
        guard let valueType = json["valueType"]?.stringValue else {
            throw .invalidInput("A column descriptor names no valueType: \(json.text)")
        }
        guard let parts = json["parts"]?.arrayValue, parts.count == 1 else {
            throw .invalidInput("A column descriptor must have exactly one part: \(json.text)")
        }
        self.valueType = valueType
        hasMultipleValues = json["hasMultipleValues"]?.boolValue ?? false
        part = try ColumnPart(json: parts[0])
    }

    /// Keys in Druid's order, so that the text is byte for byte Druid's.
    package var json: JSON {
        [
            "valueType": .string(valueType), "hasMultipleValues": .bool(hasMultipleValues),
            "parts": .array([part.json]),
        ]
    }
}

/// The number types that have a part of their own.
package enum NumberKind: String, Sendable, Hashable, CaseIterable {
    case long
    case float
    case double

    package var bytesPerValue: Int { self == .float ? 4 : 8 }
}

/// One part of a column descriptor.
package enum ColumnPart: Sendable, Hashable {
    /// `long` … `doubleV2`; only V2 can hold nulls, then as `bitmap`. `bigEndian`: order of the values in the blocks.
    case number(NumberKind, isV2: Bool, bigEndian: Bool, bitmap: IndexSpec.Bitmap)
    case stringDictionary(bitmap: IndexSpec.Bitmap, bigEndian: Bool)
    case complex(typeName: String)
    case null(rowCount: Int, bitmap: IndexSpec.Bitmap)
    case nestedCommonFormat(NestedFormat)

    package init(json: JSON) throws(LaminaError) {
        guard let type = json["type"]?.stringValue else {
            throw .invalidInput("A column part has no type: \(json.text)")
        }
        let order = json["byteOrder"]?.stringValue ?? "LITTLE_ENDIAN"
        guard order == "LITTLE_ENDIAN" || order == "BIG_ENDIAN" else { throw .unsupported("byte order \(order)") }
        let bigEndian = order == "BIG_ENDIAN"
        if type == "complex" {
            guard let name = json["typeName"]?.stringValue else {
                throw .invalidInput("A complex column part names no type: \(json.text)")
            }
            self = .complex(typeName: name)
            return
        }
        let bitmap = try IndexSpec.Bitmap(json: json["bitmapSerdeFactory"])
        switch type {
        case "stringDictionary": self = .stringDictionary(bitmap: bitmap, bigEndian: bigEndian)
        case "null":
            guard let rows = json["numRows"]?.intValue, rows >= 0, rows <= Int32.max else {
                throw .invalidInput("A null column part has no numRows: \(json.text)")
            }
            self = .null(rowCount: Int(rows), bitmap: bitmap)
        case "nestedCommonFormat":
            self = .nestedCommonFormat(try NestedFormat(json: json, bigEndian: bigEndian, bitmap: bitmap))
        default:
            let isV2 = type.hasSuffix("V2")
            guard let kind = NumberKind(rawValue: isV2 ? String(type.dropLast(2)) : type) else {
                throw .unsupported("column part type \"\(type)\"")
            }
            self = .number(kind, isV2: isV2, bigEndian: bigEndian, bitmap: bitmap)
        }
    }

    package var json: JSON {
        func order(_ bigEndian: Bool) -> JSON { bigEndian ? "BIG_ENDIAN" : "LITTLE_ENDIAN" }
        switch self {
        case .number(let kind, let isV2, let bigEndian, let bitmap):
            var object: JSONObject = [
                "type": .string(kind.rawValue + (isV2 ? "V2" : "")), "byteOrder": order(bigEndian),
            ]
            if isV2 { object["bitmapSerdeFactory"] = bitmap.json }
            return .object(object)
        case .stringDictionary(let bitmap, let bigEndian):
            return ["type": "stringDictionary", "bitmapSerdeFactory": bitmap.json, "byteOrder": order(bigEndian)]
        case .complex(let name): return ["type": "complex", "typeName": .string(name)]
        case .null(let rows, let bitmap):
            return ["type": "null", "numRows": .int(Int64(rows)), "bitmapSerdeFactory": bitmap.json]
        case .nestedCommonFormat(let format): return format.json
        }
    }
}

/// The part of `auto`, `json` and array columns (`NestedCommonFormatColumnPartSerde`).
package struct NestedFormat: Sendable, Hashable {
    /// The type the column presents: a scalar, an array, or `COMPLEX<json>`.
    package var logicalType: ColumnType
    package var hasNulls: Bool
    /// Rows of several types are mixed.
    package var isVariant: Bool
    package var enforceLogicalType: Bool
    package var bigEndian: Bool
    package var bitmap: IndexSpec.Bitmap
    /// Newer Druids' options, kept as they were read; absent in 33.
    package var formatSpec: JSON?

    package init(
        logicalType: ColumnType,
        hasNulls: Bool,
        isVariant: Bool,
        enforceLogicalType: Bool,
        bitmap: IndexSpec.Bitmap
    ) {
        self.logicalType = logicalType
        self.hasNulls = hasNulls
        self.isVariant = isVariant
        self.enforceLogicalType = enforceLogicalType
        bigEndian = false
        self.bitmap = bitmap
        formatSpec = nil
    }

    init(json: JSON, bigEndian: Bool, bitmap: IndexSpec.Bitmap) throws(LaminaError) {
        guard let signature = json["logicalType"]?.stringValue, let type = ColumnType(signature: signature) else {
            throw .invalidInput("A nestedCommonFormat part has no readable logicalType: \(json.text)")
        }
        logicalType = type
        hasNulls = json["hasNulls"]?.boolValue ?? false
        isVariant = json["isVariantType"]?.boolValue ?? false
        enforceLogicalType = json["enforceLogicalType"]?.boolValue ?? false
        self.bigEndian = bigEndian
        if let spec = json["columnFormatSpec"], !spec.isNull {
            formatSpec = spec
            self.bitmap =
                try spec["bitmapEncoding"].map { json throws(LaminaError) in try IndexSpec.Bitmap(json: json) }
                ?? bitmap
        } else {
            formatSpec = nil
            self.bitmap = bitmap
        }
    }

    var json: JSON {
        var object: JSONObject = [
            "type": "nestedCommonFormat", "logicalType": .string(logicalType.description), "hasNulls": .bool(hasNulls),
            "isVariantType": .bool(isVariant), "enforceLogicalType": .bool(enforceLogicalType),
            "byteOrder": bigEndian ? "BIG_ENDIAN" : "LITTLE_ENDIAN", "bitmapSerdeFactory": bitmap.json,
        ]
        if let formatSpec { object["columnFormatSpec"] = formatSpec }
        return .object(object)
    }
}
