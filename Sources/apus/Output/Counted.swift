extension BinaryInteger {
    /// "1 record", "2 records".
    func counted(_ noun: String) -> String { self == 1 ? "1 \(noun)" : "\(self) \(noun)s" }
}
