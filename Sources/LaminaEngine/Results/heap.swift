/// Orders elements as a heap: the first is one that no other precedes, and so below each of its places.
@inline(__always)
func makeHeap<Element>(_ heap: inout [Element], _ precedes: (Element, Element) -> Bool) {
    for place in stride(from: heap.count / 2 - 1, through: 0, by: -1) { siftDown(&heap, from: place, precedes) }
}

/// Moves the element of one place down to where nothing below precedes it.
@inline(__always)
func siftDown<Element>(_ heap: inout [Element], from start: Int, _ precedes: (Element, Element) -> Bool) {
    var parent = start
    while true {
        var first = parent
        let child = 2 * parent + 1
        if child < heap.count, precedes(heap[child], heap[first]) { first = child }
        if child + 1 < heap.count, precedes(heap[child + 1], heap[first]) { first = child + 1 }
        if first == parent { return }
        heap.swapAt(first, parent)
        parent = first
    }
}
