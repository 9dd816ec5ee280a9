// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Addresses} from "../Addresses.sol";
import {IWired, Wiring} from "../libraries/Wiring.sol";
import {Network} from "./Network.sol";

contract WiringTest is Network {
    address private constant ELSEWHERE = address(0xE15E);

    function setUp() external {
        deploy();
    }

    function test_a_whole_deployment_is_wired() external view {
        this.check(addresses);
    }

    /// One wrong name anywhere, and there is no court.
    function test_every_name_is_checked() external {
        _refused(addresses.operators, IWired.rounds.selector, "operators.rounds", addresses.rounds);
        _refused(addresses.operators, IWired.bonding.selector, "operators.bonding", addresses.bonding);
        _refused(addresses.operators, IWired.court.selector, "operators.court", addresses.court);
        _refused(addresses.rounds, IWired.roster.selector, "rounds.roster", addresses.roster);
        _refused(addresses.rounds, IWired.registry.selector, "rounds.registry", addresses.registry);
        _refused(addresses.rounds, IWired.minter.selector, "rounds.minter", addresses.minter);
        _refused(addresses.roster, IWired.operators.selector, "roster.operators", addresses.operators);
        _refused(addresses.roster, IWired.bonding.selector, "roster.bonding", addresses.bonding);
        _refused(addresses.roster, IWired.rounds.selector, "roster.rounds", addresses.rounds);
        _refused(addresses.roster, IWired.work.selector, "roster.work", addresses.work);
        _refused(addresses.roster, IWired.registry.selector, "roster.registry", addresses.registry);
        _refused(addresses.fees, IWired.bonding.selector, "fees.bonding", addresses.bonding);
        _refused(addresses.fees, IWired.operators.selector, "fees.operators", addresses.operators);
        _refused(addresses.fees, IWired.broker.selector, "fees.broker", addresses.broker);
        _refused(addresses.bonding, IWired.token.selector, "bonding.token", addresses.token);
        _refused(addresses.bonding, IWired.operators.selector, "bonding.operators", addresses.operators);
        _refused(addresses.bonding, IWired.rounds.selector, "bonding.rounds", addresses.rounds);
        _refused(addresses.bonding, IWired.roster.selector, "bonding.roster", addresses.roster);
        _refused(addresses.bonding, IWired.fees.selector, "bonding.fees", addresses.fees);
        _refused(addresses.bonding, IWired.court.selector, "bonding.court", addresses.court);
        _refused(addresses.bonding, IWired.minter.selector, "bonding.minter", addresses.minter);
        _refused(addresses.registry, IWired.operators.selector, "registry.operators", addresses.operators);
        _refused(addresses.registry, IWired.rounds.selector, "registry.rounds", addresses.rounds);
        _refused(addresses.registry, IWired.roster.selector, "registry.roster", addresses.roster);
        _refused(addresses.registry, IWired.bonding.selector, "registry.bonding", addresses.bonding);
        _refused(addresses.registry, IWired.court.selector, "registry.court", addresses.court);
        _refused(addresses.registry, IWired.contests.selector, "registry.contests", addresses.contests);
        _refused(addresses.jobs, IWired.operators.selector, "jobs.operators", addresses.operators);
        _refused(addresses.jobs, IWired.randomSource.selector, "jobs.randomSource", addresses.randomSource);
    }

    function check(Addresses calldata a) external view {
        Wiring.check(a);
    }

    function _refused(address who, bytes4 name, string memory where, address expected) private {
        vm.mockCall(who, abi.encodePacked(name), abi.encode(ELSEWHERE));
        vm.expectRevert(abi.encodeWithSelector(Wiring.WrongAddress.selector, where, ELSEWHERE, expected));
        this.check(addresses);
        vm.mockCall(who, abi.encodePacked(name), abi.encode(expected));
    }
}
