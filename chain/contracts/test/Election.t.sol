// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Candidates, Election} from "../libraries/Election.sol";
import {TestBase} from "./TestBase.sol";

contract ElectionTest is TestBase {
    function test_agrees_with_the_vectors() external view {
        string memory json = vectors("election");
        Candidates memory candidates = _candidates(json);
        uint256 cases;
        for (; vm.keyExistsJson(json, item("cases", cases, "")); ++cases) {
            address[] memory electees = vm.parseJsonAddressArray(json, item("cases", cases, ".electees"));
            for (uint8 attempt = 0; attempt < 4; ++attempt) {
                if (attempt > electees.length) break;
                address electee = Election.elect(
                    candidates,
                    vm.parseJsonBytes32(json, item("cases", cases, ".seed")),
                    vm.parseJsonUint(json, item("cases", cases, ".jobId")),
                    uint32(vm.parseJsonUint(json, item("cases", cases, ".seq"))),
                    attempt,
                    vm.parseJsonUint(json, item("cases", cases, ".maxPrice")),
                    _first(electees, attempt)
                );
                // A shorter list says that the candidates were used up.
                vm.assertEq(electee, attempt < electees.length ? electees[attempt] : address(0));
            }
            vm.assertTrue(electees.length > 0);
        }
        vm.assertTrue(cases >= 10, "too few vectors");
    }

    function test_agrees_with_the_vectors_across_rounds() external view {
        string memory json = vectors("election");
        Candidates memory candidates = _candidates(json);
        uint256 cases;
        for (; vm.keyExistsJson(json, item("acrossRounds", cases, "")); ++cases) {
            vm.assertEq(
                Election.elect(
                    candidates,
                    vm.parseJsonBytes32(json, item("acrossRounds", cases, ".seed")),
                    vm.parseJsonUint(json, item("acrossRounds", cases, ".jobId")),
                    uint32(vm.parseJsonUint(json, item("acrossRounds", cases, ".seq"))),
                    uint8(vm.parseJsonUint(json, item("acrossRounds", cases, ".attempt"))),
                    vm.parseJsonUint(json, item("acrossRounds", cases, ".maxPrice")),
                    vm.parseJsonAddressArray(json, item("acrossRounds", cases, ".excluded"))
                ),
                vm.parseJsonAddress(json, item("acrossRounds", cases, ".electee"))
            );
        }
        vm.assertTrue(cases >= 10, "too few vectors");
    }

    function test_nobody_when_every_price_is_above_the_cap() external pure {
        vm.assertEq(Election.elect(_three(), 0, 1, 0, 0, 9, new address[](0)), address(0));
    }

    function test_nobody_when_the_candidates_are_used_up() external pure {
        Candidates memory candidates = _three();
        vm.assertTrue(
            Election.elect(candidates, 0, 1, 0, 2, 10, _first(candidates.operators, 2)) == address(3)
        );
        vm.assertEq(Election.elect(candidates, 0, 1, 0, 3, 10, candidates.operators), address(0));
    }

    function testFuzz_attempts_never_repeat_an_electee(bytes32 seed, uint32 seq) external pure {
        address[] memory elected = new address[](3);
        for (uint8 attempt = 0; attempt < 3; ++attempt) {
            elected[attempt] = Election.elect(_three(), seed, 1, seq, attempt, 10, _first(elected, attempt));
        }
        vm.assertTrue(elected[0] != elected[1] && elected[1] != elected[2] && elected[0] != elected[2]);
    }

    function test_shares_follow_weights() external pure {
        Candidates memory candidates = _three();
        address[] memory nobody = new address[](0);
        uint256 wins;
        for (uint32 seq = 0; seq < 1200; ++seq) {
            if (Election.elect(candidates, keccak256("shares"), 7, seq, 0, 10, nobody) == address(3)) ++wins;
        }
        // Weight 3 of 6: 600 expected, standard deviation 17.
        vm.assertTrue(wins > 530 && wins < 670);
    }

    function _candidates(string memory json) private pure returns (Candidates memory) {
        return Candidates(
            vm.parseJsonAddressArray(json, ".operators"),
            vm.parseJsonUintArray(json, ".weights"),
            vm.parseJsonUintArray(json, ".prices")
        );
    }

    function _first(address[] memory list, uint256 count) private pure returns (address[] memory head) {
        head = new address[](count);
        for (uint256 i = 0; i < count; ++i) {
            head[i] = list[i];
        }
    }

    function _three() private pure returns (Candidates memory candidates) {
        candidates = Candidates(new address[](3), new uint256[](3), new uint256[](3));
        for (uint256 i = 0; i < 3; ++i) {
            candidates.operators[i] = address(uint160(i + 1));
            candidates.weights[i] = i + 1;
            candidates.prices[i] = 10;
        }
    }
}
