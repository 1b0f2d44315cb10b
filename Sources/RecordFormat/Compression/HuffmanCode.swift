/// Makes canonical Huffman codes for what deflate writes.
enum HuffmanCode {
    /// A code with its first bit lowest, as it goes into the stream.
    struct Code {
        let bits: UInt16
        let length: UInt8
    }

    /// The length of each symbol's code, 0 for symbols that are not used, none above `limit`.
    ///
    /// At least two symbols get one, so that the code is complete: some readers refuse others.
    static func lengths(of uses: [UInt32], limit: Int) -> [UInt8] {
        var used = uses.indices.filter { uses[$0] > 0 }
        for spare in uses.indices where used.count < 2 && uses[spare] == 0 { used.append(spare) }
        // Ties in the order of symbols, so that equal inputs give equal bytes.
        used.sort { (uses[$0], $0) < (uses[$1], $1) }

        let depths = depths(of: used.map { UInt64(max(uses[$0], 1)) })
        var counts = [Int](repeating: 0, count: limit + 1)
        for depth in depths { counts[min(depth, limit)] += 1 }
        shorten(&counts, limit: limit)

        // The rarest symbols take the longest codes.
        var lengths = [UInt8](repeating: 0, count: uses.count)
        var next = used.startIndex
        for length in stride(from: limit, to: 0, by: -1) {
            for _ in 0..<counts[length] {
                lengths[used[next]] = UInt8(length)
                next += 1
            }
        }
        return lengths
    }

    /// How deep each leaf of the Huffman tree lies, for weights in rising order, two at least.
    ///
    /// Inner nodes come about in rising order as well, so the two lightest nodes are always at the
    /// front of the leaves or of the inner nodes.
    private static func depths(of weights: [UInt64]) -> [Int] {
        let leaves = weights.count
        var weights = weights
        var parents = [Int](repeating: 0, count: 2 * leaves - 1)
        var leaf = 0
        var inner = leaves
        while weights.count < 2 * leaves - 1 {
            var sum: UInt64 = 0
            for _ in 0..<2 {
                let takesLeaf =
                    leaf < leaves && (inner >= weights.count || weights[leaf] <= weights[inner])
                let node = takesLeaf ? leaf : inner
                if takesLeaf { leaf += 1 } else { inner += 1 }
                sum += weights[node]
                parents[node] = weights.count
            }
            weights.append(sum)
        }
        var depths = [Int](repeating: 0, count: weights.count)
        for node in stride(from: weights.count - 2, through: 0, by: -1) {
            depths[node] = depths[parents[node]] + 1
        }
        return Array(depths[..<leaves])
    }

    /// Mends the counts of code lengths after the deepest were cut to `limit`: as long as too many
    /// codes are asked for, one of the longest moves up beside a shorter one, which grows by a bit.
    private static func shorten(_ counts: inout [Int], limit: Int) {
        var taken = 0
        for length in 1...limit { taken += counts[length] << (limit - length) }
        while taken > 1 << limit {
            counts[limit] -= 1
            guard let shorter = (1..<limit).last(where: { counts[$0] > 0 }) else { return }
            counts[shorter] -= 1
            counts[shorter + 1] += 2
            taken -= 1
        }
    }

    /// The codes for these lengths (RFC 1951, section 3.2.2).
    static func codes(of lengths: [UInt8]) -> [Code] {
        var counts = [Int](repeating: 0, count: 17)
        for length in lengths where length > 0 { counts[Int(length)] += 1 }
        var next = [Int](repeating: 0, count: 17)
        for length in 1..<16 { next[length + 1] = (next[length] + counts[length]) << 1 }
        return lengths.map { length in
            if length == 0 { return Code(bits: 0, length: 0) }
            let code = next[Int(length)]
            next[Int(length)] += 1
            let bits = HuffmanDecoder.reversed(code, bits: Int(length))
            return Code(bits: UInt16(bits), length: length)
        }
    }
}
