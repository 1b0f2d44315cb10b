/// What is wrong in a definition, and where.
package struct DefinitionError: Error, CustomStringConvertible {
    package let path: String
    package let line: Int
    package let message: String

    package var description: String { "\(path):\(line): error: \(message)" }
}
