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

    /// Takes a step for each of several groups, each in its shard; the step is told which of them
    /// it is for. `answer` gets all answers at once, in the order of the groups.
    ///
    /// - Precondition: the step answers with an `Answer`.
    func submitEach<Answer: GroupsAnswer, Response>(
        _ groups: [String], for call: Call<Response>,
        _ step: @escaping @Sendable (inout GroupShard, Int, GroupCall) -> [GroupEffect],
        answer: @escaping @Sendable ([Answer]) -> Void
    ) {
        let gathered = Gathered<Answer>(groups.count, then: answer)
        for (index, group) in groups.enumerated() {
            submit(group, for: call) {
                step(&$0, index, $1)
            } answer: { (result: Result<Answer, Refusal>) in
                gathered.put(result.orElse { .refusal($0.code, group: group) }, at: index)
            }
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
