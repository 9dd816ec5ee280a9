// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @notice Where an operator is in the set (`place` 0: it is not), and whether it is kept out of it. One slot.
struct Seat {
    uint8 place;
    bool barred;
}

/// @notice The operators of one role that the next snapshot takes, with their weights.
struct ActiveSet {
    /// The place that the next newcomer takes, counted from 1: never zero, so that the first operator pays as little
    /// as every other.
    uint256 next;
    /// One word each: address in the upper 160 bits, weight in the lower 96. In no order.
    mapping(uint256 place => uint256) members;
    mapping(address operator => Seat) seats;
    /// The members' weights once more, shortened to 24 bits, ten in a word, by place (the first place is bits 0 to 23 of
    /// word 0): what a newcomer to a full set reads to find the smallest. All ones where there is no member.
    mapping(uint256 word => uint256) keys;
}

/// @title A bounded set in which weight decides who stays
/// @notice Costs are constant, except that a newcomer to a full set reads a word for every ten members to find the
///         smallest. Of weights that differ by less than 2^-17 of themselves the first found counts as the smaller.
library ActiveSets {
    using ActiveSets for ActiveSet;

    uint256 private constant KEY_BITS = 24;
    uint256 private constant KEY_MASK = (1 << KEY_BITS) - 1;
    uint256 private constant KEYS_PER_WORD = 10;
    /// Bits of a weight that its key has, the leading one included.
    uint256 private constant KEPT_BITS = 18;

    function pack(address operator, uint96 weight) internal pure returns (uint256) {
        return (uint256(uint160(operator)) << 96) | weight;
    }

    function operatorOf(uint256 member) internal pure returns (address) {
        return address(uint160(member >> 96));
    }

    function weightOf(uint256 member) internal pure returns (uint96) {
        return uint96(member);
    }

    /// @notice A weight's order in 24 bits: its upper 18 bits, and above them how far they were shifted. Never
    ///         descends where weights ascend, and is below `KEY_MASK`.
    function keyOf(uint96 weight) internal pure returns (uint256 key) {
        unchecked {
            uint256 leading = Math.log2(weight);
            uint256 shift = leading < KEPT_BITS ? 0 : leading - (KEPT_BITS - 1);
            return (shift << (KEPT_BITS - 1)) + (weight >> shift);
        }
    }

    /// @notice Makes the set ready, once, before anything else.
    function open(ActiveSet storage self, uint256 bound) internal {
        self.next = 1;
        for (uint256 first = 0; first < bound; first += KEYS_PER_WORD) {
            self.keys[first / KEYS_PER_WORD] = type(uint256).max;
        }
    }

    /// @notice Number of members.
    function size(ActiveSet storage self) internal view returns (uint256) {
        return self.next - 1;
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
        return self.seats[operator].place != 0;
    }

    function isBarred(ActiveSet storage self, address operator) internal view returns (bool) {
        return self.seats[operator].barred;
    }

    /// @notice Records the weight of a member; nothing of who is not.
    function note(ActiveSet storage self, address operator, uint96 weight) internal {
        uint256 place = self.seats[operator].place;
        if (place != 0) _write(self, place, operator, weight);
    }

    /// @notice Records the weight of a member, or admits a newcomer that is not barred: to a free place, or to that
    ///         of the smallest member if the newcomer is larger.
    /// @param bound most members, that of `open`; at most 255
    /// @return entered whether the operator was not in the set and is now
    /// @return evicted who lost its place, or zero
    function put(ActiveSet storage self, address operator, uint96 weight, uint256 bound)
        internal
        returns (bool entered, address evicted)
    {
        Seat memory seat = self.seats[operator];
        if (seat.barred) return (false, address(0));
        if (seat.place != 0) {
            _write(self, seat.place, operator, weight);
            return (false, address(0));
        }
        uint256 place = self.next;
        if (place <= bound) {
            self.next = place + 1;
        } else {
            place = _smallestPlace(self, bound);
            uint256 member = self.members[place];
            if (weight <= weightOf(member)) return (false, address(0));
            evicted = operatorOf(member);
            delete self.seats[evicted];
        }
        self.seats[operator].place = uint8(place);
        _write(self, place, operator, weight);
        return (true, evicted);
    }

    /// @notice Takes an operator out; the last member moves to its place.
    /// @return left whether it was in the set
    function remove(ActiveSet storage self, address operator) internal returns (bool left) {
        uint256 place = self.seats[operator].place;
        if (place == 0) return false;
        uint256 last = self.size();
        if (place != last) {
            uint256 moved = self.members[last];
            self.members[place] = moved;
            self.seats[operatorOf(moved)].place = uint8(place);
            _noteKey(self, place, keyOf(weightOf(moved)));
        }
        delete self.members[last];
        self.next = last;
        _noteKey(self, last, KEY_MASK);
        self.seats[operator].place = 0;
        return true;
    }

    /// @notice Takes an operator out and lets nobody put it back before `admit`.
    function bar(ActiveSet storage self, address operator) internal returns (bool left) {
        left = self.remove(operator);
        self.seats[operator].barred = true;
    }

    function admit(ActiveSet storage self, address operator) internal {
        self.seats[operator].barred = false;
    }

    /// @dev Place of the member with the smallest key, the first of them.
    function _smallestPlace(ActiveSet storage self, uint256 bound) private view returns (uint256 place) {
        uint256 smallest = KEY_MASK;
        unchecked {
            for (uint256 before = 0; before < bound; before += KEYS_PER_WORD) {
                uint256 word = self.keys[before / KEYS_PER_WORD];
                for (uint256 here = before + 1; word > type(uint16).max; word >>= KEY_BITS) {
                    uint256 key = word & KEY_MASK;
                    if (key < smallest) (smallest, place) = (key, here);
                    ++here;
                }
            }
        }
    }

    function _write(ActiveSet storage self, uint256 place, address operator, uint96 weight) private {
        self.members[place] = pack(operator, weight);
        _noteKey(self, place, keyOf(weight));
    }

    function _noteKey(ActiveSet storage self, uint256 place, uint256 key) private {
        // Places are counted from 1.
        unchecked {
            uint256 shift = (place - 1) % KEYS_PER_WORD * KEY_BITS;
            uint256 number = (place - 1) / KEYS_PER_WORD;
            uint256 word = self.keys[number];
            uint256 noted = (word & ~(KEY_MASK << shift)) | (key << shift);
            if (noted != word) self.keys[number] = noted;
        }
    }
}
