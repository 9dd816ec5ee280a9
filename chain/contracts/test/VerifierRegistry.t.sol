// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IVerifierRegistry} from "../interfaces/IVerifierRegistry.sol";
import {Bls} from "../libraries/Bls.sol";
import {VerifierSets} from "../libraries/VerifierSets.sol";
import {Role} from "../objects/Role.sol";
import {InvalidParameter, Parameters} from "../Parameters.sol";
import {VerifierRegistry} from "../VerifierRegistry.sol";
import {BlsSigner} from "./BlsSigner.sol";
import {Network} from "./Network.sol";

contract VerifierRegistryTest is Network {
    using BlsSigner for uint256;

    /// The point of the twist with the smallest x whose imaginary part is 0.
    bytes private constant OUTSIDE_SUBGROUP = hex"00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000002"
        hex"00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
        hex"0000000000000000000000000000000018c6b864ae17dc9da64203ffefb966306425a7bc6aeb7c75247438372716284a4173830420cd476ba1a365b95bfcec38"
        hex"00000000000000000000000000000000172e93db764a8400a7d5071b6b6f5de0da2f0f4a063119abca014006b7c40a2cfe291a1924e65db0d6d0fcfbf3bf3d5c";

    function setUp() external {
        deploy();
    }

    function test_a_key_is_registered_for_good() external {
        bytes memory key = uint256(11).key();
        vm.expectEmit(true, true, true, true, address(registry));
        emit IVerifierRegistry.VerifierRegistered(address(1), 0, key);
        register(address(1), 11);
        register(address(2), 12);
        vm.assertEq(registry.keyOf(address(1)), key);
        vm.assertEq(registry.count(), 2);
        vm.assertEq(registry.operatorAt(1), address(2));
        vm.assertTrue(registry.isRegistered(address(2)));
        vm.expectRevert(abi.encodeWithSelector(IVerifierRegistry.AlreadyRegistered.selector, address(1), 0));
        vm.prank(address(1));
        registry.register(address(1), key, key);
        vm.expectRevert(
            abi.encodeWithSelector(IVerifierRegistry.KeyTaken.selector, keccak256(key), address(1))
        );
        vm.prank(address(3));
        registry.register(address(3), key, key);
        vm.expectRevert(abi.encodeWithSelector(IVerifierRegistry.NotRegistered.selector, address(3)));
        registry.keyOf(address(3));
    }

    function test_possessions_of_the_vectors_are_accepted() external {
        string memory json = vectors("bls");
        vm.chainId(vm.parseJsonUint(json, ".chainId"));
        address home = vm.parseJsonAddress(json, ".registry");
        vm.etch(home, address(registry).code);
        VerifierRegistry there = VerifierRegistry(home);
        for (uint256 i = 0; vm.keyExistsJson(json, item("signers", i, "")); ++i) {
            address operator = vm.parseJsonAddress(json, item("signers", i, ".operator"));
            bytes memory key = vm.parseJsonBytes(json, item("signers", i, ".key"));
            vm.assertEq(
                there.possessionMessage(key, operator),
                vm.parseJsonBytes32(json, item("signers", i, ".possessionMessage"))
            );
            vm.prank(operator);
            vm.assertEq(
                there.register(operator, key, vm.parseJsonBytes(json, item("signers", i, ".possession"))), i
            );
        }
        vm.assertTrue(there.count() >= 2);
    }

    function test_a_possession_is_bound_to_key_operator_chain_and_registry() external {
        bytes memory key = uint256(11).key();
        bytes memory possession = uint256(11).prove(registry.possessionMessage(key, address(1)));
        _refuse(address(2), key, possession);
        _refuse(address(1), uint256(12).key(), possession);
        // A signature over the same message is no possession.
        _refuse(address(1), key, uint256(11).sign(registry.possessionMessage(key, address(1))));
        vm.chainId(5);
        _refuse(address(1), key, possession);
        vm.chainId(31337);
        VerifierRegistry other =
            VerifierRegistry(create("VerifierRegistry", abi.encode(parameters(), addresses)));
        vm.expectRevert(
            abi.encodeWithSelector(IVerifierRegistry.InvalidProofOfPossession.selector, address(1))
        );
        vm.prank(address(1));
        other.register(address(1), key, possession);
    }

    function test_infinity_and_points_outside_the_subgroup_are_refused() external {
        vm.expectRevert(Bls.PointAtInfinity.selector);
        registry.register(address(this), new bytes(256), new bytes(128));
        bytes memory key = uint256(11).key();
        vm.expectRevert(Bls.PointAtInfinity.selector);
        registry.register(address(this), key, new bytes(128));
        vm.expectPartialRevert(Bls.WrongPointLength.selector);
        registry.register(address(this), hex"11", new bytes(128));
        bytes memory signature = uint256(11).sign("m");
        key[255] ^= 0x01;
        vm.expectRevert(abi.encodeWithSelector(Bls.InvalidPoint.selector, address(0x0f)));
        registry.register{gas: 2_000_000}(address(this), key, signature);
        // On the twist, but times the group's order not infinity.
        vm.expectRevert(abi.encodeWithSelector(Bls.InvalidPoint.selector, address(0x0f)));
        registry.register{gas: 2_000_000}(address(this), OUTSIDE_SUBGROUP, signature);
    }

    function test_a_snapshot_has_who_is_active_and_registered() external {
        for (uint160 i = 1; i <= 4; ++i) {
            bond(Role.Verifier, address(i), (5 - i) * 100 * LPT);
        }
        // 3 has no key, 5 has no stake.
        register(address(4), 104);
        register(address(1), 101);
        register(address(2), 102);
        register(address(5), 105);
        openRound();
        (address[] memory operators, uint256[] memory weights, uint256 total, bytes memory key) =
            registry.snapshot(1);
        vm.assertEq(operators.length, 3);
        vm.assertTrue(operators[0] == address(1) && operators[1] == address(2) && operators[2] == address(4));
        vm.assertEq(weights[1], 300 * LPT);
        vm.assertEq(total, 800 * LPT);
        vm.assertEq(key, uint256(101 + 102 + 104).key());
        (address operator, uint256 weight) = registry.verifierAt(1, 2);
        vm.assertTrue(operator == address(4) && weight == 100 * LPT);
        vm.expectRevert(abi.encodeWithSelector(IVerifierRegistry.PositionOutOfRange.selector, 3, 3));
        registry.verifierAt(1, 3);
        vm.expectRevert(abi.encodeWithSelector(IVerifierRegistry.NoSnapshot.selector, 2));
        registry.snapshot(2);
    }

    function test_without_verifiers_the_sum_is_infinity() external {
        openRound();
        (address[] memory operators,, uint256 total, bytes memory key) = registry.snapshot(1);
        vm.assertTrue(operators.length == 0 && total == 0);
        vm.assertEq(key, new bytes(256));
    }

    /// Subtracting the absent keys and adding the present ones give the same.
    function test_every_bitmap_tallies_to_the_sum_of_its_keys() external {
        for (uint160 i = 1; i <= 5; ++i) {
            bond(Role.Verifier, address(i), i * 100 * LPT);
            register(address(i), 1 << i);
        }
        openRound();
        for (uint64 bitmap = 1; bitmap < 32; ++bitmap) {
            (uint256 signed, uint256 total,, bytes memory key) = registry.tally(1, bitmap, address(0));
            vm.assertEq(key, uint256(bitmap << 1).key());
            uint256 expected;
            for (uint256 i = 0; i < 5; ++i) {
                if ((bitmap >> i) & 1 == 1) expected += (i + 1) * 100 * LPT;
            }
            vm.assertEq(signed, expected);
            vm.assertEq(total, 1500 * LPT);
        }
        (uint256 none,,, bytes memory empty) = registry.tally(1, 0, address(0));
        vm.assertEq(none, 0);
        vm.assertEq(empty, new bytes(256));
    }

    function test_the_excluded_counts_on_neither_side() external {
        for (uint160 i = 1; i <= 3; ++i) {
            bond(Role.Verifier, address(i), i * 100 * LPT);
            register(address(i), i);
        }
        delegate(Role.Verifier, address(1), address(0xDE1), 50 * LPT);
        openRound();
        (uint256 signed, uint256 total, uint256 own) = registry.weigh(1, 5, address(2));
        vm.assertTrue(signed == 450 * LPT && total == 450 * LPT && own == 400 * LPT);
        vm.expectRevert(abi.encodeWithSelector(VerifierSets.UnknownSigner.selector, 7, 3));
        registry.weigh(1, 7, address(2));
        vm.expectRevert(abi.encodeWithSelector(VerifierSets.UnknownSigner.selector, 8, 3));
        registry.weigh(1, 8, address(0));
    }

    function test_signers_are_held_while_a_case_of_their_round_is_unfinished() external {
        for (uint160 i = 1; i <= 3; ++i) {
            bond(Role.Verifier, address(i), 100 * LPT);
            register(address(i), i);
        }
        openRound();
        openRound();
        vm.startPrank(address(court));
        registry.hold(1, 5);
        registry.hold(1, 1);
        vm.stopPrank();
        vm.assertTrue(registry.isHeld(address(1), 1) && registry.isHeld(address(3), 2));
        vm.assertFalse(registry.isHeld(address(2), 1));
        // What began to unbond before the round was not at stake in it.
        vm.assertFalse(registry.isHeld(address(1), 0));
        // 38 blocks of D, evidence and two case windows are 5 rounds of 8; three times 7 are the resolver's; and one more.
        vm.assertEq(registry.heldRounds(), 27);
        vm.assertTrue(registry.isHeld(address(1), 27));
        vm.assertFalse(registry.isHeld(address(1), 28));
        vm.startPrank(address(court));
        registry.release(1);
        vm.assertTrue(registry.isHeld(address(3), 1));
        registry.release(1);
        vm.stopPrank();
        vm.assertFalse(registry.isHeld(address(1), 1) || registry.isHeld(address(3), 1));
        vm.expectRevert(abi.encodeWithSelector(IVerifierRegistry.NotTheCourt.selector, address(this)));
        registry.hold(1, 1);
        vm.expectRevert(abi.encodeWithSelector(IVerifierRegistry.NotTheCourt.selector, address(this)));
        registry.release(1);
    }

    function test_the_time_of_a_case_is_bounded() external {
        Parameters memory p = parameters();
        p.resolverRounds = 32;
        vm.expectRevert(abi.encodeWithSelector(InvalidParameter.selector, "heldRounds", 102, 100));
        create("VerifierRegistry", abi.encode(p, addresses));
    }

    function test_the_signer_registers_for_its_operator_and_no_stranger() external {
        openRound();
        authorise(address(1), 0x407);
        openRound();
        bytes memory key = uint256(11).key();
        bytes memory possession = uint256(11).prove(registry.possessionMessage(key, address(1)));
        vm.expectRevert(
            abi.encodeWithSelector(IVerifierRegistry.NotTheOperator.selector, address(2), address(1))
        );
        vm.prank(address(2));
        registry.register(address(1), key, possession);
        vm.prank(vm.addr(0x407));
        registry.register(address(1), key, possession);
        vm.assertEq(registry.keyOf(address(1)), key);
    }

    function test_the_largest_set_fits() external {
        for (uint160 i = 1; i <= 64; ++i) {
            bond(Role.Verifier, address(i), 100 * LPT);
            register(address(i), i);
        }
        openRound();
        (uint256 signed, uint256 total, uint256 own, bytes memory key) =
            registry.tally(1, type(uint64).max, address(0));
        vm.assertEq(signed, total);
        vm.assertEq(own, 6400 * LPT);
        vm.assertEq(key, uint256(64 * 65 / 2).key());
    }

    function _refuse(address operator, bytes memory key, bytes memory possession) private {
        vm.expectRevert(abi.encodeWithSelector(IVerifierRegistry.InvalidProofOfPossession.selector, operator));
        vm.prank(operator);
        registry.register(operator, key, possession);
    }
}
