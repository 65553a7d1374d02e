import LaminaBase
import Synchronization

/// The parts of one growing segment, whose rows go through the steps together: right rows of a join that none of the parts matches are
/// listed once for the segment, as they will be when it is stored.
///
/// The first part that is wanted opens all of them, as each may match what another does not.
///
/// - Source: Druid lists them once for every `FireHydrant` of a `Sink` (`SinkQuerySegmentWalker`), so that its answers change at a
///   persist and at the hand-off.
package final class SegmentParts: Sendable {
    private let inputs: [SegmentInput]
    /// Those that were opened with another one and not asked for yet.
    private let opened: Mutex<[SegmentInput?]>

    private init(_ inputs: [SegmentInput]) {
        self.inputs = inputs
        opened = Mutex(Array(repeating: nil, count: inputs.count))
    }

    /// The same inputs, opened together from now on.
    ///
    /// - Parameter inputs: all parts of one segment in order, with their steps.
    package static func joined(_ inputs: [SegmentInput]) -> [SegmentInput] {
        guard inputs.count > 1 else { return inputs }
        let parts = SegmentParts(inputs)
        return inputs.indices.map { index in
            var input = inputs[index]
            input.part = (parts, index)
            return input
        }
    }

    /// A part with its steps done. Whoever asks for another one meanwhile waits.
    func open(_ index: Int, _ run: QueryRun) throws(LaminaError) -> SegmentInput {
        try opened.withLock { opened throws(LaminaError) in
            if let known = opened[index] {
                // What was joined takes memory as long as it is held.
                opened[index] = nil
                return known
            }
            let all = try inputs[index].steps.apply(inputs, run)
            for other in all.indices where other != index { opened[other] = all[other] }
            return all[index]
        }
    }
}
