// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {FraudCourt} from "../FraudCourt.sol";
import {IFraudCourt} from "../interfaces/IFraudCourt.sol";
import {InvalidParameter, Parameters} from "../Parameters.sol";
import {Network} from "./Network.sol";

/// A deployment is whole or it fails at the last contract.
contract DeploymentTest is Network {
    function setUp() external {
        deploy();
    }

    function test_everything_names_everything() external view {
        vm.assertEq(bonding.court(), address(court));
        vm.assertEq(address(bonding.rounds()), address(rounds));
        vm.assertEq(address(bonding.token()), address(token));
        vm.assertEq(address(rounds.roster()), address(roster));
        vm.assertEq(address(rounds.registry()), address(registry));
        vm.assertEq(registry.rounds(), address(rounds));
        vm.assertEq(address(registry.bonding()), address(bonding));
        vm.assertEq(address(evidence.jobs()), address(jobs));
        vm.assertEq(address(court.token()), address(token));
        vm.assertEq(bonding.unbondingBlocks(), 35);
    }

    function test_a_court_at_another_address_is_refused() external {
        Parameters memory p = parameters();
        vm.expectPartialRevert(IFraudCourt.WrongDeployment.selector);
        create("FraudCourt", abi.encode(p, addresses));
    }

    function test_parameters_beyond_what_the_court_can_hold_are_refused() external {
        Parameters memory p = parameters();
        p.signersBps = 5001;
        vm.expectRevert(abi.encodeWithSelector(InvalidParameter.selector, "signersBps", 5001, 5000));
        create("FraudCourt", abi.encode(p, addresses));
        p = parameters();
        p.wrongEncodeBps = 10_001;
        vm.expectRevert(abi.encodeWithSelector(InvalidParameter.selector, "wrongEncodeBps", 10_001, 10_000));
        create("FraudCourt", abi.encode(p, addresses));
        p = parameters();
        p.deadlineBlocks = 256;
        vm.expectRevert(abi.encodeWithSelector(InvalidParameter.selector, "deadlineBlocks", 256, 255));
        create("FraudCourt", abi.encode(p, addresses));
        p = parameters();
        p.equivocationBps = 10_001;
        vm.expectRevert(abi.encodeWithSelector(InvalidParameter.selector, "equivocationBps", 10_001, 10_000));
        create("FraudCourt", abi.encode(p, addresses));
    }
}
