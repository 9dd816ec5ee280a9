// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IRoster} from "../interfaces/IRoster.sol";
import {IRoundsManager} from "../interfaces/IRoundsManager.sol";
import {IVerifierRegistry} from "../interfaces/IVerifierRegistry.sol";
import {Network} from "./Network.sol";

contract RoundsManagerTest is Network {
    function setUp() external {
        deploy();
    }

    function test_a_round_opens_once_the_last_is_over() external {
        vm.expectEmit(true, true, true, true, address(rounds));
        emit IRoundsManager.RoundOpened(1, 1000);
        vm.assertEq(rounds.openRound(), 1);
        vm.roll(1007);
        vm.expectRevert(abi.encodeWithSelector(IRoundsManager.RoundNotOver.selector, 1, 1008));
        rounds.openRound();
        vm.roll(1011);
        vm.prank(address(0xB0B));
        vm.assertEq(rounds.openRound(), 2);
        vm.assertEq(rounds.openedAt(2), 1011);
        vm.assertEq(rounds.openableAt(), 1019);
        vm.expectRevert(abi.encodeWithSelector(IRoundsManager.RoundNotOpened.selector, 3, 2));
        rounds.openedAt(3);
    }

    function test_the_round_of_a_block_is_the_last_one_opened() external {
        rounds.openRound();
        vm.roll(1011);
        rounds.openRound();
        for (uint256 number = 990; number < 1030; ++number) {
            uint64 expected = number < 1000 ? 0 : number < 1011 ? 1 : 2;
            for (uint64 round = 0; round < 4; ++round) {
                vm.assertEq(rounds.isRoundAt(round, number), round == expected);
            }
        }
    }

    /// More rounds than the one slot of recent openings holds.
    function testFuzz_every_block_has_one_round(uint8[12] memory gaps) external {
        uint256 rounds_ = gaps.length;
        uint256[] memory opened = new uint256[](rounds_ + 1);
        for (uint64 round = 1; round <= rounds_; ++round) {
            vm.roll(block.number + 8 + gaps[round - 1] % 4);
            vm.assertEq(rounds.openRound(), round);
            vm.assertEq(rounds.currentRound(), round);
            opened[round] = block.number;
            for (uint64 past = 0; past <= round; ++past) {
                vm.assertEq(rounds.openedAt(past), opened[past]);
            }
        }
        for (uint256 number = 1000; number < block.number + 20; ++number) {
            uint64 expected = 0;
            while (expected < rounds_ && opened[expected + 1] <= number) ++expected;
            for (uint64 round = 0; round <= rounds_ + 1; ++round) {
                vm.assertEq(rounds.isRoundAt(round, number), round == expected);
            }
        }
    }

    function test_only_rounds_take_snapshots() external {
        vm.expectRevert(abi.encodeWithSelector(IRoster.NotTheRoundsManager.selector, address(this)));
        roster.takeSnapshot(1);
        vm.expectRevert(abi.encodeWithSelector(IVerifierRegistry.NotTheRoundsManager.selector, address(this)));
        registry.takeSnapshot(1);
        rounds.openRound();
        vm.startPrank(address(rounds));
        vm.expectRevert(abi.encodeWithSelector(IRoster.SnapshotTaken.selector, 1));
        roster.takeSnapshot(1);
        vm.expectRevert(abi.encodeWithSelector(IVerifierRegistry.SnapshotTaken.selector, 1));
        registry.takeSnapshot(1);
    }
}
