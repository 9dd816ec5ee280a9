// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Addresses} from "../Addresses.sol";

/// @notice What the contracts before the court say about whom they name.
interface IWired {
    function bonding() external view returns (address);
    function broker() external view returns (address);
    function contests() external view returns (address);
    function court() external view returns (address);
    function fees() external view returns (address);
    function minter() external view returns (address);
    function operators() external view returns (address);
    function randomSource() external view returns (address);
    function registry() external view returns (address);
    function roster() external view returns (address);
    function rounds() external view returns (address);
    function token() external view returns (address);
    function work() external view returns (address);
}

/// @title Whether a deployment's contracts name each other
/// @notice Each constructor gets addresses at which nothing stands yet. When the court is created, all that hold
///         stake or count time exist: each must name those of `Addresses`, or there is no court.
library Wiring {
    /// A contract names `found` where the deployment has `expected`.
    error WrongAddress(string where, address found, address expected);

    function check(Addresses memory a) internal view {
        IWired named = IWired(a.operators);
        _same("operators.rounds", named.rounds(), a.rounds);
        _same("operators.bonding", named.bonding(), a.bonding);
        _same("operators.fees", named.fees(), a.fees);
        _same("operators.court", named.court(), a.court);
        named = IWired(a.rounds);
        _same("rounds.roster", named.roster(), a.roster);
        _same("rounds.registry", named.registry(), a.registry);
        _same("rounds.minter", named.minter(), a.minter);
        named = IWired(a.roster);
        _same("roster.operators", named.operators(), a.operators);
        _same("roster.bonding", named.bonding(), a.bonding);
        _same("roster.rounds", named.rounds(), a.rounds);
        _same("roster.work", named.work(), a.work);
        _same("roster.registry", named.registry(), a.registry);
        named = IWired(a.fees);
        _same("fees.bonding", named.bonding(), a.bonding);
        _same("fees.operators", named.operators(), a.operators);
        _same("fees.broker", named.broker(), a.broker);
        named = IWired(a.bonding);
        _same("bonding.token", named.token(), a.token);
        _same("bonding.operators", named.operators(), a.operators);
        _same("bonding.rounds", named.rounds(), a.rounds);
        _same("bonding.roster", named.roster(), a.roster);
        _same("bonding.fees", named.fees(), a.fees);
        _same("bonding.court", named.court(), a.court);
        _same("bonding.minter", named.minter(), a.minter);
        named = IWired(a.registry);
        _same("registry.operators", named.operators(), a.operators);
        _same("registry.rounds", named.rounds(), a.rounds);
        _same("registry.roster", named.roster(), a.roster);
        _same("registry.bonding", named.bonding(), a.bonding);
        _same("registry.court", named.court(), a.court);
        _same("registry.contests", named.contests(), a.contests);
        named = IWired(a.jobs);
        _same("jobs.operators", named.operators(), a.operators);
        _same("jobs.randomSource", named.randomSource(), a.randomSource);
    }

    function _same(string memory where, address found, address expected) private pure {
        if (found != expected) revert WrongAddress(where, found, expected);
    }
}
