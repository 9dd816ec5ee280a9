// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Role} from "../objects/Role.sol";
import {GasMeter} from "./GasMeter.sol";
import {Network} from "./Network.sol";

/// What operators and delegators pay. First of everything: accounts, pools, slots and addresses are cold.
/// forge-config: default.isolate = true
contract StakesGasTest is Network, GasMeter {
    address private constant OP = address(0xA1);
    address private constant OTHER = address(0xA2);
    address private constant DEL = address(0xD1);
    Role private constant T = Role.Transcoder;
    Role private constant V = Role.Verifier;

    function setUp() external {
        deploy();
        openRound();
        fund(OP, 1000 * LPT);
        fund(DEL, 1000 * LPT);
    }

    function test_the_very_first_bond_and_delegation() external {
        vm.prank(OP);
        bonding.bond(T, 100 * LPT);
        atMost("bond, first of the network", 200_000);
        vm.prank(DEL);
        bonding.delegate(T, OP, 100 * LPT);
        atMost("delegate, first of the network", 200_000);
    }

    function test_bond_and_delegate() external {
        bond(T, OTHER, 50 * LPT);
        bond(V, OTHER, 50 * LPT);
        vm.prank(OP);
        bonding.bond(T, 100 * LPT);
        atMost("bond, new operator", 200_000);
        vm.prank(OP);
        bonding.bond(T, 100 * LPT);
        atMost("bond, more", 120_000);
        vm.prank(OP);
        bonding.bond(V, 100 * LPT);
        atMost("bond, new verifier", 200_000);
        vm.prank(DEL);
        bonding.delegate(T, OP, 100 * LPT);
        atMost("delegate, new delegator", 200_000);
        vm.prank(DEL);
        bonding.delegate(T, OP, 100 * LPT);
        atMost("delegate, more", 120_000);
    }

    /// With rewards that must be released first: the dearest of the ordinary ways.
    function test_bond_and_delegate_with_pending_rewards() external {
        bond(T, OP, 100 * LPT);
        reward(T, OP, 50 * LPT);
        vm.roll(block.number + 3);
        vm.prank(DEL);
        bonding.delegate(T, OP, 100 * LPT);
        atMost("delegate, new delegator, rewards pending", 200_000);
        vm.roll(block.number + 3);
        vm.prank(OP);
        bonding.bond(T, 100 * LPT);
        atMost("bond, more, rewards pending", 150_000);
        token.transfer(address(bonding), LPT);
        vm.prank(addresses.minter);
        bonding.reward(1, T, OP, LPT);
        atMost("reward", 150_000);
    }

    function test_the_way_out() external {
        bond(T, OP, 100 * LPT);
        bond(T, OTHER, 100 * LPT);
        delegate(T, OP, DEL, 100 * LPT);
        vm.prank(DEL);
        uint256 a = bonding.unbond(T, OP, 10 * LPT);
        atMost("unbond", 260_000);
        vm.prank(DEL);
        uint256 b = bonding.move(T, OP, OTHER, 10 * LPT);
        atMost("move", 270_000);
        vm.prank(DEL);
        uint256 c = bonding.unbond(T, OP, 10 * LPT);
        atMost("unbond, another", 220_000);
        vm.prank(DEL);
        bonding.rebond(c);
        atMost("rebond", 150_000);
        for (uint256 i = 0; i < 4; ++i) {
            openRound();
        }
        vm.roll(block.number + 35);
        vm.prank(DEL);
        bonding.withdraw(a);
        atMost("withdraw", 110_000);
        bonding.arrive(b);
        atMost("arrive", 180_000);
    }

    function test_signers_and_terms() external {
        address signer = vm.addr(0x407);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(0x407, operators.consentDigest(OP, signer));
        vm.prank(OP);
        operators.authorise(signer, abi.encodePacked(r, s, v));
        atMost("authorise", 130_000);
        openRound();
        vm.prank(signer);
        operators.setPrice(OP, 1200);
        atMost("setPrice, first", 90_000);
        vm.prank(signer);
        operators.setPrice(OP, 1300);
        atMost("setPrice", 70_000);
        vm.prank(OP);
        operators.setCuts(T, 1000, 2500);
        atMost("setCuts", 70_000);
    }
}
