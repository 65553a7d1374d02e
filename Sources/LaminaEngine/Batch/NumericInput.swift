import LaminaBase
import LaminaBitmaps
import LaminaQuery
import LaminaSegment

/// Gives a column's values as numbers of one type, batch by batch; nulls hold 0.
class NumericInput<Number: VectorNumber> {
    /// False when no row of the column can be null.
    var mayBeNull: Bool { true }
    private var serial = -1
    private var loaded: Vector<Number>?

    /// The vector of a batch; pointers hold until the next batch is loaded.
    final func vector(_ batch: Batch) throws(LaminaError) -> Vector<Number> {
        if serial == batch.serial, let loaded { return loaded }
        let vector = try load(batch)
        serial = batch.serial
        loaded = vector
        return vector
    }

    func load(_ batch: Batch) throws(LaminaError) -> Vector<Number> {
        preconditionFailure("a numeric input without a body")
    }
}

/// Reads a batch of a stored numeric column.
struct StoredReader<Element: BitwiseCopyable> {
    let reader: any ValueReader<Element>

    func load(_ batch: Batch) throws(LaminaError) -> UnsafePointer<Element> {
        let values =
            if let gathered = batch.gathered {
                try reader.gather(UnsafeBufferPointer(start: gathered, count: batch.slotCount))
            } else {
                try reader.read(batch.rows)
            }
        guard values.count >= batch.slotCount, let base = values.baseAddress else {
            throw .corrupt("a column holds fewer rows than its segment", at: "row \(batch.rows.lowerBound)")
        }
        return base
    }
}

/// A stored column of the wanted type: no copy.
final class StoredInput<Number: VectorNumber>: NumericInput<Number> {
    private let reader: StoredReader<Number>
    private let nulls: NullRows

    init(_ reader: any ValueReader<Number>, nulls: RoaringBitmap?) {
        self.reader = StoredReader(reader: reader)
        self.nulls = NullRows(nulls)
    }

    override var mayBeNull: Bool { !nulls.isNever }

    override func load(_ batch: Batch) throws(LaminaError) -> Vector<Number> {
        Vector(values: try reader.load(batch), nulls: nulls.mask(batch))
    }
}

/// Longs read as another type.
final class ConvertedInput<Source: VectorNumber, Number: VectorNumber>: NumericInput<Number> {
    private let source: NumericInput<Source>
    private let buffer = Scratch<Number>(batchRowsMax)
    private let convert: (UnsafePointer<Source>, UnsafeMutablePointer<Number>, Int) -> Void

    init(
        _ source: NumericInput<Source>,
        _ convert: @escaping (UnsafePointer<Source>, UnsafeMutablePointer<Number>, Int) -> Void
    ) {
        self.source = source
        self.convert = convert
    }

    override var mayBeNull: Bool { source.mayBeNull }

    override func load(_ batch: Batch) throws(LaminaError) -> Vector<Number> {
        let vector = try source.vector(batch)
        convert(vector.values, buffer.pointer, batch.slotCount)
        return Vector(values: buffer.pointer, nulls: vector.nulls)
    }
}

/// Every row null.
final class NullInput<Number: VectorNumber>: NumericInput<Number> {
    private let buffer = Scratch<Number>(batchRowsMax)
    private let mask = Scratch<UInt64>(maskWords(batchRowsMax))

    override init() {
        buffer.pointer.initialize(repeating: Number.zero, count: batchRowsMax)
        mask.pointer.initialize(repeating: ~0, count: maskWords(batchRowsMax))
    }

    override func load(_ batch: Batch) throws(LaminaError) -> Vector<Number> {
        Vector(values: buffer.pointer, nulls: mask.pointer)
    }
}

/// Single-value strings read as numbers, through a table over the dictionary filled as ids turn up.
final class ParsedInput<Number: VectorNumber>: NumericInput<Number> {
    private let ids: IDInput
    private let parse: (UInt32) throws(LaminaError) -> Number?
    private let table: Scratch<Number>
    /// 0: not looked at yet, 1: a number, 2: null.
    private let state: Scratch<UInt8>
    private let buffer = Scratch<Number>(batchRowsMax)
    private let nulls = Scratch<UInt64>(maskWords(batchRowsMax))

    init(_ ids: IDInput, parse: @escaping (UInt32) throws(LaminaError) -> Number?) {
        self.ids = ids
        self.parse = parse
        let cardinality = ids.column.cardinality
        table = Scratch(cardinality)
        state = Scratch(cardinality)
        table.pointer.initialize(repeating: Number.zero, count: table.capacity)
        state.pointer.initialize(repeating: 0, count: state.capacity)
    }

    override func load(_ batch: Batch) throws(LaminaError) -> Vector<Number> {
        let loaded = try ids.ids(batch)
        maskClear(nulls.pointer, words: maskWords(batch.slotCount))
        var anyNull = false
        for slot in 0..<batch.slotCount {
            let id = Int(loaded[slot])
            if state.pointer[id] == 0 {
                if let number = try parse(loaded[slot]) {
                    table.pointer[id] = number
                    state.pointer[id] = 1
                } else {
                    state.pointer[id] = 2
                }
            }
            if state.pointer[id] == 2 {
                maskSet(nulls.pointer, slot)
                anyNull = true
            }
        }
        Number.lookUp(loaded, table.pointer, buffer.pointer, count: batch.slotCount)
        return Vector(values: buffer.pointer, nulls: anyNull ? UnsafePointer(nulls.pointer) : nil)
    }
}

/// Values of any column read as numbers one by one.
final class CastInput<Number: VectorNumber>: NumericInput<Number> {
    private let values: ValueInput
    private let cast: (Value) -> Number?
    private let buffer = Scratch<Number>(batchRowsMax)
    private let nulls = Scratch<UInt64>(maskWords(batchRowsMax))

    init(_ values: ValueInput, cast: @escaping (Value) -> Number?) {
        self.values = values
        self.cast = cast
    }

    override func load(_ batch: Batch) throws(LaminaError) -> Vector<Number> {
        try values.load(batch)
        maskClear(nulls.pointer, words: maskWords(batch.slotCount))
        var anyNull = false
        for slot in 0..<batch.slotCount {
            if let number = cast(try values.value(slot)) {
                buffer.pointer[slot] = number
            } else {
                buffer.pointer[slot] = Number.zero
                maskSet(nulls.pointer, slot)
                anyNull = true
            }
        }
        return Vector(values: buffer.pointer, nulls: anyNull ? UnsafePointer(nulls.pointer) : nil)
    }
}
