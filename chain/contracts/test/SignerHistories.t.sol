// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {SignerHistories, SignerHistory} from "../libraries/SignerHistories.sol";
import {TestBase} from "./TestBase.sol";

contract SignerHistoriesTest is TestBase {
    using SignerHistories for SignerHistory;

    address private constant OPERATOR = address(0x0B);
    uint64 private constant MEMORY = 4;

    SignerHistory private _history;
    /// The oracle: who signs in which round, kept for ever.
    address[64] private _signers;

    /// Random changes at random rounds: whatever was accepted, the last `MEMORY` rounds are exact.
    function testFuzz_the_rounds_of_evidence_are_exact(uint8[40] memory steps) external {
        uint64 present = MEMORY;
        uint256 refusals;
        for (uint256 i = 0; i < steps.length; ++i) {
            address signer = steps[i] % 5 == 0 ? OPERATOR : address(uint160(0x100 + i));
            uint64 free = _history.set(signer, present, MEMORY);
            if (free == 0) {
                _signers[present + 1] = signer;
            } else {
                vm.assertTrue(free > present);
                ++refusals;
            }
            vm.assertEq(_history.newest(OPERATOR), _oracle(present + 1));
            for (uint64 round = present - MEMORY; round <= present + 1; ++round) {
                vm.assertEq(_history.signerIn(OPERATOR, round), _oracle(round));
            }
            present += steps[i] >> 6;
            if (present > 58) break;
        }
    }

    function test_a_refused_change_is_possible_in_the_round_that_it_names() external {
        vm.assertEq(_history.set(address(1), 10, MEMORY), 0);
        vm.assertEq(_history.set(address(2), 11, MEMORY), 0);
        vm.assertEq(_history.set(address(3), 12, MEMORY), 0);
        vm.assertEq(_history.set(address(4), 13, MEMORY), 16);
        vm.assertEq(_history.set(address(4), 15, MEMORY), 16);
        vm.assertEq(_history.set(address(4), 16, MEMORY), 0);
        vm.assertEq(_history.signerIn(OPERATOR, 12), address(2));
    }

    function _oracle(uint64 round) private view returns (address) {
        for (; round > 0; --round) {
            if (_signers[round] != address(0)) return _signers[round];
        }
        return OPERATOR;
    }
}
