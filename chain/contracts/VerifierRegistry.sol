// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Addresses} from "./Addresses.sol";
import {IBondingManager} from "./interfaces/IBondingManager.sol";
import {IOperators} from "./interfaces/IOperators.sol";
import {IRoster} from "./interfaces/IRoster.sol";
import {IVerifierRegistry} from "./interfaces/IVerifierRegistry.sol";
import {ActiveSets} from "./libraries/ActiveSets.sol";
import {Blob} from "./libraries/Blob.sol";
import {Bls} from "./libraries/Bls.sol";
import {KeyBlobs} from "./libraries/KeyBlobs.sol";
import {VerifierSet, VerifierSets} from "./libraries/VerifierSets.sol";
import {Role} from "./objects/Role.sol";
import {InvalidParameter, Parameters} from "./Parameters.sol";

/// @title BLS keys with proof of possession, and the verifiers of each round
contract VerifierRegistry is IVerifierRegistry {
    using VerifierSets for VerifierSet;

    /// @dev One slot. `signers` are those of all cases of the round that are not final, `unfinished` is the
    ///      number of these cases.
    struct Round {
        address blob;
        uint16 unfinished;
        uint64 signers;
    }

    /// More rounds than these would make each withdrawal of a verifier's stake dear.
    uint256 private constant MAX_HELD_ROUNDS = 100;
    /// Places of `unfinished` and `signers` in a round's slot.
    uint256 private constant UNFINISHED_SHIFT = 160;
    uint256 private constant SIGNERS_SHIFT = 176;

    /// @inheritdoc IVerifierRegistry
    address public immutable rounds;
    /// @inheritdoc IVerifierRegistry
    address public immutable court;
    /// Whose key acts for whom.
    IOperators public immutable operators;
    /// Says who is active with which weight.
    IRoster public immutable roster;
    /// Says what is the verifiers' own.
    IBondingManager public immutable bonding;
    /// Holds verifiers whose divergences have contested a case.
    address public immutable contests;
    /// @inheritdoc IVerifierRegistry
    uint64 public immutable heldRounds;

    address[] private _operators;
    /// @dev Counted from 1, so that 0 says unregistered. Keys are where `KeyBlobs` says.
    mapping(address operator => uint256 number) private _numbers;
    mapping(bytes32 keyHash => address operator) private _keyOwners;
    mapping(uint64 round => Round) private _rounds;

    /// @dev Or the contests beside it.
    modifier onlyCourt() {
        if (msg.sender != court && msg.sender != contests) revert NotTheCourt(msg.sender);
        _;
    }

    constructor(Parameters memory p, Addresses memory addresses) {
        // From a signature's round to the end of the last case that rests on it, if nobody is late: a pass is accused
        // until a case window after the evidence's, and held as long again if it is a divergence; the resolver may be
        // silent about the case it rests on, about its own, and once more about the cap. One round for the blocks that
        // are left over and one for the signature's own.
        uint256 held = (uint256(p.deadlineBlocks) + p.evidenceWindow + 2 * uint256(p.caseWindow))
            / p.roundLength + 3 * uint256(p.resolverRounds) + 2;
        if (held > MAX_HELD_ROUNDS) revert InvalidParameter("heldRounds", held, MAX_HELD_ROUNDS);
        heldRounds = uint64(held);
        rounds = addresses.rounds;
        court = addresses.court;
        operators = IOperators(addresses.operators);
        roster = IRoster(addresses.roster);
        bonding = IBondingManager(addresses.bonding);
        contests = addresses.contests;
    }

    /// @inheritdoc IVerifierRegistry
    function register(address operator, bytes calldata key, bytes calldata possession)
        external
        returns (uint256 index)
    {
        if (!operators.mayAct(msg.sender, operator)) revert NotTheOperator(msg.sender, operator);
        if (_numbers[operator] != 0) revert AlreadyRegistered(operator, _numbers[operator] - 1);
        // The precompile accepts only reduced field elements, so one key has one encoding.
        bytes32 keyHash = keccak256(key);
        if (_keyOwners[keyHash] != address(0)) revert KeyTaken(keyHash, _keyOwners[keyHash]);
        Bls.requirePoint(key, Bls.G2_LENGTH);
        if (!Bls.verifyPossession(key, possessionMessage(key, operator), possession)) {
            revert InvalidProofOfPossession(operator);
        }

        index = _operators.length;
        _operators.push(operator);
        _keyOwners[keyHash] = operator;
        _numbers[operator] = index + 1;
        KeyBlobs.write(operator, key);
        emit VerifierRegistered(operator, index, key);
    }

    /// @inheritdoc IVerifierRegistry
    function takeSnapshot(uint64 round) external {
        if (msg.sender != rounds) revert NotTheRoundsManager(msg.sender);
        if (_rounds[round].blob != address(0)) revert SnapshotTaken(round);
        (address[] memory members_, uint256[] memory weights,) = roster.snapshot(Role.Verifier, round);
        uint256[] memory members = new uint256[](members_.length);
        uint96[] memory owns = new uint96[](members_.length);
        bytes memory aggregate = new bytes(Bls.G2_LENGTH);
        uint256 verifiers;
        uint256 total;
        for (uint256 i = 0; i < members_.length; ++i) {
            address keyBlob = KeyBlobs.placeOf(address(this), members_[i]);
            if (!KeyBlobs.exists(keyBlob)) continue;
            owns[verifiers] = uint96(bonding.ownStakeOf(Role.Verifier, members_[i]));
            members[verifiers++] = ActiveSets.pack(members_[i], uint96(weights[i]));
            total += weights[i];
            aggregate = Bls.addG2(aggregate, Blob.read(keyBlob));
        }
        address blob = VerifierSets.store(members, owns, verifiers, total, aggregate);
        _rounds[round].blob = blob;
        emit VerifiersStored(round, verifiers, total, blob);
    }

    /// @inheritdoc IVerifierRegistry
    function hold(uint64 round, uint64 bitmap) external onlyCourt {
        Round storage r = _rounds[round];
        // By hand: one read and one write of the slot, as the struct lies in it.
        uint256 word;
        assembly ("memory-safe") {
            word := sload(r.slot)
        }
        uint16 unfinished = uint16(word >> UNFINISHED_SHIFT) + 1;
        word &= ~(uint256(type(uint16).max) << UNFINISHED_SHIFT);
        word |= (uint256(unfinished) << UNFINISHED_SHIFT) | (uint256(bitmap) << SIGNERS_SHIFT);
        assembly ("memory-safe") {
            sstore(r.slot, word)
        }
    }

    /// @inheritdoc IVerifierRegistry
    function release(uint64 round) external onlyCourt {
        Round storage r = _rounds[round];
        uint16 unfinished = r.unfinished - 1;
        r.unfinished = unfinished;
        if (unfinished == 0) r.signers = 0;
    }

    /// @inheritdoc IVerifierRegistry
    function isHeld(address verifier, uint64 round) external view returns (bool) {
        uint64 until = round < heldRounds ? 0 : round - heldRounds;
        for (; round > until; --round) {
            Round storage r = _rounds[round];
            if (r.unfinished == 0) continue;
            VerifierSet memory set = VerifierSets.load(r.blob);
            uint64 signers = r.signers;
            for (uint256 i = 0; i < set.count; ++i) {
                if ((signers >> i) & 1 == 1 && set.operatorAt(i) == verifier) return true;
            }
        }
        return false;
    }

    /// @inheritdoc IVerifierRegistry
    function possessionMessage(bytes calldata key, address operator) public view returns (bytes32) {
        return keccak256(abi.encodePacked(key, operator, block.chainid, address(this)));
    }

    /// @inheritdoc IVerifierRegistry
    function keyOf(address operator) public view returns (bytes memory) {
        if (_numbers[operator] == 0) revert NotRegistered(operator);
        return Blob.read(KeyBlobs.placeOf(address(this), operator));
    }

    /// @inheritdoc IVerifierRegistry
    function isRegistered(address operator) external view returns (bool) {
        return _numbers[operator] != 0;
    }

    /// @inheritdoc IVerifierRegistry
    function count() external view returns (uint256) {
        return _operators.length;
    }

    /// @inheritdoc IVerifierRegistry
    function operatorAt(uint256 index) external view returns (address) {
        return _operators[index];
    }

    /// @inheritdoc IVerifierRegistry
    function snapshot(uint64 round)
        external
        view
        returns (
            address[] memory verifiers,
            uint256[] memory weights,
            uint256 total,
            bytes memory aggregateKey
        )
    {
        VerifierSet memory set = _setOf(round);
        verifiers = new address[](set.count);
        weights = new uint256[](set.count);
        for (uint256 i = 0; i < set.count; ++i) {
            (verifiers[i], weights[i]) = set.memberAt(i);
        }
        return (verifiers, weights, set.total, set.aggregateKey());
    }

    /// @inheritdoc IVerifierRegistry
    function verifierAt(uint64 round, uint256 position)
        external
        view
        returns (address operator, uint256 weight)
    {
        VerifierSet memory set = _setOf(round);
        if (position >= set.count) revert PositionOutOfRange(position, set.count);
        return set.memberAt(position);
    }

    /// @inheritdoc IVerifierRegistry
    function everybody(uint64 round) external view returns (uint64 bitmap) {
        return _setOf(round).all();
    }

    /// @inheritdoc IVerifierRegistry
    function weigh(uint64 round, uint64 bitmap, address excluded)
        external
        view
        returns (uint256 signed, uint256 total, uint256 ownStake)
    {
        return _setOf(round).weigh(bitmap, excluded);
    }

    /// @inheritdoc IVerifierRegistry
    function tally(uint64 round, uint64 bitmap, address excluded)
        external
        view
        returns (uint256 signed, uint256 total, uint256 ownStake, bytes memory key)
    {
        VerifierSet memory set = _setOf(round);
        (signed, total, ownStake) = set.weigh(bitmap, excluded);
        // The answer's first words, then the sum, and behind it room for the key that is subtracted or added next.
        uint256[4] memory head;
        bytes memory points = new bytes(2 * Bls.G2_LENGTH);
        if (2 * VerifierSets.size(bitmap) > set.count) {
            set.copyAggregateKey(points);
            // `weigh` has found no position in the bitmap that the set has not.
            _addKeys(points, set, set.all() ^ bitmap, true);
        } else {
            _addKeys(points, set, bitmap, false);
        }
        key = Bls.firstG2(points);
        // As the encoder would, without copying: the key begins behind the four words.
        assembly ("memory-safe") {
            mstore(head, signed)
            mstore(add(head, 0x20), total)
            mstore(add(head, 0x40), ownStake)
            mstore(add(head, 0x60), 0x80)
            return(head, 0x1a0)
        }
    }

    /// @dev Adds the keys of the verifiers in `bitmap` to the first of two points, or subtracts them from it.
    function _addKeys(bytes memory points, VerifierSet memory set, uint64 bitmap, bool negated) private view {
        // A whole word, which needs no cleaning.
        uint256 left = bitmap;
        unchecked {
            for (uint256 i = 0; left != 0; ++i) {
                if (left & 1 == 1) {
                    // Whoever is in a snapshot is registered.
                    Blob.readInto(KeyBlobs.placeOf(address(this), set.operatorAt(i)), points, Bls.G2_LENGTH);
                    if (negated) Bls.negateG2(points, Bls.G2_LENGTH);
                    Bls.foldG2(points);
                }
                left >>= 1;
            }
        }
    }

    function _setOf(uint64 round) private view returns (VerifierSet memory) {
        address blob = _rounds[round].blob;
        if (blob == address(0)) revert NoSnapshot(round);
        return VerifierSets.load(blob);
    }
}
