import LaminaBase
import LaminaBitmaps

/// A dictionary-encoded string column of a segment, single- or multi-value.
final class StoredStringColumn: StringColumn {
    enum IDs: Sendable {
        case single(IDPayload)
        case multiple(MultiIDPayload)
    }

    let rowCount: Int
    let dictionary: StringDictionary
    let ids: IDs
    let bitmaps: BitmapList?

    init(rowCount: Int, dictionary: StringDictionary, ids: IDs, bitmaps: BitmapList?) {
        self.rowCount = rowCount
        self.dictionary = dictionary
        self.ids = ids
        self.bitmaps = bitmaps
    }

    var hasMultipleValues: Bool { if case .multiple = ids { true } else { false } }
    var cardinality: Int { dictionary.count }
    var isSorted: Bool { true }
    var nullID: UInt32? { dictionary.hasNull ? 0 : nil }
    func value(_ id: UInt32) -> String? { dictionary.value(Int(id)) }
    func withUTF8<Result>(_ id: UInt32, _ body: (UnsafeBufferPointer<UInt8>?) -> Result) -> Result {
        dictionary.withUTF8(Int(id), body)
    }
    func forEachUTF8(_ ids: UnsafeBufferPointer<UInt32>, _ body: (UnsafeBufferPointer<UInt8>) -> Void) {
        let dictionary = dictionary
        for id in ids {
            dictionary.withUTF8(Int(id)) { body($0 ?? UnsafeBufferPointer(start: nil, count: 0)) }
        }
    }

    func id(of value: String?) -> UInt32? { dictionary.id(of: value).map { UInt32($0) } }
    func lowerBound(_ value: String) -> UInt32 {
        var value = value
        return UInt32(value.withUTF8 { dictionary.lowerBound($0) })
    }
    var hasBitmaps: Bool { bitmaps != nil }

    func rows(_ id: UInt32) throws(LaminaError) -> RoaringBitmap {
        guard let bitmaps else { preconditionFailure("the column has no bitmaps") }
        return try bitmaps.rows(Int(id))
    }

    func makeIDAccess() -> IDAccess {
        guard case .single(let payload) = ids else { preconditionFailure("a multi-value column has no single ids") }
        return Self.access(payload.store)
    }

    func makeIDReader() -> any ValueReader<UInt32> { Self.wide(makeIDAccess()) }

    func makeMultiIDReader() -> any MultiIDReader {
        switch ids {
        case .single: SingleAsMultiIDReader(makeIDReader())
        case .multiple(let payload): StoredMultiIDReader(payload)
        }
    }

    static func access(_ store: BlockStore) -> IDAccess {
        switch store.width {
        case 1: .bytes(ByteIDReader(store))
        case 2: .shorts(ShortIDReader(store))
        default: .words(WordIDReader(store))
        }
    }

    static func wide(_ access: IDAccess) -> any ValueReader<UInt32> {
        if case .words(let reader) = access { reader } else { WideningIDReader(access) }
    }
}
