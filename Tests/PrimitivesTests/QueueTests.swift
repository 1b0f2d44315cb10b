import Testing

@testable import Primitives

@Suite("A queue") struct QueueTests {
    @Test("gives its elements in their order, whatever is put on and taken off between")
    func order() {
        var queue = Queue<Int>()
        var model: [Int] = []
        for step in 0..<5_000 {
            if step % 7 < (step / 1_000 % 2 == 0 ? 5 : 2) {
                queue.append(step)
                model.append(step)
            } else if step % 7 == 6, let first = queue.popFirst() {
                #expect(first == model.removeFirst())
                queue.prepend(-first)
                model.insert(-first, at: 0)
            } else {
                #expect(queue.popFirst() == (model.isEmpty ? nil : model.removeFirst()))
            }
            #expect(queue.count == model.count && queue.isEmpty == model.isEmpty)
            #expect(queue.first == model.first)
            if let last = model.indices.last {
                #expect(queue[last] == model[last])
                queue[last] = step
                model[last] = step
            }
        }
        queue.removeAll()
        #expect(queue.isEmpty && queue.popFirst() == nil)
    }

    @Test("that is never quite empty does not grow with what goes through it")
    func steadyLoad() {
        var queue = Queue<Int>()
        for number in 0..<3 { queue.append(number) }
        for number in 0..<100_000 {
            queue.append(number)
            queue.popFirst()
        }
        #expect(queue.count == 3)
        #expect(queue.places.capacity < 1_000)
    }

    @Test("lets go of an element when it is taken off")
    func letsGo() {
        final class Held {}
        var queue = Queue<Held>()
        weak var first: Held?
        do {
            let held = Held()
            first = held
            queue.append(held)
            queue.append(Held())
        }
        #expect(first != nil)
        queue.popFirst()
        #expect(first == nil && queue.count == 1)
    }
}
