internal import Coordination

extension Result where Failure == Refusal {
    /// The success, or what stands for the refusal in its place.
    func orElse(_ make: (Refusal) -> Success) -> Success {
        switch self {
        case .success(let value): value
        case .failure(let refusal): make(refusal)
        }
    }
}

extension GroupCoordinator {
    /// Takes a step in the group's shard, and answers with what it answers.
    ///
    /// - Precondition: the step answers with a `Response`.
    func answer<Response: CodedAnswer>(
        _ call: Call<Response>, in group: String, _ step: @escaping Step
    ) {
        submit(group, for: call, step) { (result: Result<Response, Refusal>) in
            call.answer(result.orElse { .refusal($0.code) })
        }
    }
}

extension [String] {
    /// Each once, in the order of their first occurrence: a short request must not lead to an answer
    /// many times its size.
    var distinct: [String] {
        var seen: Set<String> = []
        return filter { seen.insert($0).inserted }
    }
}
