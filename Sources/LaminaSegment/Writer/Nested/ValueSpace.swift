import LaminaBase

/// All values of a nested column in one space of ids: 0 null, then strings, longs, doubles, arrays, each ascending.
///
/// Source: Druid's `ValueDictionary`, `SortedValueDictionary`, `DictionaryIdLookup`.
struct ValueSpace {
    private var stringPlaces: [String: UInt32] = [:]
    private var longPlaces: [Int64: UInt32] = [:]
    private var doublePlaces: [UInt64: UInt32] = [:]
    private var arrayLeaves: Set<[StructuredValue.Leaf?]> = []
    private var arrayPlaces: [[UInt32]: UInt32] = [:]

    /// Sorted, once `sort` was called.
    private(set) var table = StringTable()
    private(set) var stringOrder: [UInt32] = []
    private(set) var longs: [Int64] = []
    private(set) var doubles: [Double] = []
    private(set) var arrays: [[UInt32]] = []

    var hasArrays: Bool { !arrayLeaves.isEmpty || !arrays.isEmpty }
    var isEmpty: Bool {
        stringPlaces.isEmpty && longPlaces.isEmpty && doublePlaces.isEmpty && arrayLeaves.isEmpty
    }
    /// Ids in use, null included.
    var cardinality: Int { 1 + stringOrder.count + longs.count + doubles.count + arrays.count }

    mutating func add(_ leaf: StructuredValue.Leaf) {
        switch leaf {
        case .string(let text): stringPlaces[text] = 0
        case .long(let number): longPlaces[number] = 0
        case .double(let bits): doublePlaces[bits] = 0
        }
    }

    mutating func add(array: [StructuredValue.Leaf?]) {
        for case .some(let leaf) in array { add(leaf) }
        arrayLeaves.insert(array)
    }

    /// Gives every value its id.
    mutating func sort() {
        let texts = Array(stringPlaces.keys)
        for text in texts { table.append(text) }
        stringOrder = sortStrings(table, [UInt32](0..<UInt32(texts.count)))
        var id: UInt32 = 1
        for place in stringOrder {
            stringPlaces[texts[Int(place)]] = id
            id += 1
        }
        longs = longPlaces.keys.sorted()
        for value in longs {
            longPlaces[value] = id
            id += 1
        }
        doubles = doublePlaces.keys.map { Double(bitPattern: $0) }.sorted(by: javaDoubleOrder)
        for value in doubles {
            doublePlaces[value.bitPattern] = id
            id += 1
        }
        arrays = arrayLeaves.map { $0.map { leaf in leaf.map { self.id($0) } ?? 0 } }
            .sorted { $0.lexicographicallyPrecedes($1) }
        for array in arrays {
            arrayPlaces[array] = id
            id += 1
        }
        arrayLeaves = []
    }

    func id(_ leaf: StructuredValue.Leaf) -> UInt32 {
        switch leaf {
        case .string(let text): stringPlaces[text] ?? 0
        case .long(let number): longPlaces[number] ?? 0
        case .double(let bits): doublePlaces[bits] ?? 0
        }
    }

    func ids(_ array: [StructuredValue.Leaf?]) -> [UInt32] { array.map { leaf in leaf.map { id($0) } ?? 0 } }

    func id(arrayOf ids: [UInt32]) -> UInt32 { arrayPlaces[ids] ?? 0 }

    /// The dictionaries as internal files. `scalar`: of a column of this one type, whose dictionary holds null itself.
    func write(
        _ base: String,
        spec: IndexSpec,
        to smoosh: SmooshWriter
    ) throws(LaminaError) {
        let strings = ByteSink()
        try DictionaryEncoder.write(
            table,
            order: stringOrder,
            hasNull: true,
            encoding: spec.stringEncoding,
            to: strings
        )
        try smoosh.add(base + ".__stringDictionary", strings)
        let longSink = ByteSink()
        try FixedIndexedEncoder.write(longs, to: longSink)
        try smoosh.add(base + ".__longDictionary", longSink)
        let doubleSink = ByteSink()
        try FixedIndexedEncoder.write(doubles, to: doubleSink)
        try smoosh.add(base + ".__doubleDictionary", doubleSink)
        let arraySink = ByteSink()
        try FixedIndexedEncoder.write(arrays: arrays, to: arraySink)
        try smoosh.add(base + ".__arrayDictionary", arraySink)
    }
}

/// `Double.compare`: -0.0 before 0.0, NaN last.
func javaDoubleOrder(_ left: Double, _ right: Double) -> Bool {
    if left < right { return true }
    if left > right { return false }
    if left == right { return left.sign == .minus && right.sign == .plus && left == 0 }
    return !left.isNaN && right.isNaN
}
