// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {CutHistories} from "../libraries/CutHistories.sol";
import {TestBase} from "./TestBase.sol";

contract CutHistoriesTest is TestBase {
    using CutHistories for uint256;

    struct Terms {
        uint64 fromRound;
        uint16 cut;
        uint16 share;
    }

    /// The oracle: all changes, the first one that of nothing.
    Terms[] private _terms;

    function test_terms_of_a_round_that_has_not_begun_are_replaced() external pure {
        uint256 history = uint256(0).set(5, 1000, 2500).set(5, 2000, 100);
        _is(history, 4, 0, 0);
        _is(history, 5, 2000, 100);
        _is(history, type(uint64).max, 2000, 100);
    }

    function test_the_last_changes_are_exact() external pure {
        uint256 history = uint256(0).set(2, 1000, 1).set(3, 2000, 2).set(9, 3000, 3);
        _is(history, 0, 0, 0);
        _is(history, 1, 0, 0);
        _is(history, 2, 1000, 1);
        _is(history, 3, 2000, 2);
        _is(history, 8, 2000, 2);
        _is(history, 9, 3000, 3);
    }

    function test_of_what_is_forgotten_the_operator_keeps_nothing() external pure {
        uint256 history = uint256(0).set(1, 500, 9000).set(2, 9000, 100).set(3, 8000, 200).set(4, 7000, 300);
        _is(history, 1, 500, 9000);
        _is(history, 0, 0, 10_000);
        history = history.set(5, 6000, 400);
        _is(history, 2, 9000, 100);
        _is(history, 1, 0, 10_000);
    }

    /// Random changes: what the last four say is exact; before them nobody keeps more or shares less than it had promised.
    function testFuzz_nobody_keeps_more_than_it_had_promised(uint16[16] memory seeds) external {
        uint256 history;
        uint64 round;
        _terms.push(Terms(0, 0, 0));
        for (uint256 i = 0; i < seeds.length; ++i) {
            uint16 seed = seeds[i];
            if (seed % 4 != 0 || round == 0) round += 1 + seed % 3;
            Terms memory terms = Terms(round, uint16(seed % 10_001), uint16(uint256(seed) * 7 % 10_001));
            if (_terms[_terms.length - 1].fromRound == round) _terms.pop();
            _terms.push(terms);
            history = history.set(round, terms.cut, terms.share);
        }
        uint64 known = _terms.length < 4 ? 0 : _terms[_terms.length - 4].fromRound;
        for (uint64 r = 0; r <= round + 1; ++r) {
            (uint16 cut, uint16 share) = history.inRound(r);
            Terms memory expected = _inForce(r);
            if (r >= known) {
                vm.assertTrue(cut == expected.cut && share == expected.share, "exact");
            } else {
                vm.assertTrue(cut <= expected.cut && share >= expected.share, "no worse");
            }
        }
    }

    function _inForce(uint64 round) private view returns (Terms memory terms) {
        for (uint256 i = 0; i < _terms.length && _terms[i].fromRound <= round; ++i) {
            terms = _terms[i];
        }
    }

    function _is(uint256 history, uint64 round, uint16 cut, uint16 share) private pure {
        (uint16 foundCut, uint16 foundShare) = history.inRound(round);
        vm.assertEq(foundCut, cut);
        vm.assertEq(foundShare, share);
    }
}
