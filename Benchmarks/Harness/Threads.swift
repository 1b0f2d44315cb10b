internal import Glibc

/// Runs `body` for each number below `count`, each on a thread of its own, and returns when all are
/// done.
func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    final class Start: Sendable {
        let number: Int
        let body: @Sendable (Int) -> Void
        init(_ number: Int, _ body: @escaping @Sendable (Int) -> Void) {
            self.number = number
            self.body = body
        }
    }
    var threads: [pthread_t] = []
    for number in 0..<count {
        var thread = pthread_t()
        // The thread takes over the reference that is made here.
        let start = unsafe Unmanaged.passRetained(Start(number, body))
        let status = unsafe pthread_create(
            &thread, nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                let start = unsafe Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                start.body(start.number)
                return nil
            }, start.toOpaque())
        precondition(status == 0, "no thread could be made")
        threads.append(thread)
    }
    for thread in threads { pthread_join(thread, nil) }
}
