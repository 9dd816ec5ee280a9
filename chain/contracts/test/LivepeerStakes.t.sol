// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {LivepeerStakes} from "../adapters/LivepeerStakes.sol";
import {ISlashable} from "../interfaces/ISlashable.sol";
import {LivepeerToken} from "../LivepeerToken.sol";
import {Role} from "../objects/Role.sol";
import {LivepeerDouble} from "./Livepeer.sol";
import {TestBase} from "./TestBase.sol";

/// The court behind Livepeer's controller.
contract LivepeerStakesTest is TestBase {
    address private constant OPERATOR = address(0x0123);
    uint256 private constant LPT = 1e18;

    LivepeerToken private _token;
    LivepeerDouble private _livepeer;
    LivepeerStakes private _stakes;

    function setUp() external {
        _token = LivepeerToken(create("LivepeerToken", abi.encode(address(this), 1000 * LPT, address(0))));
        _livepeer = new LivepeerDouble(_token);
        // This test is the court.
        _stakes = LivepeerStakes(create("LivepeerStakes", abi.encode(_livepeer, _token, address(this))));
        _livepeer.setContract("Verifier", address(_stakes));
        _token.transfer(address(_livepeer), 500 * LPT);
        _livepeer.bond(OPERATOR, 100 * LPT, 400 * LPT);
    }

    function test_a_slash_cuts_the_own_bond_and_hands_it_to_the_court() external {
        uint256 had = _token.balanceOf(address(this));
        (uint256 own, uint256 delegated) = _stakes.slash(Role.Transcoder, OPERATOR, 1000);
        vm.assertEq(own, 10 * LPT);
        vm.assertEq(delegated, 0);
        vm.assertEq(_token.balanceOf(address(this)) - had, 10 * LPT);
        (uint256 bonded, uint256 all, bool active) = _livepeer.delegators(OPERATOR);
        vm.assertEq(bonded, 90 * LPT);
        // Delegations are out of reach.
        vm.assertEq(all, 490 * LPT);
        vm.assertFalse(active);
        vm.assertEq(_stakes.slashable(Role.Transcoder, OPERATOR), 90 * LPT);
    }

    /// Whatever the part, what is reported is what arrived.
    function testFuzz_the_cut_is_what_arrives(uint256 bps, uint96 bonded) external {
        bps = bound(bps, 0, 10_000);
        uint256 stake = bound(bonded, 0, 500 * LPT);
        _livepeer.bond(OPERATOR, stake, 0);
        uint256 had = _token.balanceOf(address(this));
        (uint256 own,) = _stakes.slash(Role.Transcoder, OPERATOR, bps);
        vm.assertEq(own, stake * bps / 10_000);
        vm.assertEq(_token.balanceOf(address(this)) - had, own);
    }

    function test_only_the_registered_verifier_slashes() external {
        _livepeer.setContract("Verifier", address(0xBAD));
        vm.expectRevert(bytes("caller must be Verifier"));
        _stakes.slash(Role.Transcoder, OPERATOR, 1000);
    }

    function test_nothing_is_cut_while_livepeer_is_paused() external {
        _livepeer.setPaused(true);
        vm.expectRevert(bytes("system is paused"));
        _stakes.slash(Role.Transcoder, OPERATOR, 1000);
    }

    function test_who_has_no_bond_loses_nothing() external {
        (uint256 own,) = _stakes.slash(Role.Transcoder, address(0x9999), 5000);
        vm.assertEq(own, 0);
    }

    function test_cases_are_counted_but_freeze_nobody() external {
        _stakes.freeze(Role.Transcoder, OPERATOR);
        _stakes.freeze(Role.Transcoder, OPERATOR);
        vm.assertTrue(_stakes.isFrozen(Role.Transcoder, OPERATOR));
        _stakes.unfreeze(Role.Transcoder, OPERATOR);
        _stakes.unfreeze(Role.Transcoder, OPERATOR);
        vm.assertFalse(_stakes.isFrozen(Role.Transcoder, OPERATOR));
    }

    function test_there_are_no_verifiers() external {
        vm.expectRevert(abi.encodeWithSelector(LivepeerStakes.NoSuchRole.selector, Role.Verifier));
        _stakes.slash(Role.Verifier, OPERATOR, 1000);
        vm.expectRevert(abi.encodeWithSelector(LivepeerStakes.NoSuchRole.selector, Role.Verifier));
        _stakes.freeze(Role.Verifier, OPERATOR);
        vm.assertEq(_stakes.slashable(Role.Verifier, OPERATOR), 0);
    }

    function test_only_the_court_may() external {
        vm.startPrank(address(0xBAD));
        vm.expectRevert(abi.encodeWithSelector(ISlashable.NotTheCourt.selector, address(0xBAD)));
        _stakes.slash(Role.Transcoder, OPERATOR, 1000);
        vm.expectRevert(abi.encodeWithSelector(ISlashable.NotTheCourt.selector, address(0xBAD)));
        _stakes.freeze(Role.Transcoder, OPERATOR);
        vm.expectRevert(abi.encodeWithSelector(ISlashable.NotTheCourt.selector, address(0xBAD)));
        _stakes.unfreeze(Role.Transcoder, OPERATOR);
        vm.stopPrank();
    }
}
