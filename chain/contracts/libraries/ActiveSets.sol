// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @notice The operators of one role that the next snapshot takes, with their weights.
struct ActiveSet {
    /// One word each: address in the upper 160 bits, weight in the lower 96. In no order, behind a zero at place 0
    /// that `open` puts there: the first operator then pays as little as every other.
    uint256[] members;
    /// Place in `members`; 0 for an operator that is not in the set.
    mapping(address operator => uint256 place) places;
}

/// @title A bounded set in which weight decides who stays
/// @notice Costs are constant, except that a newcomer to a full set reads all of it once to find the smallest.
library ActiveSets {
    using ActiveSets for ActiveSet;

    function pack(address operator, uint96 weight) internal pure returns (uint256) {
        return (uint256(uint160(operator)) << 96) | weight;
    }

    function operatorOf(uint256 member) internal pure returns (address) {
        return address(uint160(member >> 96));
    }

    function weightOf(uint256 member) internal pure returns (uint96) {
        return uint96(member);
    }

    /// @notice Makes the set ready, once, before anything else.
    function open(ActiveSet storage self) internal {
        self.members.push(0);
    }

    /// @notice Number of members.
    function size(ActiveSet storage self) internal view returns (uint256) {
        return self.members.length - 1;
    }

    /// @notice All member words, in no order.
    function list(ActiveSet storage self) internal view returns (uint256[] memory members) {
        uint256 count = self.size();
        members = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) {
            members[i] = self.members[i + 1];
        }
    }

    function contains(ActiveSet storage self, address operator) internal view returns (bool) {
        return self.places[operator] != 0;
    }

    /// @notice Records the weight of a member, or admits a newcomer: to a free place, or to that of the
    ///         smallest member if the newcomer is larger.
    /// @return entered whether the operator was not in the set and is now
    /// @return evicted who lost its place, or zero
    function put(ActiveSet storage self, address operator, uint96 weight, uint256 bound)
        internal
        returns (bool entered, address evicted)
    {
        uint256 place = self.places[operator];
        if (place != 0) {
            self.members[place] = pack(operator, weight);
            return (false, address(0));
        }
        uint256 count = self.size();
        if (count < bound) {
            self.members.push(pack(operator, weight));
            self.places[operator] = count + 1;
            return (true, address(0));
        }
        (uint256 smallest, uint256 member) = self.smallestMember();
        if (weight <= weightOf(member)) return (false, address(0));
        evicted = operatorOf(member);
        delete self.places[evicted];
        self.members[smallest] = pack(operator, weight);
        self.places[operator] = smallest;
        return (true, evicted);
    }

    /// @notice Takes an operator out; the last member moves to its place.
    /// @return left whether it was in the set
    function remove(ActiveSet storage self, address operator) internal returns (bool left) {
        uint256 place = self.places[operator];
        if (place == 0) return false;
        uint256 last = self.size();
        if (place != last) {
            uint256 moved = self.members[last];
            self.members[place] = moved;
            self.places[operatorOf(moved)] = place;
        }
        self.members.pop();
        delete self.places[operator];
        return true;
    }

    /// @dev The set is not empty. Of equal weights the first found counts as the smallest.
    function smallestMember(ActiveSet storage self) internal view returns (uint256 place, uint256 member) {
        uint256 count = self.size();
        (place, member) = (1, self.members[1]);
        for (uint256 i = 2; i <= count; ++i) {
            uint256 other = self.members[i];
            if (weightOf(other) < weightOf(member)) (place, member) = (i, other);
        }
    }
}
