// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Arrays} from "@openzeppelin/contracts/utils/Arrays.sol";
import {Addresses} from "./Addresses.sol";
import {IBondingManager} from "./interfaces/IBondingManager.sol";
import {IOperators} from "./interfaces/IOperators.sol";
import {IRoster} from "./interfaces/IRoster.sol";
import {IVerifierRegistry} from "./interfaces/IVerifierRegistry.sol";
import {ActiveSet, ActiveSets} from "./libraries/ActiveSets.sol";
import {StakeSnapshots} from "./libraries/StakeSnapshots.sol";
import {Role} from "./objects/Role.sol";
import {InvalidParameter, Parameters} from "./Parameters.sol";

/// @title Active sets of transcoders and verifiers, their snapshots, and the jail
/// @notice Weights are what the bonding manager said last: rewards that have been released since then count from
///         the pool's next change on. Who is jailed is taken out of the set where the next snapshot is made: a certificate
///         that names the absent pays for one word, however many they are.
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
    /// Says who is at which position of a round's verifiers.
    IVerifierRegistry public immutable registry;
    /// Bound of the active set of transcoders.
    uint256 public immutable maxTranscoders;
    /// Bound of the active set of verifiers.
    uint256 public immutable maxVerifiers;

    mapping(Role => ActiveSet) private _active;
    mapping(Role => mapping(uint64 round => address blob)) private _snapshots;
    /// @dev Who is to be taken out with the next snapshot, counted from 1: a round, and below it 64 bits of positions among
    ///      its verifiers. What has been carried out stays, so that writing over it costs less.
    mapping(uint256 number => uint256) private _absences;
    /// @dev The number that the next absence takes: never zero.
    uint256 private _nextAbsence = 1;

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
        registry = IVerifierRegistry(addresses.registry);
        maxTranscoders = parameters.maxTranscoders;
        maxVerifiers = parameters.maxVerifiers;
        _active[Role.Transcoder].open(maxTranscoders);
        _active[Role.Verifier].open(maxVerifiers);
    }

    /// @inheritdoc IRoster
    function update(Role role, address operator, uint96 weight) external {
        if (msg.sender != address(bonding)) revert NotTheBondingManager(msg.sender);
        if (weight == 0) _remove(role, operator);
        else _active[role].note(operator, weight);
    }

    /// @inheritdoc IRoster
    function enter(Role role, address operator, uint96 weight) external {
        if (msg.sender != address(bonding)) revert NotTheBondingManager(msg.sender);
        _enter(role, operator, weight);
    }

    /// @inheritdoc IRoster
    function takeSnapshot(uint64 round) external {
        if (msg.sender != rounds) revert NotTheRoundsManager(msg.sender);
        if (_snapshots[Role.Transcoder][round] != address(0)) revert SnapshotTaken(round);
        _takeOutTheAbsent();
        _store(Role.Transcoder, round);
        _store(Role.Verifier, round);
    }

    /// @inheritdoc IRoster
    function jail(uint64 round, uint64 positions) external {
        if (msg.sender != work) revert NotTheWorkLedger(msg.sender);
        if (positions == 0) return;
        _absences[_nextAbsence++] = (uint256(round) << 64) | positions;
        emit AbsenceNoted(round, positions);
    }

    /// @inheritdoc IRoster
    function release(Role role, address operator) external {
        if (!operators.mayAct(msg.sender, operator)) revert NotTheOperator(msg.sender, operator);
        ActiveSet storage set = _active[role];
        if (!_forgive(role, operator) && !set.isBarred(operator)) revert NotJailed(role, operator);
        set.admit(operator);
        emit Released(role, operator);
        _enter(role, operator, bonding.weightOf(role, operator));
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
        return _active[role].contains(operator) && !isJailed(role, operator);
    }

    /// @inheritdoc IRoster
    function isJailed(Role role, address operator) public view returns (bool) {
        if (_active[role].isBarred(operator)) return true;
        for (uint256 i = 1; role == Role.Verifier && i < _nextAbsence; ++i) {
            if (_absences[i] & _bitOf(_absences[i] >> 64, operator) != 0) return true;
        }
        return false;
    }

    function _enter(Role role, address operator, uint96 weight) private {
        if (weight == 0) return _remove(role, operator);
        uint256 bound = role == Role.Transcoder ? maxTranscoders : maxVerifiers;
        (bool entered, address evicted) = _active[role].put(operator, weight, bound);
        if (evicted != address(0)) emit Deactivated(role, evicted);
        if (entered) emit Activated(role, operator, weight);
    }

    function _remove(Role role, address operator) private {
        if (_active[role].remove(operator)) emit Deactivated(role, operator);
    }

    /// @dev Rounds get one list each, and rolls wait for rounds: there are as many absences as rounds that still had a list
    ///      to come when the last one was opened, and one. Of each no more verifiers than the set has places.
    function _takeOutTheAbsent() private {
        uint256 next = _nextAbsence;
        if (next == 1) return;
        _nextAbsence = 1;
        ActiveSet storage set = _active[Role.Verifier];
        for (uint256 i = 1; i < next; ++i) {
            uint256 absence = _absences[i];
            uint64 positions = uint64(absence);
            // Who was in it has returned.
            if (positions == 0) continue;
            (address[] memory verifiers,,,) = registry.snapshot(uint64(absence >> 64));
            for (uint256 place = 0; place < verifiers.length; ++place) {
                if ((positions >> place) & 1 == 0 || set.isBarred(verifiers[place])) continue;
                emit Jailed(Role.Verifier, verifiers[place]);
                if (set.bar(verifiers[place])) emit Deactivated(Role.Verifier, verifiers[place]);
            }
        }
    }

    /// @dev Takes the operator out of every absence; says whether it was in one.
    function _forgive(Role role, address operator) private returns (bool found) {
        for (uint256 i = 1; role == Role.Verifier && i < _nextAbsence; ++i) {
            uint256 absence = _absences[i];
            uint256 bit = _bitOf(absence >> 64, operator);
            if (absence & bit == 0) continue;
            _absences[i] = absence ^ bit;
            found = true;
        }
    }

    /// @dev Position of the verifier in a round, as a bit; 0 if it is not in it.
    function _bitOf(uint256 round, address verifier) private view returns (uint256) {
        (address[] memory verifiers,,,) = registry.snapshot(uint64(round));
        for (uint256 i = 0; i < verifiers.length; ++i) {
            if (verifiers[i] == verifier) return 1 << i;
        }
        return 0;
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
