internal import LogCore

/// A promise that was not kept.
package struct Violation: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }

    /// The same, told with what was being done.
    package func during(_ what: String) -> Violation { Violation("\(what): \(description)") }
}

func require(_ holds: Bool, _ otherwise: @autoclosure () -> String) throws(Violation) {
    if !holds { throw Violation(otherwise()) }
}

/// Runs a call that has no excuse to fail.
func expecting<Result>(
    _ what: @autoclosure () -> String, _ body: () throws(LogError) -> Result
) throws(Violation) -> Result {
    do throws(LogError) {
        return try body()
    } catch {
        throw Violation("\(what()) fails: \(error)")
    }
}
