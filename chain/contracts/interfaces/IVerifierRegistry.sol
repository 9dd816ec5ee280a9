// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title BLS keys of verifiers, and who may sign in which round
/// @notice Points are in the encoding of EIP-2537: keys 256 bytes, signatures 128.
interface IVerifierRegistry {
    /// Only the rounds manager may do this.
    error NotTheRoundsManager(address caller);
    /// Only the court may do this.
    error NotTheCourt(address caller);
    /// Neither the operator nor its signer.
    error NotTheOperator(address caller, address operator);
    /// The operator has a key, for good.
    error AlreadyRegistered(address operator, uint256 index);
    /// The key belongs to another operator.
    error KeyTaken(bytes32 keyHash, address operator);
    /// The proof of possession does not fit key, operator, chain and registry.
    error InvalidProofOfPossession(address operator);
    /// The operator has no key.
    error NotRegistered(address operator);
    /// No snapshot was taken for this round.
    error NoSnapshot(uint64 round);
    /// The round's snapshot exists and never changes.
    error SnapshotTaken(uint64 round);
    /// The bitmap or position names a verifier that the round does not have.
    error PositionOutOfRange(uint256 position, uint256 verifiers);

    /// A verifier registered its key; `index` is permanent and counts from 0.
    event VerifierRegistered(address indexed operator, uint256 indexed index, bytes key);
    /// The round's verifiers were stored as the code of `blob`.
    event VerifiersStored(uint64 indexed round, uint256 verifiers, uint256 totalWeight, address blob);

    /// @notice Registers an operator's key, once; by it or by its signer.
    /// @param key point of G2, 256 bytes
    /// @param possession signature over `possessionMessage` under the proof-of-possession tag, 128 bytes
    function register(address operator, bytes calldata key, bytes calldata possession)
        external
        returns (uint256 index);

    /// @notice Stores the verifiers of a round: those active and registered. The rounds manager's alone.
    function takeSnapshot(uint64 round) external;

    /// @notice Records that a case of this round, with these signers, is not final; the court's and the contests'
    ///         alone.
    function hold(uint64 round, uint64 bitmap) external;

    /// @notice Records that a case of this round is final; the court's and the contests' alone.
    function release(uint64 round) external;

    /// @notice Rounds that `isHeld` looks back: as many as a case can take, from its work on.
    function heldRounds() external view returns (uint64);

    /// @notice Whether the verifier is among the signers of a round with cases that are not final, of the last
    ///         `heldRounds` up to `round`. Signers of all of a round's cases are free when the last one is final.
    function isHeld(address verifier, uint64 round) external view returns (bool);

    /// @notice The only account that may hold signers.
    function court() external view returns (address);

    /// @notice What a proof of possession signs.
    function possessionMessage(bytes calldata key, address operator) external view returns (bytes32);

    /// @notice The operator's key, 256 bytes.
    function keyOf(address operator) external view returns (bytes memory);

    /// @notice Whether the operator has a key.
    function isRegistered(address operator) external view returns (bool);

    /// @notice The only account that may have snapshots taken.
    function rounds() external view returns (address);

    /// @notice Number of keys ever registered.
    function count() external view returns (uint256);

    /// @notice The operator that registered as number `index`, from 0.
    function operatorAt(uint256 index) external view returns (address);

    /// @notice The round's verifiers in ascending order of address, their weights, the sum of the weights and
    ///         the sum of the keys (zeros if there is no verifier).
    function snapshot(uint64 round)
        external
        view
        returns (
            address[] memory verifiers,
            uint256[] memory weights,
            uint256 total,
            bytes memory aggregateKey
        );

    /// @notice The verifier at a position of the round's snapshot.
    function verifierAt(uint64 round, uint256 position)
        external
        view
        returns (address operator, uint256 weight);

    /// @notice The positions of all verifiers of the round, as bits.
    function everybody(uint64 round) external view returns (uint64 bitmap);

    /// @notice Weight of the verifiers in `bitmap` (bit i: position i) and of all, both without `excluded`'s, and
    ///         the own bonds of those in `bitmap`.
    function weigh(uint64 round, uint64 bitmap, address excluded)
        external
        view
        returns (uint256 signed, uint256 total, uint256 ownStake);

    /// @notice As `weigh`, and the sum of the keys of the verifiers in `bitmap`. Costs by the number of those
    ///         that are absent, or present, whichever is smaller.
    function tally(uint64 round, uint64 bitmap, address excluded)
        external
        view
        returns (uint256 signed, uint256 total, uint256 ownStake, bytes memory key);
}
