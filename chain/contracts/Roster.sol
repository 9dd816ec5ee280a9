// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Arrays} from "@openzeppelin/contracts/utils/Arrays.sol";
import {Addresses} from "./Addresses.sol";
import {IBondingManager} from "./interfaces/IBondingManager.sol";
import {IOperators} from "./interfaces/IOperators.sol";
import {IRoster} from "./interfaces/IRoster.sol";
import {ActiveSet, ActiveSets} from "./libraries/ActiveSets.sol";
import {StakeSnapshots} from "./libraries/StakeSnapshots.sol";
import {Role} from "./objects/Role.sol";
import {InvalidParameter, Parameters} from "./Parameters.sol";

/// @title Active sets of transcoders and verifiers, their snapshots, and the jail
/// @notice Weights are what the bonding manager said last: rewards that have been released since then count from
///         the pool's next change on.
contract Roster is IRoster {
    using ActiveSets for ActiveSet;

    /// Whose key acts for whom, and at which price.
    IOperators public immutable operators;
    /// The only account that changes weights.
    IBondingManager public immutable bonding;
    /// The only account that has snapshots taken.
    address public immutable rounds;
    /// The only account that jails.
    address public immutable work;
    /// Bound of the active set of transcoders.
    uint256 public immutable maxTranscoders;
    /// Bound of the active set of verifiers.
    uint256 public immutable maxVerifiers;

    mapping(Role => ActiveSet) private _active;
    mapping(Role => mapping(uint64 round => address blob)) private _snapshots;

    constructor(Parameters memory parameters, Addresses memory addresses) {
        if (parameters.maxTranscoders == 0 || parameters.maxTranscoders > 255) {
            revert InvalidParameter("maxTranscoders", parameters.maxTranscoders, 255);
        }
        if (parameters.maxVerifiers == 0 || parameters.maxVerifiers > 64) {
            revert InvalidParameter("maxVerifiers", parameters.maxVerifiers, 64);
        }
        operators = IOperators(addresses.operators);
        bonding = IBondingManager(addresses.bonding);
        rounds = addresses.rounds;
        work = addresses.work;
        maxTranscoders = parameters.maxTranscoders;
        maxVerifiers = parameters.maxVerifiers;
        _active[Role.Transcoder].open(maxTranscoders);
        _active[Role.Verifier].open(maxVerifiers);
    }

    /// @inheritdoc IRoster
    function update(Role role, address operator, uint96 weight) external {
        if (msg.sender != address(bonding)) revert NotTheBondingManager(msg.sender);
        _update(role, operator, weight);
    }

    /// @inheritdoc IRoster
    function takeSnapshot(uint64 round) external {
        if (msg.sender != rounds) revert NotTheRoundsManager(msg.sender);
        if (_snapshots[Role.Transcoder][round] != address(0)) revert SnapshotTaken(round);
        _store(Role.Transcoder, round);
        _store(Role.Verifier, round);
    }

    /// @inheritdoc IRoster
    function jail(Role role, address operator) external {
        if (msg.sender != work) revert NotTheWorkLedger(msg.sender);
        ActiveSet storage set = _active[role];
        if (set.isBarred(operator)) return;
        emit Jailed(role, operator);
        if (set.bar(operator)) emit Deactivated(role, operator);
    }

    /// @inheritdoc IRoster
    function release(Role role, address operator) external {
        if (!operators.mayAct(msg.sender, operator)) revert NotTheOperator(msg.sender, operator);
        ActiveSet storage set = _active[role];
        if (!set.isBarred(operator)) revert NotJailed(role, operator);
        set.admit(operator);
        emit Released(role, operator);
        _update(role, operator, bonding.weightOf(role, operator));
    }

    /// @inheritdoc IRoster
    function snapshot(Role role, uint64 round)
        external
        view
        returns (address[] memory, uint256[] memory, uint256[] memory)
    {
        return StakeSnapshots.load(_blobOf(role, round));
    }

    /// @inheritdoc IRoster
    function weightAt(Role role, uint64 round, address operator) external view returns (uint256) {
        return StakeSnapshots.weightOf(_blobOf(role, round), operator);
    }

    /// @inheritdoc IRoster
    function totalAt(Role role, uint64 round) external view returns (uint256) {
        return StakeSnapshots.total(_blobOf(role, round));
    }

    /// @inheritdoc IRoster
    function activeSet(Role role)
        external
        view
        returns (address[] memory operators_, uint256[] memory weights)
    {
        uint256[] memory members = _active[role].list();
        operators_ = new address[](members.length);
        weights = new uint256[](members.length);
        for (uint256 i = 0; i < members.length; ++i) {
            operators_[i] = ActiveSets.operatorOf(members[i]);
            weights[i] = ActiveSets.weightOf(members[i]);
        }
    }

    /// @inheritdoc IRoster
    function isActive(Role role, address operator) external view returns (bool) {
        return _active[role].contains(operator);
    }

    /// @inheritdoc IRoster
    function isJailed(Role role, address operator) external view returns (bool) {
        return _active[role].isBarred(operator);
    }

    function _update(Role role, address operator, uint96 weight) private {
        ActiveSet storage set = _active[role];
        if (weight == 0) {
            if (set.remove(operator)) emit Deactivated(role, operator);
            return;
        }
        uint256 bound = role == Role.Transcoder ? maxTranscoders : maxVerifiers;
        (bool entered, address evicted) = set.put(operator, weight, bound);
        if (evicted != address(0)) emit Deactivated(role, evicted);
        if (entered) emit Activated(role, operator, weight);
    }

    /// @dev Prices matter for elections only; a verifier's is stored as 0.
    function _store(Role role, uint64 round) private {
        uint256[] memory members = Arrays.sort(_active[role].list());
        uint64[] memory prices = new uint64[](members.length);
        for (uint256 i = 0; role == Role.Transcoder && i < members.length; ++i) {
            prices[i] = operators.priceOf(ActiveSets.operatorOf(members[i]));
        }
        address blob = StakeSnapshots.store(members, prices);
        _snapshots[role][round] = blob;
        emit SnapshotStored(role, round, members.length, blob);
    }

    function _blobOf(Role role, uint64 round) private view returns (address blob) {
        blob = _snapshots[role][round];
        if (blob == address(0)) revert NoSnapshot(role, round);
    }
}
