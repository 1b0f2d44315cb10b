import Testing

@testable import Coordination

@Suite("Patterns of topic names")
struct ConsumerPatternTests {
    @Test(
        "a name matches when the whole of it does",
        arguments: [
            ("orders", "orders", true),
            ("orders", "orders2", false),
            ("orders", "my-orders", false),
            ("orders.*", "orders.eu", true),
            ("orders\\.eu", "orders-eu", false),
            ("", "", true),
            ("", "a", false),
            ("a|bc", "bc", true),
            ("a|bc", "ac", false),
            ("(a|b)c", "ac", true),
            ("a||b", "", true),
            ("(?:a|b)+", "abba", true),
            ("(?P<x>a)(?<y>b)", "ab", true),
            ("a*", "", true),
            ("a+", "", false),
            ("a?b", "b", true),
            ("a{2}", "aa", true),
            ("a{2}", "aaa", false),
            ("a{2,}", "aaaaa", true),
            ("a{2,}", "a", false),
            ("a{1,3}", "aaa", true),
            ("a{1,3}", "aaaa", false),
            ("a{0}b", "b", true),
            ("a{,3}", "a{,3}", true),
            ("a{x}", "a{x}", true),
            ("a.*?b+?c??", "axxb", true),
            ("[a-c]+", "abcabc", true),
            ("[^a-c]+", "xyz", true),
            ("[^a-c]+", "xaz", false),
            ("[]a]+", "a]", true),
            ("[a-]+", "a-a", true),
            ("[[:alpha:]_]+", "ab_c", true),
            ("[[:^digit:]]+", "ab1", false),
            ("[\\w.-]+", "a.b-c_9", true),
            ("[\\D]+", "a1", false),
            ("\\w+", "a-b", false),
            ("\\d{3}", "123", true),
            ("\\S+", "a b", false),
            ("\\x41\\x{42}\\0103", "AB\u{8}3", true),
            ("\\Qa.b*\\Ec", "a.b*c", true),
            ("\\Qa+", "a+", true),
            ("\\Qab\\E+", "abb", true),
            ("^orders$", "orders", true),
            ("\\Aorders\\z", "orders", true),
            ("a^b", "ab", false),
            (".*\\beu\\b.*", "orders.eu.1", true),
            (".*\\beu\\b.*", "orders-europe", false),
            ("a\\Bb", "ab", true),
            ("(?i)OrDers", "orders", true),
            ("(?i:O)rders", "orders", true),
            ("(?i:o)rders", "ORDERS", false),
            ("((?i)a)b", "Ab", true),
            ("((?i)a)b", "AB", false),
            ("(?i)[^a]", "A", false),
            ("(?-i)a", "A", false),
            ("(?sm)a.b", "a\nb", true),
            ("a.b", "a\nb", false),
            ("ü", "u", false),
            ("[a-ü]", "z", true),
            ("(a*)*b", "aaab", true),
            ("(|a)+", "aaa", true),
        ] as [(String, String, Bool)])
    func matching(pattern: String, name: String, isMatch: Bool) throws {
        let pattern = try TopicPattern(pattern)
        #expect(pattern.matches(name) == isMatch)
    }

    @Test(
        "what RE2 does not know, or not for names of topics, is refused",
        arguments: [
            "(", ")", "a)", "(a", "[a", "[", "[]", "[b-a]", "[[:nonsense:]]", "*", "+a", "?", "a**",
            "a+*", "a{2}{3}", "a{3,2}", "a{1001}", "a{1,99999999999999999999}", "\\", "[\\", "\\1",
            "\\8", "\\C", "\\pL", "\\p{Greek}", "\\Z", "\\x", "\\x4", "\\x{", "\\x{110000}",
            "\\xg0",
            "(?=a)", "(?!a)", "(?<=a)", "(?<!a)", "(?P=x)", "(?P<>a)", "(?<a", "(?x)a", "(?i",
            "(?)",
            "(?>a)", "a|*", "[a-\\d]",
        ])
    func refused(pattern: String) {
        #expect(throws: TopicPatternError.self) { try TopicPattern(pattern) }
    }

    @Test(
        "a pattern has bounds on its size and depth",
        arguments: [
            "(a{1000}){1000}", "((){1000}){1000}", String(repeating: "a", count: 3_000),
            String(repeating: "(", count: 5_000) + String(repeating: ")", count: 5_000),
        ])
    func tooLarge(pattern: String) {
        #expect(throws: TopicPatternError.self) { try TopicPattern(pattern) }
    }

    @Test("a pattern that takes exponential time by backtracking is answered at once")
    func catastrophe() throws {
        let pattern = try TopicPattern("(a|a)*(a*)*(a|aa)+b")
        #expect(!pattern.matches(String(repeating: "a", count: 249)))
    }

    @Test("an error names the place")
    func errorNamesPlace() {
        do throws(TopicPatternError) {
            _ = try TopicPattern("ab(?=c)")
            Issue.record("accepted")
        } catch {
            #expect(error.position == 4)
            #expect("\(error)" == "'(?=' is not supported at position 4")
        }
    }

    @Test("a list is filtered in its own order")
    func filtering() throws {
        let names = ["b1", "a2", "a1", "c"]
        let pattern = try TopicPattern("[ab]\\d")
        #expect(pattern.filter(names) == ["b1", "a2", "a1"])
    }
}
