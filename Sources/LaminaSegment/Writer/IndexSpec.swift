package import LaminaBase

/// How the columns of a segment are encoded: the `indexSpec` of an ingestion spec.
///
/// Source: Druid's `IndexSpec`, `CompressionStrategy`, `CompressionFactory.LongEncodingStrategy`, `StringEncodingStrategy`.
package struct IndexSpec: Sendable, Hashable {
    /// Form of every bitmap in the segment.
    package enum Bitmap: String, Sendable, Hashable {
        case roaring
        case concise
    }

    /// Block compression by its JSON name; `none` stores whole columns without blocks (numbers only).
    package enum Compression: String, Sendable, Hashable {
        case lz4
        case lzf
        case zstd
        case uncompressed
        case none
    }

    /// Encoding of long columns: plain, or whichever of table, delta and plain the values allow.
    package enum LongEncoding: String, Sendable, Hashable {
        case longs
        case auto
    }

    /// Encoding of string dictionaries.
    package enum StringEncoding: Sendable, Hashable {
        case utf8
        /// `bucketSize` is a power of two from 1 to 128; `formatVersion` 0 shares prefixes with a bucket's first value, 1 with the
        /// value before.
        case frontCoded(bucketSize: Int, formatVersion: Int)
    }

    package var bitmap = Bitmap.roaring
    package var dimensionCompression = Compression.lz4
    package var metricCompression = Compression.lz4
    package var longEncoding = LongEncoding.longs
    package var stringEncoding = StringEncoding.utf8
    /// nil: complex values stand uncompressed, one by one.
    package var complexMetricCompression: Compression?
    /// Compression of the raw values of nested columns; nil is lz4.
    package var jsonCompression: Compression?

    /// Druid's defaults: roaring, lz4 everywhere, plain longs, utf8 dictionaries.
    package init() {}
}

extension IndexSpec {
    /// Decodes an `indexSpec` object; absent and null keys keep their defaults, unknown keys are refused by name.
    package init(json: JSON) throws(LaminaError) {
        self.init()
        guard let object = json.objectValue else {
            if json.isNull { return }
            throw .invalidInput("indexSpec must be an object, not \(json.text)")
        }
        for (key, value) in object.entries where !value.isNull {
            switch key {
            case "bitmap": bitmap = try Self.decodeBitmap(value)
            case "dimensionCompression":
                dimensionCompression = try Self.decode(value, key)
                // Druid refuses it too: dictionary ids always stand in blocks.
                if dimensionCompression == .none {
                    throw .invalidInput("indexSpec.dimensionCompression cannot be \"none\"")
                }
            case "metricCompression": metricCompression = try Self.decode(value, key)
            case "longEncoding": longEncoding = try Self.decode(value, key)
            case "stringDictionaryEncoding": stringEncoding = try Self.decodeStrings(value)
            case "complexMetricCompression": complexMetricCompression = try Self.decode(value, key)
            case "jsonCompression": jsonCompression = try Self.decode(value, key)
            case "segmentLoader":
                if value["type"]?.stringValue != "mMapSegmentFactory" {
                    throw .unsupported("indexSpec.segmentLoader \(value.text)")
                }
            default: throw .invalidInput("indexSpec has no key \"\(key)\"")
            }
        }
    }

    /// The object as Druid prints it.
    package var json: JSON {
        var object: JSONObject = [
            "bitmap": ["type": .string(bitmap.rawValue)],
            "dimensionCompression": .string(dimensionCompression.rawValue),
            "stringDictionaryEncoding": stringEncoding.json,
            "metricCompression": .string(metricCompression.rawValue),
            "longEncoding": .string(longEncoding.rawValue),
        ]
        if let complexMetricCompression {
            object["complexMetricCompression"] = .string(complexMetricCompression.rawValue)
        }
        if let jsonCompression { object["jsonCompression"] = .string(jsonCompression.rawValue) }
        return .object(object)
    }

    private static func decode<Choice: RawRepresentable<String>>(
        _ value: JSON,
        _ key: String
    ) throws(LaminaError) -> Choice {
        // Druid lowers the case of both enumerations when it writes and raises it when it reads.
        guard let text = value.stringValue, let choice = Choice(rawValue: text.lowercased()) else {
            throw .invalidInput("indexSpec.\(key) cannot be \(value.text)")
        }
        return choice
    }

    private static func decodeBitmap(_ value: JSON) throws(LaminaError) -> Bitmap {
        guard let type = value["type"]?.stringValue, let choice = Bitmap(rawValue: type) else {
            throw .invalidInput("indexSpec.bitmap cannot be \(value.text)")
        }
        return choice
    }

    private static func decodeStrings(_ value: JSON) throws(LaminaError) -> StringEncoding {
        switch value["type"]?.stringValue {
        case "utf8": return .utf8
        case "frontCoded":
            let bucketSize = value["bucketSize"]?.intValue ?? 4
            let version = value["formatVersion"]?.intValue ?? 0
            guard (1...128).contains(bucketSize), bucketSize & (bucketSize - 1) == 0 else {
                throw .invalidInput(
                    "bucketSize of a front coded dictionary must be a power of two up to 128, not \(bucketSize)"
                )
            }
            guard version == 0 || version == 1 else {
                throw .invalidInput("formatVersion of a front coded dictionary must be 0 or 1, not \(version)")
            }
            return .frontCoded(bucketSize: Int(bucketSize), formatVersion: Int(version))
        default: throw .invalidInput("indexSpec.stringDictionaryEncoding cannot be \(value.text)")
        }
    }
}

extension IndexSpec.StringEncoding {
    package var json: JSON {
        switch self {
        case .utf8: ["type": "utf8"]
        case .frontCoded(let bucketSize, let version):
            [
                "type": "frontCoded", "bucketSize": .int(Int64(bucketSize)), "formatVersion": .int(Int64(version)),
            ]
        }
    }
}
