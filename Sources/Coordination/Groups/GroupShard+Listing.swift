package import WireProtocol

extension GroupShard {
    /// The groups in any of the states and of any of the types; an empty filter lets all through.
    ///
    /// - Returns: in the order of their ids.
    package mutating func listGroups(
        _ request: ListGroupsRequest, _ call: GroupCall
    ) -> [GroupEffect] {
        var step = begin(at: call.now)
        let states = Set(request.statesFilter.map { $0.lowercased() })
        let types = Set(request.typesFilter.map { $0.lowercased() })
        var listed: [ListGroupsResponse.ListedGroup] = []
        for (id, group) in groups.sorted(by: { $0.key < $1.key }) {
            if !states.isEmpty && !states.contains(group.stateName.lowercased()) { continue }
            if !types.isEmpty && !types.contains(group.typeName) { continue }
            var entry = ListGroupsResponse.ListedGroup()
            entry.groupId = id
            entry.protocolType = group.protocolType
            entry.groupState = group.stateName
            entry.groupType = group.typeName
            listed.append(entry)
        }
        step.answer(call.ticket, .listed(listed))
        return step.effects
    }

    /// A classic group as it stands. One that is not known is "dead", and from version 6 that is an
    /// error (KIP-1043).
    package mutating func describeGroup(_ id: String, _ call: GroupCall) -> [GroupEffect] {
        var step = begin(at: call.now)
        guard case .classic(let group)? = groups[id] else {
            let isError = call.version >= 6
            var answer = DescribeGroupsResponse.DescribedGroup.refusal(
                isError ? .groupIdNotFound : .noError, group: id,
                message: isError ? "There is no classic group '\(id)'." : nil)
            answer.groupState = "Dead"
            step.answer(call.ticket, .described(answer))
            return step.effects
        }
        step.answer(call.ticket, .described(group.described()))
        return step.effects
    }
}
