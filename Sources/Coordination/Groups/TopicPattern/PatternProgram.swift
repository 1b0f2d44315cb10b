/// A pattern as instructions: a non-deterministic automaton.
struct PatternProgram: Sendable {
    enum Instruction: Sendable {
        /// Takes one character of the set, and goes on with the next instruction.
        case take(ASCIISet)
        /// Goes on with the next instruction where this holds.
        case require(PatternAssertion)
        case jump(to: Int)
        /// Goes on in both places.
        case fork(Int, Int)
        /// The pattern matched, if nothing is left.
        case accept
    }

    let instructions: [Instruction]

    /// Throws when there would be more than `sizeLimit` instructions.
    init(_ syntax: PatternSyntax, sizeLimit: Int) throws(TopicPatternError) {
        var builder = Builder(sizeLimit: sizeLimit)
        try builder.add(syntax)
        try builder.append(.accept)
        instructions = builder.instructions
    }

    private struct Builder {
        let sizeLimit: Int
        var instructions: [Instruction] = []
        /// Also counts parts that become no instruction: they can be repeated just as often.
        var parts = 0

        init(sizeLimit: Int) { self.sizeLimit = sizeLimit }

        mutating func append(_ instruction: Instruction) throws(TopicPatternError) {
            instructions.append(instruction)
            try checkSize(instructions.count)
        }

        private func checkSize(_ size: Int) throws(TopicPatternError) {
            if size > sizeLimit {
                throw TopicPatternError("the pattern is too large: more than \(sizeLimit) steps")
            }
        }

        mutating func add(_ syntax: PatternSyntax) throws(TopicPatternError) {
            parts += 1
            try checkSize(parts)
            switch syntax {
            case .empty: break
            case .character(let set): try append(.take(set))
            case .assertion(let assertion): try append(.require(assertion))
            case .sequence(let elements):
                for element in elements { try add(element) }
            case .alternatives(let choices): try add(alternatives: choices)
            case .repetition(let body, let minimum, let maximum):
                for _ in 0..<minimum { try add(body) }
                if let maximum {
                    try add(optional: body, times: maximum - minimum)
                } else {
                    try add(repeated: body)
                }
            }
        }

        private mutating func add(alternatives: [PatternSyntax]) throws(TopicPatternError) {
            var ends: [Int] = []
            for choice in alternatives.dropLast() {
                let fork = instructions.count
                try append(.fork(0, 0))
                try add(choice)
                ends.append(instructions.count)
                try append(.jump(to: 0))
                instructions[fork] = .fork(fork + 1, instructions.count)
            }
            if let last = alternatives.last { try add(last) }
            for end in ends { instructions[end] = .jump(to: instructions.count) }
        }

        private mutating func add(
            optional body: PatternSyntax, times: Int
        ) throws(TopicPatternError) {
            var forks: [Int] = []
            for _ in 0..<times {
                forks.append(instructions.count)
                try append(.fork(0, 0))
                try add(body)
            }
            for fork in forks { instructions[fork] = .fork(fork + 1, instructions.count) }
        }

        private mutating func add(repeated body: PatternSyntax) throws(TopicPatternError) {
            let fork = instructions.count
            try append(.fork(0, 0))
            try add(body)
            try append(.jump(to: fork))
            instructions[fork] = .fork(fork + 1, instructions.count)
        }
    }
}

/// Runs a program over texts, all of its threads in step. Keeps its memory from one to the next.
struct PatternRun {
    private let program: PatternProgram
    /// The places that wait for the next character.
    private var waiting: [Int] = []
    private var next: [Int] = []
    private var pending: [Int] = []
    /// The last step in which each instruction was reached.
    private var reached: [Int]
    private var step = 0

    init(of program: PatternProgram) {
        self.program = program
        reached = Array(repeating: 0, count: program.instructions.count)
    }

    /// Whether the whole text matches.
    mutating func accepts(_ text: [UInt8]) -> Bool {
        next.removeAll(keepingCapacity: true)
        step += 1
        var accepted = follow(0, in: text, at: 0)
        for (position, byte) in text.enumerated() {
            swap(&waiting, &next)
            next.removeAll(keepingCapacity: true)
            step += 1
            accepted = false
            for place in waiting {
                if case .take(let set) = program.instructions[place], set.contains(byte),
                    follow(place + 1, in: text, at: position + 1)
                {
                    accepted = true
                }
            }
            if next.isEmpty && !accepted { return false }
        }
        return accepted
    }

    /// Goes from an instruction as far as no character is needed; true when that reaches the end.
    private mutating func follow(_ start: Int, in text: [UInt8], at position: Int) -> Bool {
        var accepted = false
        pending.append(start)
        while let place = pending.popLast() {
            if reached[place] == step { continue }
            reached[place] = step
            switch program.instructions[place] {
            case .take: next.append(place)
            case .require(let assertion):
                if assertion.holds(in: text, at: position) { pending.append(place + 1) }
            case .jump(let target): pending.append(target)
            case .fork(let first, let second):
                pending.append(second)
                pending.append(first)
            case .accept: accepted = true
            }
        }
        return accepted
    }
}
